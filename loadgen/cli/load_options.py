"""Options that ``run`` and ``sweep`` share, and the servers and settings that they select."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from loadgen.cli import options, quantities
from loadgen.cli.options import ParameterType, integer, option
from loadgen.errors import UsageError
from loadgen.runs.format.verdict import MAX_ERROR_SHARE

if TYPE_CHECKING:
    from loadgen.database.servers import Servers
    from loadgen.database.target import Target
    from loadgen.runs.format.access import Access, OwnWrites, Pooler, ReadPolicy
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.schedule import Mode
    from loadgen.settings import Settings
else:  # Typer needs the parsers alone, and these modules are slow to import.
    Mode = Objective = OwnWrites = Pooler = ReadPolicy = object

FLAGS: Final = {
    "pool": "--pool",
    "reconnect": "--reconnect",
    "pooler": "--pooler",
    "read_policy": "--read-policy",
    "own_writes": "--read-your-writes",
    "replica": "--replica",
}
"""Options of the access to connections, as errors name them."""

_MODE: Final = ParameterType("MODE", quantities.one_of("sequential", "pipeline"))
_PERCENT: Final = ParameterType("PERCENT", quantities.percentage)
_COUNT: Final = ParameterType("N", quantities.connections)
_POOLER: Final = ParameterType("KIND", quantities.pooler)
_READ_POLICY: Final = ParameterType("POLICY", quantities.read_policy)
_OWN_WRITES: Final = ParameterType("GUARANTEE", quantities.own_writes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Options of a load's access to connections, poolers and read replicas."""

    pool: Annotated[
        int | None,
        option(
            "--pool", of=_COUNT, group=options.CONNECTIONS,
            help="Size of the connection pool of each load generator process. Default: one connection per user.",
        ),
    ] = None  # fmt: skip
    reconnect: Annotated[
        int | None,
        option(
            "--reconnect", of=_COUNT, group=options.CONNECTIONS,
            help="Open a new connection every N transactions. Default: keep connections open.",
        ),
    ] = None  # fmt: skip
    pooler: Annotated[
        Pooler | None,
        option(
            "--pooler", of=_POOLER, group=options.CONNECTIONS,
            help="Pooler between the load generator and the server: none, session, transaction, or auto to detect it. "
            "Default: auto.",
        ),
    ] = None  # fmt: skip
    pooler_dsn: Annotated[
        str | None,
        option(
            "--pooler-dsn", of="DSN", group=options.CONNECTIONS,
            help="Connection string of a pooler to send the load through. --dsn is then the server behind it.",
        ),
    ] = None  # fmt: skip
    replica: Annotated[
        list[str] | None,
        option(
            "--replica", of="DSN", group=options.CONNECTIONS,
            help="Connection string of a read replica, without a password; repeatable.",
        ),
    ] = None  # fmt: skip
    read_policy: Annotated[
        ReadPolicy | None,
        option(
            "--read-policy", of=_READ_POLICY, group=options.CONNECTIONS,
            help="Servers of read-only transactions: replica (the replicas in turn), round-robin (all servers in "
            "turn), least-busy (the replica with the fewest transactions in progress) or primary. Default: replica.",
        ),
    ] = None  # fmt: skip
    read_your_writes: Annotated[
        OwnWrites | None,
        option(
            "--read-your-writes", of=_OWN_WRITES, group=options.CONNECTIONS,
            help="Let users read their own writes: none; lsn (from a replica that has replayed the user's last write, "
            "else the primary); lsn:DURATION (after waiting so long for a replica); sticky:DURATION (from the primary "
            "for so long after a write). Default: none.",
        ),
    ] = None  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """Options of any load; default and meaning of the others depend on the verb."""

    mode: Annotated[
        Mode,
        option(
            "--mode", of=_MODE, group=options.LOAD,
            help="How statements are sent: sequential (one round trip each, as the application does) or pipeline (as "
            "few round trips as possible).",
        ),
    ] = "sequential"  # fmt: skip
    seed: options.LoadSeed = 1
    processes: Annotated[
        int,
        option(
            "--processes", of=integer(1, quantities.MOST_PROCESSES), group=options.GENERATOR,
            help="Load generator processes on this machine, each of which uses one core.",
        ),
    ] = 1  # fmt: skip
    connections: Connections
    objective: Annotated[
        Objective | None,
        option(
            "--objective", of=options.OBJECTIVE, group=options.OBJECTIVES,
            help="Longest response time at a percentile. If it is given and missed, the exit code is 1. "
            "Default: p95=100ms.",
        ),
    ] = None  # fmt: skip
    max_errors: Annotated[
        float | None,
        option(
            "--max-errors", of=_PERCENT, group=options.OBJECTIVES,
            help="Highest share of failed transactions; above it the exit code is 1, with or without an objective. "
            f"Default: {MAX_ERROR_SHARE:.0%}.",
        ),
    ] = None  # fmt: skip
    database: options.Database
    allow_unmarked: options.AllowUnmarked = None
    results_dir: options.ResultsDir = None

    @property
    def max_error_share(self) -> float:
        """Share of transactions that may fail."""
        return MAX_ERROR_SHARE if self.max_errors is None else self.max_errors

    def judged_objective(self) -> Objective:
        """The objective, or its default."""
        from loadgen.runs.format.latency import Objective

        return Objective() if self.objective is None else self.objective

    def require_user_per_process(self, users: int) -> None:
        """Check that every process has a user. Raises UsageError."""
        if self.processes > users:
            raise UsageError(
                f"--processes {self.processes}: expected at most one process per user, of which there are {users}; "
                "give more users, or fewer processes"
            )

    def settings(self) -> Settings:
        """Settings of the invocation. Raises UsageError."""
        from loadgen import settings

        return settings.load(
            dsn=self.database.dsn,
            instance=self.database.instance,
            results_dir=self.results_dir,
            pooler_dsn=self.connections.pooler_dsn,
            replica_dsns=self.connections.replica or (),
        )


def servers_and_access(config: Settings, target: Target, given: Connections) -> tuple[Servers, Access]:
    """Resolve the servers of a load and its access to them; reports a detected pooler on stderr.

    Raises UsageError for wrong options and replicas that are none, GuardRefusal for a pooler that leads to another
    database, EnvironmentFault for an absent server.
    """
    from loadgen.cli.output import say
    from loadgen.database.servers import servers_of
    from loadgen.observe.pooler import is_lockable, with_pooler
    from loadgen.report.access_in_words import through
    from loadgen.runs.access_parsing import make_access

    servers = servers_of(config, target).verified()
    asked = make_access(
        pool=given.pool,
        reconnect=given.reconnect,
        pooler=given.pooler,
        read_policy=given.read_policy,
        own_writes=given.read_your_writes,
        replicas=len(servers.replicas),
        names=FLAGS,
    )
    access = with_pooler(asked, servers)
    if access.found is not None and access.found.mode != "none":
        say(through(access.found))
        if not is_lockable(servers, access):
            say(
                f"{target} is a pooler, so no lock is held and a seed or reset may run at the same time; give the "
                "server as --dsn and the pooler as --pooler-dsn"
            )
    return servers, access
