"""The sections of a run's page, each a function of the run's record."""

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
    """Whether the numbers can be used, and the four that matter most."""
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
    """Service, lag and response, together and by transaction."""
    if run.result is None:
        return None
    return section("latency", "Latency", "Three latencies", "run/latencies", result=run.result, late_ms=LATE_MS)


def over_time(run: RunRecord, timeline: Sequence[Second]) -> Section | None:
    """Throughput and response second by second."""
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
    """Each statement as the client saw it, and as the server counted it."""
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
    """What the server spent, and what it waited for."""
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
    """What the load generator itself spent and waited for, and each of its processes where there are several."""
    if run.result is None:
        return None
    made, access = run.result.generator, run.result.access
    waits = access.waits if access else ()
    return section(
        "generator",
        "Generator",
        "What made the load",
        "run/generator",
        generator=made,
        arrivals=run.result.arrivals,
        access_words=described(run.schedule.access),
        waits=waits,
        parts=made.parts if len(made.parts) > 1 else (),
        clocks=any(part.clock_error_ms is not None for part in made.parts),
    )


def scenario(run: RunRecord) -> Section:
    """What the load consisted of."""
    return scenario_section(run.scenario, run.schedule)


def facts(run: RunRecord) -> Section:
    """The server, the data and the machine that made the load."""
    return facts_section(run.database, run.client)


def reproduce(run: RunRecord) -> Section:
    """The command that makes this run again."""
    return reproduce_section(commands.for_run(run))


def outcome(run: RunRecord) -> Outcome | None:
    """The objective against the interval of the measured percentile; None: nothing to judge, or not this load."""
    if run.result is None or run.verdict.reasons:
        return None
    response = percentile_of(run.result.response, run.objective.percentile)
    if response is None or not run.result.count:
        return "undecided"
    if response.low > run.objective.response_ms:
        return "missed"
    return "met" if response.high <= run.objective.response_ms else "undecided"
