"""``loadgen plan``: replicas, pool and partitions, and when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options, quantities
from loadgen.cli.forecast import read_history
from loadgen.cli.output import console, emit, say

MATTERS_SHOWN = 3
"""Inputs whose uncertainty matters most: what to measure next. The page has all."""
WANTED = "0.95"
ABOVE = ("users", "cpu_s", "wal_bytes", "block_reads", "connection_hold_s")
"""Inputs that have lines of their own: the history, and what a transaction costs."""
BAR = 10
"""Characters of the bar of a share."""

if TYPE_CHECKING:
    import datetime as dt

    from rich.console import Console

    from capacity.recommendation import Recommendation
    from capacity.sizing import Basis, Sizing
    from loadgen.runs.format.plan import PlanRecord


def plan(
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            "--sweep", metavar="SWEEP", help="A sweep's id, directory or file; repeatable. Default: each newest one."
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option("--history", metavar="FILE", help="CSV with date,value. Default: the database's users by month."),
    ] = None,
    workload: Annotated[
        Path | None,
        typer.Option("--workload", metavar="FILE", help="TOML that says what a user does. Default: assumptions."),
    ] = None,
    horizon: options.Horizon = "18",
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="WHAT",
            help="neon, neon-scale, or a TOML file of servers. Default: the measured server.",
        ),
    ] = None,
    probability: Annotated[
        str, typer.Option("--probability", metavar="P", help="Of meeting the objective, on every date.")
    ] = WANTED,
    spare: Annotated[
        str, typer.Option("--spare", metavar="N", help="Servers that may fail at the peak (N+1: --spare 1).")
    ] = "0",
    growth: Annotated[
        str, typer.Option("--growth", metavar="X", help="What if users grow X times as much as forecast?")
    ] = "1",
    mix: Annotated[
        str | None,
        typer.Option("--mix", metavar="NAME=SHARE,…", help="What if the transactions were these? Shares sum to 1."),
    ] = None,
    objective: Annotated[
        str | None, typer.Option("--objective", metavar="pNN=TIME", help="What if this were the objective?")
    ] = None,
    retention: Annotated[
        str | None, typer.Option("--retention", metavar="MONTHS", help="What if messages were deleted at this age?")
    ] = None,
    app_instances: Annotated[
        str, typer.Option("--app-instances", metavar="N", help="Application instances that share the pool.")
    ] = "1",
    pools: Annotated[
        str, typer.Option("--pools", metavar="N", help="Pairs of user and database, each with a pool of its own.")
    ] = "1",
    round_trip: Annotated[
        str | None,
        typer.Option("--round-trip", metavar="TIME", help="Between application and server. Default: the workload's."),
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="A run of a swept scenario; repeatable. In other shares it tells demand, with --replica replay.",
        ),
    ] = None,
    calibration: Annotated[
        list[Path] | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="Of `loadgen calibrate`: the measured server's, then the target's. Default: assumptions.",
        ),
    ] = None,
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    results_dir: options.ResultsDir = None,
    json: options.Json = False,
) -> None:
    """Plan servers, pool size and partitions, with dates.

    Joins sweeps, growth and workload; every number has an interval. The cheapest that meets the objective with the
    probability asked for; what the measurements do not tell is refused by name. The plan is for the server that was
    swept unless --target names another.

    Example: loadgen plan --history history.csv --horizon 18
    """
    import datetime as dt
    from dataclasses import replace

    from capacity.pool import Deployment
    from loadgen import settings
    from loadgen.planning.calibration import read_calibration
    from loadgen.planning.evidence import recorded_runs
    from loadgen.planning.make import plan_record, write_plan
    from loadgen.planning.sweeps import find_sweeps
    from loadgen.planning.what_if import WhatIf
    from loadgen.planning.workload_file import read_workload
    from loadgen.runs import documents

    asked = WhatIf(
        wanted=quantities.share(probability, "--probability", least=0.5, most=0.999),
        target=target,
        spare=quantities.whole(spare, "--spare", least=0, most=10),
        growth=quantities.share(growth, "--growth", least=0, most=100),
        mix=quantities.shares(mix, "--mix") if mix is not None else None,
        objective=quantities.objective(objective) if objective is not None else None,
        retention_months=quantities.whole(retention, "--retention", most=1200) if retention is not None else None,
        round_trip_ms=1000 * quantities.duration_s(round_trip, "--round-trip") if round_trip is not None else None,
        deployment=Deployment(
            quantities.whole(app_instances, "--app-instances", most=100_000),
            quantities.whole(pools, "--pools", most=1_000),
        ),
    )
    periods = quantities.whole(horizon, "--horizon", most=240)
    found = settings.load(dsn=dsn, instance=instance, results_dir=results_dir)
    block = asked.applied(read_workload(workload))
    sweeps = find_sweeps(found.results_dir, sweep or (), [share.scenario for share in block.workload.mix])
    record = plan_record(
        sweeps,
        read_history(history, found),
        block,
        periods,
        dt.datetime.now(dt.UTC),
        asked,
        recorded_runs(found.results_dir, sweep or (), sweeps, run or ()),
        [read_calibration(path) for path in calibration or ()],
    )
    typed = {
        "--history": history,
        "--workload": workload,
        "--target": target,
        "--probability": probability if probability != WANTED else None,
        "--spare": spare if asked.spare else None,
        "--growth": growth if asked.growth != 1 else None,
        "--mix": mix,
        "--objective": objective,
        "--retention": retention,
        "--app-instances": app_instances if asked.deployment.instances != 1 else None,
        "--pools": pools if asked.deployment.pools != 1 else None,
        "--round-trip": round_trip,
    }
    words = [(name, str(value)) for name, value in typed.items() if value is not None]
    words += [("--run", name) for name in run or ()] + [("--calibration", str(path)) for path in calibration or ()]
    record = replace(record, options=tuple(word for pair in words for word in pair))
    directory = write_plan(record, found.results_dir)
    if json:
        emit(documents.dump(record))
    show(record)
    say(f"recorded in {directory}; a page of it: loadgen report {directory}")


def show(record: PlanRecord) -> None:
    """The plan in about ten lines, on stderr."""
    from capacity.values import Origin
    from loadgen.planning.what_if import ASKED
    from loadgen.report.numbers import interval, number, seconds, threshold

    out = console()
    made = record.plan
    end, last = made.users.forecast[-1], made.users.history[-1]
    _line(
        out,
        f"Plan to {made.horizon}",
        f": from {number(last.value)} users to {number(end.point)} ({number(end.low)}–{number(end.high)}), "
        f"peak {interval(made.demand_tps[-1][1])} transactions/s",
    )
    _sizing(out, record)
    for advice in made.recommendations:
        _line(out, f"{_label(advice):<11} {advice.headline}")
        _line(out, "", f"{'':<11} {_first_step(advice, made.start)}")
    for refused in made.refused:
        _line(out, f"{refused.kind:<11} refused", f" ({refused.refusal.code}): needs {refused.refusal.missing}")
        _line(out, "", f"{'':<11} {refused.refusal.do}")
    for basis in made.bases:
        _basis(out, basis, made.sizing)
    if (refusal := made.calibration_refused) is not None:
        _line(out, "", f"{'calibrated':<11} refused ({refusal.code}): needs {refusal.missing}; {refusal.do}")
    for n, matter in enumerate(made.sensitivity[:MATTERS_SHOWN]):
        bar = "█" * max(round(BAR * matter.share), 1)
        of = "" if n else "of the uncertainty is "
        label = "" if n else "matters"
        _line(out, "", f"{label:<11} {bar:<{BAR}} {matter.share:>4.0%} {of}{matter.name}: {matter.measure}")
    if made.triggers:
        rule = made.triggers[0]
        limit = f"{rule.metric.value} above {threshold(rule.metric, rule.threshold)} for {seconds(rule.for_s)}"
        count = f"{len(made.triggers)} alert rule{'s'[: len(made.triggers) != 1]} in alerts.yml"
        _line(out, "", f"{'watch':<11} {count}; the first: {limit}, {rule.then}")
    for note in made.notes:
        label, said = ("what if", note.removeprefix(ASKED)) if note.startswith(ASKED) else ("note", note)
        _line(out, "", f"{label:<11} {said}")
    _line(out, "", f"{'growth':<11} {record.growth_origin}: {record.growth_source}")
    for word, origin in (
        ("measured", Origin.MEASURED),
        ("synthetic", Origin.SYNTHETIC),
        ("assumed", Origin.ASSUMPTION),
    ):
        if names := [i.name for i in made.inputs if i.origin is origin and i.name.split(".")[0] not in ABOVE]:
            _line(out, "", f"{word:<11} {', '.join(names)}")
    if record.short:
        _line(out, "made from short runs: for seeing, not for deciding")


def _sizing(out: Console, record: PlanRecord) -> None:
    """The cheapest servers, a line for each stage, with how sure they are."""
    from rich.padding import Padding
    from rich.table import Table

    from capacity.formatting import chance
    from loadgen.report.numbers import interval

    sizing = record.plan.sizing
    if sizing is None:
        return
    as_of = f", as of {sizing.as_of}" if sizing.as_of else ""
    cost = f"{interval(sizing.cost)} {sizing.cost_unit}"
    met = "" if sizing.met else f", short of the {sizing.wanted:.0%} wanted: no configuration of it does better"
    _line(out, f"{'servers':<11} {sizing.target}{as_of}: {cost} up to the horizon")
    sure = f"{chance(sizing.probability)} or more on each date, and {chance(sizing.throughout)} on all of them"
    _line(out, "", f"{'':<11} meets the objective with a probability of {sure}{met}")
    month = "a month" if sizing.cost_unit == "server-months" else f"{sizing.cost_unit} a month"
    table = Table("from", "servers", "carries/s", "P(met)", month, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for n, stage in enumerate(sizing.stages):
        replicas = f" with {stage.replicas} replica{'s'[: stage.replicas != 1]}" if stage.replicas else ""
        table.add_row(
            "now" if n == 0 else str(stage.from_date),
            f"{stage.server}{replicas}",
            interval(stage.carries_tps),
            chance(stage.probability),
            interval(stage.cost_per_month),
        )
    out.print(Padding(table, (0, 0, 0, 12)))
    for stage in sizing.stages[1:2]:
        _line(out, "", f"{'':<11} {stage.why}")


def _basis(out: Console, basis: Basis, sizing: Sizing | None) -> None:
    """Which measurements of a scenario decided, and what stands in for those that did not tell."""
    from loadgen.report.bases import basis_text, not_told

    line = f"{basis.scenario}: {basis_text(basis)}"
    _line(out, "", f"{'measured':<11} {line}")
    for refused in not_told(basis, sizing):
        _line(out, "", f"{'':<11} not told ({refused.code}): needs {refused.missing}; {refused.do}")


def _label(advice: Recommendation) -> str:
    return "writes" if (advice.kind, advice.subject) == ("replicas", "primary") else advice.kind


def _first_step(advice: Recommendation, start: dt.date) -> str:
    """When its first step is due; without one, its reason's first sentence."""
    from capacity.due import when

    if not advice.steps:
        return advice.reason.split(". ", maxsplit=1)[0].removesuffix(".")
    step = advice.steps[0]
    return f"first: {step.amount} {step.what}, {when(step.due, start)}"


def _line(out: Console, bold: str, plain: str = "") -> None:
    from rich.text import Text

    out.print(Text.assemble((bold, "bold"), plain), soft_wrap=True)
