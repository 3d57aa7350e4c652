"""``loadgen plan``: replicas, pool and partitions, with dates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from loadgen.cli import options, quantities
from loadgen.cli.forecast import read_history
from loadgen.cli.options import ParameterType, integer, option
from loadgen.cli.output import emit, say
from loadgen.cli.plan_result import show

if TYPE_CHECKING:
    from loadgen.planning.what_if import WhatIf
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.plan import PlanRecord
else:  # Typer needs the parser alone, and this module is slow to import.
    Objective = object

WANTED: Final = 0.95
"""Probability of meeting the objective."""
WHAT_IF: Final = "What if"
SERVERS: Final = "Servers and application"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What a plan is made from, and what it is asked for."""

    sweep: Annotated[
        list[str] | None,
        option(
            "--sweep", of="SWEEP", group=options.INPUT,
            help="Sweep, by id, directory or file; repeatable. Default: the newest sweep of each scenario.",
        ),
    ] = None  # fmt: skip
    run: Annotated[
        list[str] | None,
        option(
            "--run", of="RUN", group=options.INPUT,
            help="Run of a swept scenario; repeatable. Runs with other shares of transactions give the demand of each "
            "transaction; runs with --replica give the cost of WAL replay.",
        ),
    ] = None  # fmt: skip
    calibration: Annotated[
        list[Path] | None,
        option(
            "--calibration", of="FILE", group=options.INPUT,
            help="Calibration of the measured server; repeat the option for that of the target. Default: assumptions.",
        ),
    ] = None  # fmt: skip
    history: Annotated[
        Path | None,
        option(
            "--history", of="FILE", group=options.INPUT,
            help="CSV file with date,value. Default: the users of the database by month.",
        ),
    ] = None  # fmt: skip
    workload: Annotated[
        Path | None,
        option(
            "--workload", of="FILE", group=options.INPUT,
            help="Workload file, from loadgen workload. Default: assumptions.",
        ),
    ] = None  # fmt: skip
    horizon: Annotated[int, options.horizon(240)] = 18
    target: Annotated[
        str | None,
        option(
            "--target", of="TARGET", group=SERVERS,
            help="Servers to choose from: neon, neon-scale, or a TOML file. Default: the measured server.",
        ),
    ] = None  # fmt: skip
    probability: Annotated[
        float,
        option(
            "--probability", of=ParameterType("PROBABILITY", quantities.number(0.5, 0.999)), group=SERVERS,
            help="Probability with which the objective is met on every date.",
        ),
    ] = WANTED  # fmt: skip
    spare: Annotated[
        int,
        option(
            "--spare", of=integer(0, 10), group=SERVERS,
            help="Servers that may fail at peak load while the rest meet the objective: 1 for N+1.",
        ),
    ] = 0  # fmt: skip
    app_instances: Annotated[
        int,
        option(
            "--app-instances", of=integer(1, 100_000), group=SERVERS,
            help="Application instances, which divide the connections among them.",
        ),
    ] = 1  # fmt: skip
    pools: Annotated[
        int,
        option(
            "--pools", of=integer(1, 1_000), group=SERVERS,
            help="Connection pools of each instance: one per pair of database user and database.",
        ),
    ] = 1  # fmt: skip
    round_trip: Annotated[
        float | None,
        option(
            "--round-trip", of=options.DURATION, group=SERVERS,
            help="Round trip between application and server. Default: that of the workload.",
        ),
    ] = None  # fmt: skip
    growth: Annotated[
        float,
        option(
            "--growth", of=ParameterType("FACTOR", quantities.number(0, 100)), group=WHAT_IF,
            help="Multiply the forecast growth by this factor.",
        ),
    ] = 1  # fmt: skip
    mix: Annotated[
        dict[str, float] | None,
        option(
            "--mix", of=ParameterType("NAME=SHARE,…", quantities.shares), group=WHAT_IF,
            help="Plan for this mix of scenarios. The shares add up to 1.",
        ),
    ] = None  # fmt: skip
    objective: Annotated[
        Objective | None,
        option(
            "--objective", of=options.OBJECTIVE, group=WHAT_IF,
            help="Plan for this objective. Default: that of the sweeps.",
        ),
    ] = None  # fmt: skip
    retention: Annotated[
        int | None,
        option(
            "--retention", of=integer(1, 1200, "MONTHS"), group=WHAT_IF,
            help="Plan for messages that are deleted at this age.",
        ),
    ] = None  # fmt: skip

    def what_if(self) -> WhatIf:
        """What the plan is asked for beyond its measurements."""
        from capacity.pool import Deployment
        from loadgen.planning.what_if import WhatIf

        return WhatIf(
            wanted=self.probability,
            target=self.target,
            spare=self.spare,
            growth=self.growth,
            mix=self.mix,
            objective=self.objective,
            retention_months=self.retention,
            round_trip_ms=None if self.round_trip is None else 1000 * self.round_trip,
            deployment=Deployment(self.app_instances, self.pools),
        )

    def as_typed(self) -> tuple[str, ...]:
        """Options as words of a command line, without the sweeps, the horizon and defaults."""
        words: list[tuple[str, object]] = [("--history", self.history), ("--workload", self.workload)]
        words += [("--target", self.target)]
        words += [("--probability", None if self.probability == WANTED else self.probability)]
        words += [("--spare", self.spare or None), ("--growth", None if self.growth == 1 else f"{self.growth:.12g}")]
        words += [("--mix", self.mix and ",".join(f"{name}={share:.12g}" for name, share in self.mix.items()))]
        words += [("--objective", self.objective and quantities.objective_text(self.objective))]
        words += [("--retention", self.retention)]
        words += [("--app-instances", None if self.app_instances == 1 else self.app_instances)]
        words += [("--pools", None if self.pools == 1 else self.pools)]
        words += [("--round-trip", None if self.round_trip is None else quantities.duration_text(self.round_trip))]
        words += [("--run", name) for name in self.run or ()]
        words += [("--calibration", path) for path in self.calibration or ()]
        return tuple(word for name, value in words if value is not None for word in (name, str(value)))


@options.expanded
def plan(
    own: PlanOptions, database: options.Database, results_dir: options.ResultsDir = None, json: options.Json = False
) -> None:
    """Plan servers, pool size and partitions, with dates.

    Combines sweeps, growth and workload into the cheapest servers that meet the objective with the given probability.
    Every number has an interval. What the measurements do not support is refused, with the measurement that is
    missing. The plan is for the server that was swept unless --target names another.

    Example: loadgen plan --history history.csv --horizon 18
    """
    from loadgen.planning.calibration import read_calibration
    from loadgen.planning.evidence import recorded_runs
    from loadgen.planning.make import plan_record, write_plan
    from loadgen.planning.sweeps import find_sweeps
    from loadgen.planning.workload.workload_file import read_workload

    what_if, sweeps = own.what_if(), own.sweep or ()
    config = database.settings(results_dir)
    block = what_if.applied(read_workload(own.workload))
    found = find_sweeps(config.results_dir, sweeps, [share.scenario for share in block.workload.mix])
    record = plan_record(
        found,
        read_history(own.history, config),
        block,
        own.horizon,
        dt.datetime.now(dt.UTC),
        what_if,
        recorded_runs(config.results_dir, sweeps, found, own.run or ()),
        [read_calibration(path) for path in own.calibration or ()],
    )
    record = replace(record, options=own.as_typed())
    _say(record, write_plan(record, config.results_dir), json=json)


def _say(record: PlanRecord, directory: Path, *, json: bool) -> None:
    from loadgen.runs import documents

    if json:
        emit(documents.dump(record))
    show(record)
    say(f"recorded in {directory}; HTML page: loadgen report {directory}")
