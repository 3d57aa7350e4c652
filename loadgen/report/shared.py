"""Sections and parts shared by pages of several kinds of record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capacity.tables import TableGrowth
from capacity.values import TableSize
from loadgen.report.charts import laws as law_charts
from loadgen.report.charts import load as load_charts
from loadgen.report.charts import storage as storage_charts
from loadgen.report.charts.drawing import Figure, Key
from loadgen.report.laws import Laws, laws_of
from loadgen.report.levels import Level, excluded, levels, limits
from loadgen.report.section import Section, section
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.sweep import SweepPoint, SweepRecord
from loadgen.runs.format.verdict import Reason


@dataclass(frozen=True, slots=True)
class Load:
    """A sweep for display: levels, runs left out, charts, and laws."""

    sweep: SweepRecord
    levels: tuple[Level, ...]
    excluded: tuple[SweepPoint, ...]
    limits: tuple[Reason, ...]
    keys: tuple[Key, ...]
    throughput: Figure | None
    response: Figure | None
    laws: Laws | None
    latency: Figure | None


def load_of(sweep: SweepRecord) -> Load:
    """Prepare a sweep for display, with throughput and response time against load."""
    laws = laws_of(sweep)
    return Load(
        sweep=sweep,
        levels=levels(sweep),
        excluded=excluded(sweep),
        limits=limits(sweep),
        keys=load_charts.keys(sweep),
        throughput=load_charts.throughput(sweep, laws.fit if laws else None),
        response=load_charts.response(sweep),
        laws=laws,
        latency=law_charts.latency(laws, sweep.objective.response_ms) if laws else None,
    )


def scenario_section(scenario: ScenarioDescription, schedule: Schedule) -> Section:
    """Section of a scenario's transactions."""
    return section(
        "scenario",
        "Scenario",
        "What the load was",
        "scenario",
        scenario=scenario,
        think=schedule.think,
        rate=schedule.rate,
    )


def facts_section(database: DatabaseFacts, client: ClientFacts | None) -> Section:
    """Section of server, data and client machine."""
    return section("facts", "Facts", "Server, data and client", "facts", database=database, client=client)


def reproduce_section(commands: Sequence[str]) -> Section:
    """Section of the commands that reproduce the record and its page."""
    return section("reproduce", "Reproduce", "How to make this page again", "reproduce", commands=commands)


def storage_section(
    tables: Sequence[TableSize], database: DatabaseFacts, growth: Sequence[TableGrowth] = (), horizon: str = ""
) -> Section | None:
    """Section of bytes on disk by table, now and at the ``horizon`` of a plan; None when nothing was measured."""
    if not tables:
        return None
    counted = next((table.rows for table in tables if table.name == "users"), None)
    return section(
        "storage",
        "Storage",
        "Storage by table",
        "storage",
        tables=sorted(tables, key=lambda table: -table.total_bytes),
        total=sum(table.total_bytes for table in tables),
        users=counted or database.fingerprint.users,
        growth={grown.table: grown.horizon_bytes for grown in growth},
        rows={g.table: g.horizon_rows for g in growth if g.horizon_rows is not None},
        wal={g.table: w for g in growth if (w := g.horizon_wal_bytes_per_day) is not None},
        horizon=horizon,
        figure=storage_charts.tables(tables),
    )
