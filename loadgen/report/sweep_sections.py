"""The sections of a sweep's page, each a function of the sweep's record."""

from __future__ import annotations

from loadgen.report import commands
from loadgen.report.levels import limits
from loadgen.report.section import Section, section
from loadgen.report.shared import facts_section, load_of, reproduce_section, scenario_section, storage_section
from loadgen.runs.format.sweep import SweepRecord


def verdict(sweep: SweepRecord) -> Section:
    """The load that meets the objective, or why there is no answer."""
    short = any(note.code == "short" for note in limits(sweep))
    return section("verdict", "Verdict", "What this server holds", "sweep/verdict", sweep=sweep, short=short)


def load(sweep: SweepRecord) -> Section:
    """Throughput and response time against load."""
    return section("load", "Load", "Throughput and response time against load", "sweep/load", load=load_of(sweep))


def laws(sweep: SweepRecord) -> Section | None:
    """The law of throughput, latency against utilisation with its bounds, service demand. None with think time."""
    found = load_of(sweep)
    if found.laws is None:
        return None
    return section("laws", "Laws", "Scalability, latency and demand", "sweep/laws", load=found)


def storage(sweep: SweepRecord) -> Section | None:
    """Bytes on disk by table."""
    return storage_section(sweep.tables, sweep.database)


def scenario(sweep: SweepRecord) -> Section:
    """What the load consisted of."""
    return scenario_section(sweep.scenario, sweep.schedule)


def facts(sweep: SweepRecord) -> Section:
    """The server, the data and the machine that made the load."""
    return facts_section(sweep.database, sweep.client)


def reproduce(sweep: SweepRecord) -> Section:
    """The commands that make this sweep again."""
    return reproduce_section(commands.for_sweep(sweep))
