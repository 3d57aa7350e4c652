"""``loadgen run``: one scenario at one load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadgen.cli import machines, options, quantities
from loadgen.cli.load_options import LoadOptions, servers_and_access
from loadgen.cli.options import ParameterType, Seconds, integer, option
from loadgen.cli.output import emit, say
from loadgen.cli.rates import rate as parse_rate
from loadgen.errors import ExitCode, GuardRefusal, LoadgenError, NegativeAnswer, RefusalError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from loadgen.database.servers import Servers
    from loadgen.runner.generator import ScenarioChild
    from loadgen.runner.master import MasterChild
    from loadgen.runs.format.access import Access
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.result import RunResult
    from loadgen.runs.format.run import RunRecord
    from loadgen.runs.format.schedule import Rate, Schedule, Spacing
else:  # Typer needs the parsers alone, and this module is slow to import.
    Rate = Spacing = object

CLOSED_USERS: Final = 8
OPEN_USERS: Final = 32
"""Default connections of an open load, busy at 3,200 transactions a second of 10 ms; PostgreSQL allows 100."""
DEFAULT_WINDOW_S: Final = 60.0

FaultsExpected = Annotated[
    bool,
    option(
        "--faults-expected", of=options.FLAG, group=options.OBJECTIVES,
        help="Accept server restarts and outages: report them as notes, and keep the run valid.",
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of one load, open or closed."""

    users: Annotated[
        int | None,
        option(
            "--users", "-u", of=integer(1, quantities.MOST_USERS), group=options.LOAD,
            help="Concurrent users, each with a session; with --rate: connections. "
            f"Default: {CLOSED_USERS}, with --rate {OPEN_USERS}.",
        ),
    ] = None  # fmt: skip
    rate: Annotated[
        Rate | None,
        option(
            "--rate", of=ParameterType("RATE", parse_rate), group=options.LOAD,
            help="Open load: transactions per second that arrive however the server responds. 500; steps "
            "100@30s,200@30s; a ramp 100..1000@5m; a day daily:50..500@24h. Default: a closed load of --users.",
        ),
    ] = None  # fmt: skip
    arrivals: Annotated[
        Spacing | None,
        option(
            "--arrivals", of=ParameterType("SPACING", quantities.one_of("poisson", "constant")), group=options.LOAD,
            help="With --rate: time between arrivals, poisson (random) or constant. Default: poisson.",
        ),
    ] = None  # fmt: skip
    late_limit: Annotated[
        float | None,
        option(
            "--late-limit", of=ParameterType("DURATION", quantities.duration(least_s=0.001)), group=options.LOAD,
            help="With --rate: drop transactions that are later than this. Default: send them late.",
        ),
    ] = None  # fmt: skip
    think: Annotated[
        bool,
        option("--think/--no-think", of=options.FLAG, group=options.LOAD, help="Keep the scenario's think time."),
    ] = True
    only: Annotated[
        options.Names | None,
        option(
            "--only", of=ParameterType("NAME,…", quantities.names), group=options.LOAD,
            help="Run only these transactions of the scenario, to measure what each costs.",
        ),
    ] = None  # fmt: skip
    ramp: options.Ramp = Seconds(2)
    warmup: options.Warmup = Seconds(10)
    duration: Annotated[
        float | None,
        option(
            "--duration", "-t", of=options.WINDOW, group=options.LENGTH,
            help="Length of the measured window: 30s, 5m, 1h. Default: 60s, or the length of --rate.",
        ),
    ] = None  # fmt: skip

    @property
    def users_or_default(self) -> int:
        """Users, or connections of an open load."""
        return self.users or (CLOSED_USERS if self.rate is None else OPEN_USERS)

    @property
    def window_s(self) -> float:
        """Length of the measured window."""
        if self.duration is None and self.rate is not None and self.rate.length_s >= 1.0:
            return self.rate.length_s
        return DEFAULT_WINDOW_S if self.duration is None else self.duration

    def check(self) -> None:
        """Check that the options go together. Raises UsageError."""
        for name, value in (("--arrivals", self.arrivals), ("--late-limit", self.late_limit)):
            if self.rate is None and value is not None:
                raise UsageError(f"{name} is for an open load; add --rate")

    def schedule(self, load: LoadOptions, access: Access) -> Schedule:
        """Schedule of the run."""
        from loadgen.runner.run import DRAIN_S
        from loadgen.runs.format.schedule import Schedule

        return Schedule(
            self.users_or_default,
            self.think and self.rate is None,
            self.ramp,
            self.warmup,
            self.window_s,
            DRAIN_S,
            load.seed,
            rate=self.rate,
            arrivals=self.arrivals or "poisson",
            late_limit_s=self.late_limit,
            mode=load.mode,
            processes=load.processes,
            only=self.only or (),
            access=access,
        )


@options.expanded
def run(
    context: typer.Context,
    scenario: options.Scenario,
    own: RunOptions,
    load: LoadOptions,
    spread: machines.Machines,
    faults_expected: FaultsExpected = False,
    json: options.Json = False,
) -> None:
    """Run a scenario at one load and record the result.

    A run has four phases: ramp, warm-up, measured window, drain. Ctrl-C ends it and keeps what was measured.

    To generate the load on several machines, add --master here, and on each of the others run the same scenario with
    --worker --master-host HOST.

    Example: loadgen run dashboard --users 20 --duration 5m
    """
    machines.check(machines.given(context), spread)
    if spread.worker:
        return machines.work(scenario, spread, load)
    own.check()
    load.require_user_per_process(own.users_or_default)

    from loadgen.cli.phases import PhaseProgress
    from loadgen.cli.run_result import show
    from loadgen.database.connect import resolve
    from loadgen.runner.quality import Allowed
    from loadgen.runner.run import record_run
    from loadgen.runner.scenarios import find_scenario
    from loadgen.seeding.starter import ensure_data

    path = find_scenario(scenario)
    config = load.settings()
    target = resolve(config)
    ensure_data(target)
    servers, access = servers_and_access(config, target, load.connections)
    schedule = own.schedule(load, access)
    if own.rate is not None and own.users is None:
        say(f"using {schedule.users} connections; --users sets the number")
    generator = _generator(path, servers, schedule, spread, load.allow_unmarked)
    with generator as child, PhaseProgress(child.description.name, schedule) as progress:
        record, directory = record_run(
            child,
            servers.server,
            schedule,
            load.judged_objective(),
            config.results_dir,
            progress.phase_began,
            servers=servers,
            allowed=Allowed(load.max_error_share, faults_expected),
        )
    show(record)
    say(f"recorded in {directory}; HTML page: loadgen report {directory}")
    _end(record, judged=load.objective is not None, json=json)


def _generator(
    path: Path, servers: Servers, schedule: Schedule, spread: machines.Machines, allow_unmarked: str | None
) -> ScenarioChild | MasterChild:
    """Start the load generator: processes of this machine, or a master whose workers have joined."""
    from loadgen.database.servers import ServersIdentity
    from loadgen.runner.generator import ScenarioChild

    if spread.master:
        identity = ServersIdentity.of(servers)
        return machines.master(path, identity, spread, users=schedule.users, only=schedule.only)
    return ScenarioChild(
        path,
        servers.environment(),
        allow_unmarked,
        processes=schedule.processes,
        on_loss=spread.on_worker_loss,
        only=schedule.only,
        say=say,
    )


def _end(record: RunRecord, *, judged: bool, json: bool) -> None:
    """Print the document and raise the outcome's error; ``judged``: the objective counts."""
    from loadgen.runs import documents

    document = documents.dump(record)
    error = _why_not(record, judged)
    if error is not None:
        error.document = document
        raise error
    if judged and record.result is not None and not record.verdict.interrupted:
        say(f"the objective was met: {_measured(record.result, record.objective)}")
    if json:
        emit(document)
    if record.verdict.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _measured(result: RunResult, objective: Objective) -> str:
    """The objective and what was measured: ``p95 ≤ 100 ms, measured 12.3 (11.9–12.8) ms``."""
    from capacity.formatting import interval

    return f"{objective}, measured {interval(result.response.percentile_ms(objective.percentile), 'ms')}"


def _why_not(record: RunRecord, judged: bool) -> LoadgenError | None:
    """The error of a run's outcome, or None; ``judged``: its objective counts.

    In the order of ``loadgen.errors``: none for a run that a signal ended, then what proves a no, then a refusal.
    """
    from loadgen.runner.run import GUARD_REFUSED

    if record.verdict.interrupted:
        return None
    if record.verdict.reasons and record.verdict.reasons[0].code == GUARD_REFUSED:
        return GuardRefusal(record.verdict.reasons[0].what)
    if record.verdict.too_many_errors is not None:
        return NegativeAnswer(record.verdict.first_line)
    if record.refusal is not None:
        return RefusalError(record.refusal)
    return _missed(record.result, record.objective) if judged and record.result is not None else None


def _missed(result: RunResult, objective: Objective) -> LoadgenError | None:
    """The error of a valid run that missed its objective, or is undecided."""
    from loadgen.runner.quality import objective_met, undecided

    met = objective_met(result, objective)
    if met is None:
        return RefusalError(undecided(result, objective))
    return None if met else NegativeAnswer(f"the objective was not met: {_measured(result, objective)}")
