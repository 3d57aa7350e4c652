"""``loadgen plan``: replicas, pool and partitions, with dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import options, quantities
from loadgen.cli.forecast import read_history
from loadgen.cli.output import emit, say
from loadgen.cli.plan_result import show

WANTED = "0.95"
"""Probability of meeting the objective."""

if TYPE_CHECKING:
    from capacity.pool import Deployment
    from loadgen.planning.what_if import WhatIf
    from loadgen.runs.format.plan import PlanRecord

Sweeps = Annotated[
    list[str] | None,
    typer.Option(
        "--sweep", metavar="SWEEP", help="A sweep's id, directory or file; repeatable. Default: each newest one."
    ),
]
HistoryFile = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", help="CSV with date,value. Default: the database's users by month."),
]
WorkloadFile = Annotated[
    Path | None,
    typer.Option("--workload", metavar="FILE", help="TOML that says what a user does. Default: assumptions."),
]
TargetText = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="WHAT",
        help="neon, neon-scale, or a TOML file of servers. Default: the measured server.",
    ),
]
Probability = Annotated[
    str, typer.Option("--probability", metavar="P", help="Of meeting the objective, on every date.")
]
Spare = Annotated[str, typer.Option("--spare", metavar="N", help="Servers that may fail at the peak (N+1: --spare 1).")]
Growth = Annotated[str, typer.Option("--growth", metavar="X", help="What if users grow X times as much as forecast?")]
Mix = Annotated[
    str | None,
    typer.Option("--mix", metavar="NAME=SHARE,…", help="What if the transactions were these? Shares sum to 1."),
]
ObjectiveText = Annotated[
    str | None, typer.Option("--objective", metavar="pNN=TIME", help="What if this were the objective?")
]
Retention = Annotated[
    str | None, typer.Option("--retention", metavar="MONTHS", help="What if messages were deleted at this age?")
]
AppInstances = Annotated[
    str, typer.Option("--app-instances", metavar="N", help="Application instances that share the pool.")
]
Pools = Annotated[
    str, typer.Option("--pools", metavar="N", help="Pairs of user and database, each with a pool of its own.")
]
RoundTrip = Annotated[
    str | None,
    typer.Option("--round-trip", metavar="TIME", help="Between application and server. Default: the workload's."),
]
Runs = Annotated[
    list[str] | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="A run of a swept scenario; repeatable. In other shares it tells demand, with --replica replay.",
    ),
]
Calibrations = Annotated[
    list[Path] | None,
    typer.Option(
        "--calibration",
        metavar="FILE",
        help="Of `loadgen calibrate`: the measured server's, then the target's. Default: assumptions.",
    ),
]


def plan(
    sweep: Sweeps = None,
    history: HistoryFile = None,
    workload: WorkloadFile = None,
    horizon: options.Horizon = "18",
    target: TargetText = None,
    probability: Probability = WANTED,
    spare: Spare = "0",
    growth: Growth = "1",
    mix: Mix = None,
    objective: ObjectiveText = None,
    retention: Retention = None,
    app_instances: AppInstances = "1",
    pools: Pools = "1",
    round_trip: RoundTrip = None,
    run: Runs = None,
    calibration: Calibrations = None,
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
    from loadgen import settings
    from loadgen.planning.calibration import read_calibration
    from loadgen.planning.evidence import recorded_runs
    from loadgen.planning.make import plan_record, write_plan
    from loadgen.planning.sweeps import find_sweeps
    from loadgen.planning.what_if import WhatIf
    from loadgen.planning.workload.workload_file import read_workload

    what_if = WhatIf(
        wanted=quantities.share(probability, "--probability", least=0.5, most=0.999),
        target=target,
        spare=quantities.whole(spare, "--spare", least=0, most=10),
        growth=quantities.share(growth, "--growth", least=0, most=100),
        mix=quantities.shares(mix, "--mix") if mix is not None else None,
        objective=quantities.objective(objective) if objective is not None else None,
        retention_months=quantities.whole(retention, "--retention", most=1200) if retention is not None else None,
        round_trip_ms=1000 * quantities.duration_s(round_trip, "--round-trip") if round_trip is not None else None,
        deployment=_deployment(app_instances, pools),
    )
    periods = quantities.whole(horizon, "--horizon", most=240)
    config = settings.load(dsn=dsn, instance=instance, results_dir=results_dir)
    block = what_if.applied(read_workload(workload))
    sweeps = find_sweeps(config.results_dir, sweep or (), [share.scenario for share in block.workload.mix])
    record = plan_record(
        sweeps,
        read_history(history, config),
        block,
        periods,
        dt.datetime.now(dt.UTC),
        what_if,
        recorded_runs(config.results_dir, sweep or (), sweeps, run or ()),
        [read_calibration(path) for path in calibration or ()],
    )
    given = {
        "--history": history,
        "--workload": workload,
        "--target": target,
        "--probability": probability,
        "--spare": spare,
        "--growth": growth,
        "--mix": mix,
        "--objective": objective,
        "--retention": retention,
        "--app-instances": app_instances,
        "--pools": pools,
        "--round-trip": round_trip,
    }
    record = replace(record, options=_as_typed(what_if, given, run or (), calibration or ()))
    _say(record, write_plan(record, config.results_dir), json=json)


def _deployment(app_instances: str, pools: str) -> Deployment:
    from capacity.pool import Deployment

    return Deployment(
        quantities.whole(app_instances, "--app-instances", most=100_000),
        quantities.whole(pools, "--pools", most=1_000),
    )


def _say(record: PlanRecord, directory: Path, *, json: bool) -> None:
    from loadgen.runs import documents

    if json:
        emit(documents.dump(record))
    show(record)
    say(f"recorded in {directory}; a page of it: loadgen report {directory}")


def _as_typed(
    what_if: WhatIf, given: Mapping[str, object], runs: Iterable[str], calibrations: Iterable[Path]
) -> tuple[str, ...]:
    """Options as words of a command line, without those that equal the defaults."""
    by_default = {
        "--probability": given["--probability"] == WANTED,
        "--spare": not what_if.spare,
        "--growth": what_if.growth == 1,
        "--app-instances": what_if.deployment.instances == 1,
        "--pools": what_if.deployment.pools == 1,
    }
    words = [(name, str(value)) for name, value in given.items() if value is not None and not by_default.get(name)]
    words += [("--run", name) for name in runs] + [("--calibration", str(path)) for path in calibrations]
    return tuple(word for pair in words for word in pair)
