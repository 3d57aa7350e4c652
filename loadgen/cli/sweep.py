"""``loadgen sweep``: the highest load that meets the objective."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadgen.cli import options, quantities
from loadgen.cli.load_options import LoadOptions, servers_and_access
from loadgen.cli.options import ParameterType, Seconds, integer, option
from loadgen.cli.output import console, emit, say
from loadgen.errors import ExitCode, GuardRefusal, LoadgenError, NegativeAnswer, RefusalError
from loadgen.runs.format.verdict import MAX_ERROR_SHARE, TOO_MANY_ERRORS

if TYPE_CHECKING:
    from loadgen.database.servers import Servers
    from loadgen.runner.sweep_runs import SweepPlan
    from loadgen.runs.format.access import Access
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.sweep import SweepPoint, SweepRecord
    from loadgen.settings import Settings

MOST_LEVELS: Final = 64
MOST_REPEATS: Final = 50


LEVELS: Final = ParameterType("N,N,…", quantities.integers(1, quantities.MOST_USERS, most_values=MOST_LEVELS))


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """Options of a sweep beyond those of any load."""

    levels: Annotated[
        options.Integers,
        option(
            "--levels", of=LEVELS, group=options.LOAD, help="Levels to run: busy connections, or users with --think."
        ),
    ] = (1, 2, 4, 8, 16, 32)
    think: Annotated[
        bool,
        option(
            "--think/--no-think", of=options.FLAG, group=options.LOAD,
            help="Keep the scenario's think time. Without it, a level is the number of busy connections.",
        ),
    ] = False  # fmt: skip
    repeats: Annotated[
        int, option("--repeats", of=integer(1, MOST_REPEATS), group=options.LENGTH, help="Runs of each level.")
    ] = 3
    ramp: options.Ramp = Seconds(1)
    warmup: options.Warmup = Seconds(5)
    duration: options.Duration = Seconds(30)

    def plan(self, load: LoadOptions, access: Access) -> SweepPlan:
        """Plan of the sweep."""
        from loadgen.runner.run import DRAIN_S
        from loadgen.runner.sweep_runs import SweepPlan

        return SweepPlan(
            levels=self.levels,
            repeats=self.repeats,
            think=self.think,
            ramp_s=self.ramp,
            warmup_s=self.warmup,
            measure_s=self.duration,
            drain_s=DRAIN_S,
            seed=load.seed,
            mode=load.mode,
            processes=load.processes,
            access=access,
        )


@options.expanded
def sweep(scenario: options.Scenario, own: SweepOptions, load: LoadOptions, json: options.Json = False) -> None:
    """Find the highest load that meets an objective.

    Runs a scenario at several levels in random order, with repeats, each on a fresh copy of the data. The result is
    the highest level that meets the objective, as all lower levels do. The database itself is only read.

    Example: loadgen sweep dashboard --levels 1,4,16,64 --objective p95=100ms
    """
    load.require_user_per_process(max(own.levels))

    from loadgen.database.connect import resolve
    from loadgen.runner.scenarios import find_scenario
    from loadgen.seeding.starter import ensure_data

    config = load.settings()
    find_scenario(scenario)
    target = resolve(config)
    ensure_data(target)
    servers, access = servers_and_access(config, target, load.connections)
    record, directory = carry_out(
        scenario,
        own.plan(load, access),
        load.judged_objective(),
        config,
        load.allow_unmarked,
        servers,
        load.max_error_share,
    )
    say(f"HTML page: loadgen report {directory}")
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
        self._bar.console.print(f"  {place + 1:>3}/{self._runs}  level {level:>4}  {_outcome(point)}")


def _outcome(point: SweepPoint) -> str:
    from capacity.formatting import interval

    p95 = point.response.p95_ms if point.response else None
    why = "".join(f"  {point.verdict.status}: {reason.code}" for reason in point.verdict.reasons)
    return f"{interval(point.throughput_tps)} tps, p95 {interval(p95)} ms{why}"


def show(record: SweepRecord) -> None:
    """Show levels and answer on stderr."""
    from rich.table import Table

    from capacity.formatting import counted, interval, number, share

    out = console()
    table = Table("level", "valid runs", "throughput tps", "p95 ms", "P(objective)", "", box=None)
    without: list[str] = []
    best = max((p.throughput_tps.value for p in record.points if p.throughput_tps), default=1.0)
    for level in record.levels:
        points = [p for p in record.points if p.level == level]
        valid = [p for p in points if p.verdict.status == "valid" and p.throughput_tps]
        tps = [p.throughput_tps.value for p in valid if p.throughput_tps]
        p95 = [p.response.p95_ms.value for p in valid if p.response and p.response.p95_ms]
        met = record.capacity.met_probability.get(level) if record.capacity else None
        table.add_row(
            str(level),
            f"{len(valid)} of {len(points)}",
            _span(tps),
            _span(p95),
            "–" if met is None else f"{met:.2f}",
            "█" * round(16 * (sum(tps) / len(tps) / best)) if tps else "",
        )
        if not valid:
            without.append(str(level))
    out.print(table)
    if record.capacity is None:
        return
    capacity = record.capacity
    at_least = "" if capacity.bracketed else "at least "
    out.print(
        f"[bold]{record.scenario.name} meets {record.objective} up to {at_least}{interval(capacity.throughput_tps)} "
        f"transactions/s[/bold] with at most {share(record.max_error_share)} failed, at "
        f"{counted(capacity.level, 'user' if record.schedule.think else 'busy connection')}",
    )
    if not capacity.bracketed:
        out.print(f"the highest level still meets it; add levels above {number(max(record.levels))} to find the limit")

    if without:
        levels, them = ("level", "it") if len(without) == 1 else ("levels", "them")
        out.print(f"no valid run at {levels} {', '.join(without)}: the result leaves {them} out; sweep again")


def _span(values: list[float]) -> str:
    """Format the least and most over the repeats of a level."""
    from capacity.formatting import number

    return f"{number(min(values))}–{number(max(values))}" if values else "–"
