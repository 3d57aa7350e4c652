"""``loadgen run``: one scenario at one load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from loadgen.cli import connection_options, machines, options, quantities
from loadgen.cli.describe import Scenario
from loadgen.cli.output import emit, say
from loadgen.cli.rates import rate as parse_rate
from loadgen.errors import ExitCode, GuardRefusal, LoadgenError, NegativeAnswer, RefusalError, UsageError

if TYPE_CHECKING:
    from loadgen.runner.master import MasterChild
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.result import RunResult
    from loadgen.runs.format.run import RunRecord
    from loadgen.runs.format.schedule import Rate, Spacing

CLOSED_USERS: Final = 8
OPEN_USERS: Final = 32
"""Default connections of an open load, busy at 3,200 transactions a second of 10 ms; PostgreSQL allows 100."""

Users = Annotated[
    str | None,
    typer.Option(
        "--users",
        "-u",
        metavar="N",
        help="Concurrent users, each with a session; with --rate, connections. "
        f"Default: {CLOSED_USERS}, with --rate {OPEN_USERS}.",
    ),
]
Duration = Annotated[
    str | None,
    typer.Option(
        "--duration", "-t", metavar="TIME", help="Measured window: 30s, 5m, 1h. Default: 60s, or the length of --rate."
    ),
]
RateOption = Annotated[
    str | None,
    typer.Option(
        "--rate",
        metavar="R",
        help="Open load of R transactions a second, whatever the server does: 500; steps 100@30s,200@30s; "
        "a ramp 100..1000@5m; a day daily:50..500@24h. Default: closed load, of users who think.",
    ),
]
ArrivalsOption = Annotated[
    str | None, typer.Option("--arrivals", metavar="HOW", help="With --rate: poisson (default) or constant spacing.")
]
LateLimit = Annotated[
    str | None,
    typer.Option("--late-limit", metavar="TIME", help="With --rate: drop what is later. Default: send it late."),
]

Only = Annotated[
    str | None,
    typer.Option("--only", metavar="NAME,…", help="Do only these transactions of the scenario: what does each cost?"),
]


FaultsExpected = Annotated[
    bool,
    typer.Option(
        "--faults-expected",
        help="Accept server restarts and outages: report them as notes, and keep the run valid.",
    ),
]


def run(
    context: typer.Context,
    scenario: Scenario,
    users: Users = None,
    duration: Duration = None,
    rate: RateOption = None,
    arrivals: ArrivalsOption = None,
    late_limit: LateLimit = None,
    warmup: options.Warmup = "10s",
    ramp: options.Ramp = "2s",
    think: Annotated[bool, typer.Option("--think/--no-think", help="Keep the scenario's think time.")] = True,
    mode: options.ModeText = "sequential",
    only: Only = None,
    processes: options.Processes = "1",
    master: machines.MasterFlag = False,
    bind_host: machines.BindHost = "*",
    bind_port: machines.BindPort = machines.DEFAULT_PORT,
    expect_workers: machines.ExpectWorkers = "1",
    worker: machines.WorkerFlag = False,
    master_host: machines.MasterHost = machines.DEFAULT_HOST,
    master_port: machines.MasterPort = machines.DEFAULT_PORT,
    on_worker_loss: options.OnLoss = "stop",
    pool: connection_options.PoolSize = None,
    reconnect: connection_options.Reconnect = None,
    pooler: connection_options.PoolerText = None,
    pooler_dsn: connection_options.PoolerDsn = None,
    replica: connection_options.Replicas = None,
    read_policy: connection_options.ReadPolicyText = None,
    read_your_writes: connection_options.OwnWritesText = None,
    objective: options.ObjectiveText = None,
    max_errors: options.MaxErrors = None,
    faults_expected: FaultsExpected = False,
    seed: options.LoadSeed = "1",
    dsn: options.Dsn = None,
    instance: options.Instance = None,
    results_dir: options.ResultsDir = None,
    allow_unmarked: options.AllowUnmarked = None,
    json: options.Json = False,
) -> None:
    """Run a scenario at one load and record the result.

    In order: ramp, warm-up, measured window, drain. Ctrl-C keeps what was measured. From several machines: --master
    here, and on each of the others --worker --master-host HERE.

    Example: loadgen run dashboard --users 20 --duration 5m
    """
    machines.check(machines.given(context), master=master, worker=worker)
    if worker:
        where = machines.Where(dsn, instance, allow_unmarked, pooler_dsn, tuple(replica or ()))
        return machines.work(scenario, where, host=master_host, port=master_port, processes=processes)
    judged_objective = quantities.objective(objective)
    opened = _open(rate, arrivals, late_limit)
    default_users = CLOSED_USERS if opened.rate is None else OPEN_USERS
    users_n = quantities.whole(users or str(default_users), "--users", most=quantities.MOST_USERS)
    processes_n, on_loss = quantities.processes(processes, users_n), quantities.on_loss(on_worker_loss)
    measure_s = _window_s(duration, opened.rate)
    warmup_s, ramp_s = quantities.duration_s(warmup, "--warmup"), quantities.duration_s(ramp, "--ramp")
    seed_n = quantities.whole(seed, "--seed", least=0, most=2**31 - 1)
    send_mode, error_share = quantities.mode(mode), quantities.max_errors(max_errors)

    from loadgen import settings
    from loadgen.cli.phases import PhaseProgress
    from loadgen.cli.run_result import show
    from loadgen.database.connect import resolve
    from loadgen.database.servers import ServersIdentity
    from loadgen.runner.generator import ScenarioChild
    from loadgen.runner.quality import Allowed
    from loadgen.runner.run import DRAIN_S, record_run
    from loadgen.runner.scenarios import find_scenario
    from loadgen.runs.format.schedule import Schedule
    from loadgen.seeding.starter import ensure_data

    path = find_scenario(scenario)
    config = settings.load(
        dsn=dsn, instance=instance, results_dir=results_dir, pooler_dsn=pooler_dsn, replica_dsns=replica or ()
    )
    target = resolve(config)
    ensure_data(target)
    servers, run_access = connection_options.servers_and_access(
        config,
        target,
        pool=pool,
        reconnect=reconnect,
        pooler=pooler,
        read_policy=read_policy,
        own_writes=read_your_writes,
    )
    schedule = Schedule(
        users_n,
        think and opened.rate is None,
        ramp_s,
        warmup_s,
        measure_s,
        DRAIN_S,
        seed_n,
        rate=opened.rate,
        arrivals=opened.arrivals,
        late_limit_s=opened.late_limit_s,
        mode=send_mode,
        processes=processes_n,
        only=quantities.names(only),
        access=run_access,
    )
    if opened.rate is not None and users is None:
        say(f"on {users_n} connections; --users sets how many")
    generator: ScenarioChild | MasterChild
    if master:
        generator = machines.master(
            path,
            ServersIdentity.of(servers),
            on_loss,
            host=bind_host,
            port=bind_port,
            expect=expect_workers,
            users=users_n,
            only=schedule.only,
        )
    else:
        generator = ScenarioChild(
            path,
            servers.environment(),
            allow_unmarked,
            processes=processes_n,
            on_loss=on_loss,
            only=schedule.only,
            say=say,
        )
    with generator as child, PhaseProgress(child.description.name, schedule) as progress:
        record, directory = record_run(
            child,
            servers.server,
            schedule,
            judged_objective,
            config.results_dir,
            progress.phase_began,
            servers=servers,
            allowed=Allowed(error_share, faults_expected),
        )
    show(record)
    say(f"recorded in {directory}; a page of it: loadgen report {directory}")
    _end(record, judged=objective is not None, json=json)


def _end(record: RunRecord, *, judged: bool, json: bool) -> None:
    """Print the document and raise the outcome's error; ``judged``: the objective counts."""
    from loadgen.runs import documents

    document = documents.dump(record)
    error = _why_not(record, judged)
    if error is not None:
        error.document = document
        raise error
    if json:
        emit(document)
    if record.verdict.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)


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
    return None if met else NegativeAnswer(f"the objective was not met: {objective}")


@dataclass(frozen=True, slots=True)
class _Open:
    """Parsed options of an open load."""

    rate: Rate | None
    arrivals: Spacing
    late_limit_s: float | None


def _open(rate: str | None, arrivals: str | None, late_limit: str | None) -> _Open:
    for option, value in (("--arrivals", arrivals), ("--late-limit", late_limit)):
        if rate is None and value is not None:
            raise UsageError(f"{option} is for an open load; give --rate as well")
    if arrivals not in (None, "poisson", "constant"):
        raise UsageError(f"--arrivals {arrivals!r} is unknown; give poisson or constant")
    return _Open(
        rate=None if rate is None else parse_rate(rate),
        arrivals="constant" if arrivals == "constant" else "poisson",
        late_limit_s=None if late_limit is None else quantities.duration_s(late_limit, "--late-limit", least_s=0.001),
    )


def _window_s(duration: str | None, rate: Rate | None) -> float:
    if duration is None and rate is not None and rate.length_s >= 1.0:
        return rate.length_s
    return quantities.duration_s(duration or "60s", "--duration", least_s=1.0)
