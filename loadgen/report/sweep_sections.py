"""Sections of a sweep's page, each a function of the sweep's record."""

from __future__ import annotations

from loadgen.report import commands
from loadgen.report.levels import limits
from loadgen.report.section import Section, section
from loadgen.report.shared import facts_section, load_of, reproduce_section, scenario_section, storage_section
from loadgen.runs.format.sweep import SweepRecord


def verdict(sweep: SweepRecord) -> Section:
    """Capacity at the objective, or the reason why there is none."""
    short = any(note.code == "short" for note in limits(sweep))
    return section("verdict", "Verdict", "What this server holds", "sweep/verdict", sweep=sweep, short=short)


def load(sweep: SweepRecord) -> Section:
    """Throughput and response time against load."""
    return section("load", "Load", "Throughput and response time against load", "sweep/load", load=load_of(sweep))


def laws(sweep: SweepRecord) -> Section | None:
    """Laws of throughput, latency against utilisation, and service demand; None with think time."""
    load = load_of(sweep)
    if load.laws is None:
        return None
    return section("laws", "Laws", "Scalability, latency and demand", "sweep/laws", load=load)


def storage(sweep: SweepRecord) -> Section | None:
    """Bytes on disk by table."""
    return storage_section(sweep.tables, sweep.database)


def scenario(sweep: SweepRecord) -> Section:
    """Transactions of the scenario, and the schedule."""
    return scenario_section(sweep.scenario, sweep.schedule)


def facts(sweep: SweepRecord) -> Section:
    """Server, data and client machine."""
    return facts_section(sweep.database, sweep.client)


def reproduce(sweep: SweepRecord) -> Section:
    """Commands that reproduce this sweep."""
    return reproduce_section(commands.for_sweep(sweep))
