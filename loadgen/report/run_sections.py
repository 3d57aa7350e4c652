"""Sections of a run's page, each a function of the run's record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from loadgen.report import commands
from loadgen.report.access_in_words import described
from loadgen.report.charts import timeline as timeline_charts
from loadgen.report.levels import percentile_of
from loadgen.report.section import Section, section
from loadgen.report.shared import facts_section, reproduce_section, scenario_section
from loadgen.report.timeline import Second
from loadgen.runs.format.result import LATE_MS
from loadgen.runs.format.run import RunRecord

Outcome = Literal["met", "missed", "undecided"]


def verdict(run: RunRecord) -> Section:
    """Verdict on the run, and its four main numbers."""
    percentile = run.objective.percentile
    response = percentile_of(run.result.response, percentile) if run.result else None
    return section(
        "verdict",
        "Verdict",
        "What this run showed",
        "run/verdict",
        run=run,
        response=response,
        outcome=outcome(run),
        lost=any(reason.code == "generator_lost" for reason in run.verdict.reasons),
    )


def latencies(run: RunRecord) -> Section | None:
    """Service, lag and response times, overall and by transaction."""
    if run.result is None:
        return None
    return section("latency", "Latency", "Three latencies", "run/latencies", result=run.result, late_ms=LATE_MS)


def over_time(run: RunRecord, timeline: Sequence[Second]) -> Section | None:
    """Throughput and response time by second."""
    if not timeline:
        return None
    return section(
        "timeline",
        "Timeline",
        "Second by second",
        "run/timeline",
        throughput=timeline_charts.throughput(timeline),
        response=timeline_charts.response(timeline, run.objective),
    )


def statements(run: RunRecord) -> Section | None:
    """Statements as measured by the client and counted by the server."""
    if run.result is None or not run.result.statements:
        return None
    return section(
        "statements",
        "Statements",
        "By statement",
        "run/statements",
        statements=run.result.statements,
        counted=run.server_statements,
    )


def server(run: RunRecord) -> Section | None:
    """Use of the server, and its wait events."""
    if run.result is None:
        return None
    waits = sorted(run.result.server.wait_events.items(), key=lambda item: (-item[1], item[0]))
    return section(
        "server",
        "Server",
        "What the server did",
        "run/server",
        server=run.result.server,
        waits=waits,
        samples=sum(samples for _, samples in waits),
        cores=run.database.cores,
    )


def generator(run: RunRecord) -> Section | None:
    """Use and waits of the load generator, and of each process where there are several."""
    if run.result is None:
        return None
    use, access = run.result.generator, run.result.access
    waits = access.waits if access else ()
    return section(
        "generator",
        "Generator",
        "What made the load",
        "run/generator",
        generator=use,
        arrivals=run.result.arrivals,
        access_words=described(run.schedule.access),
        waits=waits,
        parts=use.parts if len(use.parts) > 1 else (),
        clocks=any(part.clock_error_ms is not None for part in use.parts),
    )


def scenario(run: RunRecord) -> Section:
    """Transactions of the scenario, and the schedule."""
    return scenario_section(run.scenario, run.schedule)


def facts(run: RunRecord) -> Section:
    """Server, data and client machine."""
    return facts_section(run.database, run.client)


def reproduce(run: RunRecord) -> Section:
    """Commands that reproduce this run."""
    return reproduce_section(commands.for_run(run))


def outcome(run: RunRecord) -> Outcome | None:
    """Compare the objective with the interval of the measured percentile; None where it cannot be judged."""
    if run.result is None or run.verdict.reasons:
        return None
    response = percentile_of(run.result.response, run.objective.percentile)
    if response is None or not run.result.count:
        return "undecided"
    if response.low > run.objective.response_ms:
        return "missed"
    return "met" if response.high <= run.objective.response_ms else "undecided"
