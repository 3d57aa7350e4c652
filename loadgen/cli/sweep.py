"""``loadgen sweep``: the highest load that meets the objective."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loadgen.cli import connection_options, options, quantities
from loadgen.cli.describe import Scenario
from loadgen.cli.output import console, emit, say
from loadgen.errors import ExitCode, GuardRefusal, LoadgenError, NegativeAnswer, RefusalError
from loadgen.runs.format.verdict import MAX_ERROR_SHARE, TOO_MANY_ERRORS

if TYPE_CHECKING:
    from loadgen.database.servers import Servers
    from loadgen.runner.sweep_runs import SweepPlan
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.sweep import SweepPoint, SweepRecord
    from loadgen.settings import Settings

Levels = Annotated[str, typer.Option("--levels", metavar="N,N,…", help="Loads to run: connections, or users.")]
Repeats = Annotated[str, typer.Option("--repeats", metavar="R", help="Runs of each level.")]
Duration = Annotated[str, typer.Option("--duration", "-t", metavar="TIME", help="Measured window of each run.")]
Think = Annotated[
    bool, typer.Option("--think/--no-think", help="Keep think time; without it a level is busy connections.")
]


def sweep(
    scenario: Scenario,
    levels: Levels = "1,2,4,8,16,32",
    repeats: Repeats = "3",
    duration: Duration = "30s",
    warmup: options.Warmup = "5s",
    ramp: options.Ramp = "1s",
    think: Think = False,
    mode: options.ModeText = "sequential",
    processes: options.Processes = "1",
    pool: connection_options.PoolSize = None,
    reconnect: connection_options.Reconnect = None,
    pooler: connection_options.PoolerText = None,
    pooler_dsn: connection_options.PoolerDsn = None,
    replica: connection_options.Replicas = None,
    read_policy: connection_options.ReadPolicyText = None,
    read_your_writes: connection_options.OwnWritesText = None,
    objective: options.ObjectiveText = None,
    max_errors: options.MaxErrors = None,
    seed: options.LoadSeed = "1",
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    results_dir: options.ResultsDir = None,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Find the highest load that meets an objective.

    Runs a scenario at several levels in random order, with repeats, each on a fresh copy of the data. The answer is
    the highest load at which, and below which, the objective was met. The database itself is only read.

    Example: loadgen sweep dashboard --levels 1,4,16,64 --objective p95=100ms
    """
    from loadgen.runner.run import DRAIN_S
    from loadgen.runner.sweep_runs import MAX_LEVELS, MAX_REPEATS, SweepPlan

    found_levels = quantities.levels(levels, most_levels=MAX_LEVELS)
    plan = SweepPlan(
        levels=found_levels,
        repeats=quantities.whole(repeats, "--repeats", most=MAX_REPEATS),
        think=think,
        ramp_s=quantities.duration_s(ramp, "--ramp"),
        warmup_s=quantities.duration_s(warmup, "--warmup"),
        measure_s=quantities.duration_s(duration, "--duration", least_s=1.0),
        drain_s=DRAIN_S,
        seed=quantities.whole(seed, "--seed", least=0, most=2**31 - 1),
        mode=quantities.mode(mode),
        processes=quantities.processes(processes, max(found_levels)),
    )
    parsed_objective = quantities.objective(objective)
    error_share = quantities.max_errors(max_errors)

    from loadgen import settings
    from loadgen.database.connect import resolve
    from loadgen.runner.scenarios import find_scenario
    from loadgen.seeding.starter import ensure_data

    config = settings.load(
        dsn=dsn, instance=instance, results_dir=results_dir, pooler_dsn=pooler_dsn, replica_dsns=replica or ()
    )
    find_scenario(scenario)
    target = resolve(config)
    ensure_data(target)
    servers, sweep_access = connection_options.servers_and_access(
        config,
        target,
        pool=pool,
        reconnect=reconnect,
        pooler=pooler,
        read_policy=read_policy,
        own_writes=read_your_writes,
    )
    plan = replace(plan, access=sweep_access)
    record, directory = carry_out(scenario, plan, parsed_objective, config, allow_unmarked, servers, error_share)
    say(f"a page of it: loadgen report {directory}")
    _end(record, json=json)


def _end(record: SweepRecord, *, json: bool) -> None:
    """Print the document and raise the outcome's error."""
    from loadgen.runs import documents

    document = documents.dump(record)
    error = _why_not(record)
    if error is not None:
        error.document = document
        raise error
    if json:
        emit(document)
    if record.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _why_not(record: SweepRecord) -> LoadgenError | None:
    """The error of a sweep without an answer, in the order of ``loadgen.errors``; None for one with an answer."""
    from loadgen.runner.run import GUARD_REFUSED

    if record.interrupted or record.refusal is None:
        return None
    if record.refusal.code == GUARD_REFUSED:
        return GuardRefusal(record.points[-1].verdict.reasons[0].what)
    if record.refusal.code == TOO_MANY_ERRORS:
        lowest = min((p for p in record.points if p.verdict.too_many_errors), key=lambda p: p.level)
        return NegativeAnswer(f"level {lowest.level}: {lowest.verdict.first_line}")
    return RefusalError(record.refusal)


def carry_out(
    scenario: str,
    plan: SweepPlan,
    objective: Objective,
    config: Settings,
    allow_unmarked: str | None = None,
    servers: Servers | None = None,
    max_error_share: float = MAX_ERROR_SHARE,
) -> tuple[SweepRecord, Path]:
    """Carry out a sweep, with progress and outcome on stderr; returns the record and its directory."""
    from loadgen.database.connect import resolve
    from loadgen.database.servers import Servers
    from loadgen.runner.quality import Allowed
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runner.sweep_runs import record_sweep
    from loadgen.seeding.starter import ensure_data

    path = find_scenario(scenario)
    if servers is None:
        target = resolve(config)
        ensure_data(target)
        servers = Servers(target).verified()
    with SweepProgress(plan) as progress:
        record, directory = record_sweep(
            path,
            servers.server,
            plan,
            objective,
            config.results_dir,
            progress.run_changed,
            servers=servers,
            allow_unmarked=allow_unmarked,
            allowed=Allowed(max_error_share),
        )
    show(record)
    say(f"recorded in {directory}")
    return record, directory


class SweepProgress:
    """A bar over a sweep's runs on a terminal, a line per finished run elsewhere. A context manager."""

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        self._runs = len(plan.levels) * plan.repeats

    def __enter__(self) -> SweepProgress:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        from capacity.formatting import counted

        out = console()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), console=out, transient=True, disable=not out.is_terminal,
        )  # fmt: skip
        self._bar.start()
        self._task = self._bar.add_task("copying the data", total=self._runs)
        each_s = self._plan.ramp_s + self._plan.warmup_s + self._plan.measure_s
        runs = counted(self._runs, "run")
        say(f"{runs} of about {each_s:.0f} s, levels in random order, each on a fresh copy of the data")
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def run_changed(self, level: int, place: int, point: SweepPoint | None) -> None:
        """Show a run that begins (None) or has ended."""
        if point is None:
            self._bar.update(self._task, description=f"level {level}")
            return
        self._bar.advance(self._task)
        self._bar.console.print(f"  {place + 1:>3}/{self._runs}  level {level:>4}  {_outcome(point)}", soft_wrap=True)


def _outcome(point: SweepPoint) -> str:
    from capacity.formatting import interval

    p95 = point.response.p95_ms if point.response else None
    why = "".join(f"  {point.verdict.status}: {reason.code}" for reason in point.verdict.reasons)
    return f"{interval(point.throughput_tps)} tps, p95 {interval(p95)} ms{why}"


def show(record: SweepRecord) -> None:
    """Show levels and answer on stderr."""
    from rich.table import Table

    from capacity.formatting import interval, number, share

    out = console()
    table = Table("level", "runs", "throughput tps", "p95 ms", "P(objective)", "", box=None)
    best = max((p.throughput_tps.value for p in record.points if p.throughput_tps), default=1.0)
    for level in record.levels:
        points = [p for p in record.points if p.level == level]
        valid = [p for p in points if p.verdict.status == "valid" and p.throughput_tps]
        tps = [p.throughput_tps.value for p in valid if p.throughput_tps]
        p95 = [p.response.p95_ms.value for p in valid if p.response and p.response.p95_ms]
        met = record.capacity.met_probability.get(level) if record.capacity else None
        table.add_row(
            str(level),
            f"{len(valid)}/{len(points)} valid",
            _span(tps),
            _span(p95),
            "–" if met is None else f"{met:.2f}",
            "█" * round(16 * (sum(tps) / len(tps) / best)) if tps else "",
        )
    out.print(table)
    if record.capacity is None:
        return
    capacity = record.capacity
    at_least = "" if capacity.bracketed else "at least "
    out.print(
        f"[bold]{record.scenario.name} meets {record.objective} up to {at_least}{interval(capacity.throughput_tps)} "
        f"transactions/s[/bold], at most {share(record.max_error_share)} of them failed, at {capacity.level} "
        f"{'users' if record.schedule.think else 'busy connections'}",
        soft_wrap=True,
    )
    if not capacity.bracketed:
        out.print(f"the highest level still meets it: sweep beyond {number(max(record.levels))} to find the limit")


def _span(values: list[float]) -> str:
    """Format the least and most over the repeats of a level."""
    from capacity.formatting import number

    return f"{number(min(values))}–{number(max(values))}" if values else "–"
