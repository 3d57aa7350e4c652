"""``loadgen scalability``: scalability law of throughput, its peak, and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, option
from loadgen.cli.output import console, emit, say

if TYPE_CHECKING:
    from capacity.scalability import Usl
    from capacity.values import Interval
    from loadgen.planning.latencies import SweptLatency
    from loadgen.planning.throughputs import Throughputs

MOST_PREDICTIONS = 100
MOST_ROWS = 24
"""Most rows of the table in the terminal, evenly spread over the levels, besides requested predictions."""
CHART = 27
"""Width of the chart in characters."""
LATENCY_CHART = 14


def scalability(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Sweep, by id or directory, or a CSV file with concurrency,throughput and, if known, spread (standard "
            "deviation).",
        ),
    ],
    at: Annotated[
        options.Numbers | None,
        option(
            "--at",
            of=ParameterType("N,N,…", quantities.numbers(most_values=MOST_PREDICTIONS)),
            group=options.OUTPUT,
            help="Levels of concurrency to predict throughput at.",
        ),
    ] = None,
    level: options.Level = 0.9,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Fit a scalability law to a sweep: contention, knee, peak.

    Fits the Universal Scalability Law to throughput by concurrency, and predicts from it. Intervals are by profile
    likelihood. Beyond 1.25 times the highest level measured nothing is predicted.

    Example: loadgen scalability sweep.csv --at 48
    """
    from loadgen import settings
    from loadgen.planning.answers.scalability_answer import scalability_answer
    from loadgen.planning.latencies import swept_latency
    from loadgen.planning.throughputs import read
    from loadgen.runs import documents

    loads = at or ()
    measured = read(settings.load(results_dir=results_dir).results_dir, source)
    fit = measured.fit(level)
    latency = swept_latency(measured.sweep, level) if measured.sweep is not None else None
    if json:
        emit(documents.dump(scalability_answer(measured, fit, loads, latency)))
    show(measured, fit, loads)
    if latency is not None:
        show_latency(latency, loads)


def show(measured: Throughputs, fit: Usl, asked: Sequence[float]) -> None:
    """Show levels, law and predictions on stderr."""
    from rich.table import Table

    from capacity.formatting import MISSING, counted, interval, interval_range, number
    from capacity.values import Refusal

    by_load: dict[float, list[float]] = {}
    for n, x in zip(measured.concurrency, measured.throughput, strict=True):
        by_load.setdefault(n, []).append(x)
    means = {n: sum(values) / len(values) for n, values in by_load.items()}
    loads = sorted({*_thinned(sorted(by_load)), *asked})
    expected = {n: prediction for n in loads if not isinstance(prediction := fit.predict(n), Refusal)}
    top = max(*means.values(), *(prediction.high for prediction in expected.values()))
    table = Table("N", "runs", "measured", "expected", f"{fit.alpha.level:.0%} of runs", "", box=None)
    for n in loads:
        cells = ("not predicted", "", "")
        if n in expected:
            run = expected[n]
            cells = (number(run.value), interval_range(run), _chart(run, means.get(n), top))
        table.add_row(f"{n:g}", str(len(by_load.get(n, ()))) if n in by_load else MISSING, number(means.get(n)), *cells)
    console().print(table)
    what = "N: busy connections; throughput in transactions per second" if measured.sweep else "N: concurrency"
    say(f"{what}   ● measured   ┃ expected of another run   ─ its range")
    say("expected: the law below, adjusted to the levels that were repeated")
    say(f"contention α {interval(fit.alpha)}, coherency β {interval(fit.beta)}, at N = 1 γ {interval(fit.gamma)}")
    say(f"{_shape(fit)}; {_peak(fit)}")
    refused = [n for n in asked if n > fit.law.reach]
    if refused:
        say(f"beyond {number(fit.law.reach)} nothing is predicted; sweep up to {max(refused):g}")
    left_out = f", {measured.left_out} left out for lack of a throughput" if measured.left_out else ""
    say(f"{counted(len(measured.throughput), 'point')} of {measured.source}{left_out}")


def show_latency(latency: SweptLatency, asked: Sequence[float]) -> None:
    """Show response times by level, bounds by queueing for CPU alone, and target utilisation."""
    from rich.table import Table

    from capacity.formatting import interval, interval_range, milliseconds, number, share
    from capacity.latency import LatencyCurve
    from capacity.values import Refusal

    curve = latency.curves[latency.percentile]
    if isinstance(curve, LatencyCurve):
        name = f"p{latency.percentile:g}"
        measured = {p.level: p for p in curve.points}
        table = Table("N", "busy", f"{name} ms", "another run", "CPU alone", "", box=None)
        top = max(p.response_ms.value for p in curve.points)
        for n in sorted({*_thinned(sorted(measured)), *asked}):
            prediction, point = curve.predict_ms(n), measured.get(int(n))
            if isinstance(prediction, Refusal):
                continue
            bound = latency.bounds.get(int(n)) if point else None
            table.add_row(
                f"{n:g}",
                share(point.utilisation.value) if point else "",
                interval(point.response_ms) if point else number(prediction.value),
                interval_range(prediction),
                number(bound.mean_ms) if bound else "",
                "█" * max(round(LATENCY_CHART * min(prediction.value / top, 1)), 1),
            )
        console().print(table)
        say(f"times in ms; busy: share of the highest measured throughput; another run: its {curve.level:.0%} interval")
        say("CPU alone: mean response time if transactions queued only for the CPU (mean-value analysis)")
    elif isinstance(curve, Refusal):
        say(f"latency by load not available: missing {curve.missing} ({curve.code})")
    aim = f"p{latency.percentile:g} ≤ {milliseconds(latency.objective_ms)}"
    if isinstance(latency.target, Refusal):
        say(f"utilisation for {aim} not available: missing {latency.target.missing} ({latency.target.code})")
    else:
        least = "at least " if latency.target.met_everywhere else ""
        say(
            f"{aim} is met up to a utilisation of {least}{share(latency.target.utilisation)}, at "
            f"{number(latency.target.level)} connections, with P ≥ 95%"
        )


def _shape(fit: Usl) -> str:
    from capacity.scalability import Model

    return {
        Model.LINEAR: "throughput is linear in concurrency, as far as these points show",
        Model.AMDAHL: "contention explains the points; coherency is not distinguishable from 0",
        Model.USL: "contention and coherency explain the points" if fit.alpha.low > 0 else "coherency explains them",
    }[fit.model]


def _peak(fit: Usl) -> str:
    from capacity.formatting import interval, number
    from capacity.values import Refusal

    if fit.peak_interval is not None:
        most = fit.predict(fit.peak_interval.value)
        height = "" if isinstance(most, Refusal) else f", {number(most.value)} per second"
        return f"throughput peaks at {interval(fit.peak_interval)}{height}"
    if fit.identified:
        return f"no peak up to {number(fit.law.reach)}"
    return f"the peak is not identified; sweep beyond {number(fit.largest_measured)}, or with more repeats"


def _thinned(loads: list[float]) -> list[float]:
    """Thin levels evenly to at most MOST_ROWS, keeping the last."""
    return loads[::-1][:: -(-len(loads) // MOST_ROWS)]


def _chart(run: Interval, measured: float | None, top: float) -> str:
    """Draw an interval as a line on a scale from 0 to ``top``, with marks for its value and the measured mean."""

    def place(value: float) -> int:
        return min(round((CHART - 1) * value / top), CHART - 1)

    row = [" "] * CHART
    row[place(run.low) : place(run.high) + 1] = ["─"] * (place(run.high) + 1 - place(run.low))
    row[place(run.value)] = "┃"
    if measured is not None:
        row[place(measured)] = "●"
    return "".join(row).rstrip()
