"""The files that runs leave and others read: frozen values, one format version each.

History
-------
loadgen.run/1, loadgen.sweep/1, loadgen.plan/1   first. Since then, with defaults so that older ones are read: an open
    load's rate and arrivals, the mode and the processes of a schedule; what became of its arrivals; censored latencies;
    the generator's processes, each with its share; statements as the server counted them;
    the transactions that a run was restricted to.
    how transactions get their connections; the options of a plan.

A document is written with :func:`dump` and read with :func:`parse`, which checks every field; a newer reader reads
older versions by converting them here. Files of a run's directory::

    manifest.json    RunRecord
    latency.hlog     HdrHistogram log: a line per second and tag, tag = transaction or statement, and which latency
    timeline.csv     a row per second of the whole run, ramp and drain included
    server.csv       a row per sample of what the server said
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from capacity.plan import Plan
from capacity.storage import TableSize as TableSize  # noqa: PLC0414  # re-exported: part of the format
from capacity.values import Interval, Origin, Refusal

RUN_FORMAT: Final = "loadgen.run/1"
SWEEP_FORMAT: Final = "loadgen.sweep/1"
PLAN_FORMAT: Final = "loadgen.plan/1"
SCENARIO_FORMAT: Final = "loadgen.scenario/1"

PERCENTILES: Final = (50.0, 95.0, 99.0)
"""Those that a record keeps, and hence those that an objective can name."""

LATE_MS: Final = 1.0
"""An arrival of an open load that is sent more than this after its time counts as late; declared, not derived."""

RunStatus = Literal["valid", "invalid", "partial"]

Mode = Literal["sequential", "pipeline"]
"""A round trip for each statement, or as few as a transaction's draws allow."""
Spacing = Literal["poisson", "constant"]
PoolerMode = Literal["none", "session", "transaction"]
"""Whether a pooler gives a client a server connection for as long as it stays, or for each transaction."""
Pooler = Literal["auto", "none", "session", "transaction"]
ReadPolicy = Literal["primary", "replica", "round-robin", "least-busy"]
"""Where transactions that only read go: the primary; the replicas in turn; all servers in turn; the replica on which
the fewest transactions of this process are under way."""
Isolation = Literal["read committed", "repeatable read", "serializable"]
"""PostgreSQL's levels; its read uncommitted is read committed."""


def begin_command(writes: bool, isolation: str) -> str:
    """How a transaction begins. The level is named only where it is not the usual one."""
    level = "" if isolation == "read committed" else f" ISOLATION LEVEL {isolation.upper()}"
    return f"BEGIN{level}{'' if writes else ' READ ONLY'}"


# --- the scenario description -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParameterDescription:
    """``$n`` of a statement: its type, and the draw that fills it (see ``loadgen.engine.statements``)."""

    name: str
    type: str
    draw: str


@dataclass(frozen=True)
class StatementDescription:
    """One statement as the server sees it. ``rows`` is the least and most rows a call returns, most None = any."""

    name: str
    sql: str
    writes: bool
    parameters: tuple[ParameterDescription, ...]
    rows: tuple[int, int | None]


@dataclass(frozen=True)
class TransactionDescription:
    """Statements in order, all in one database transaction, ``repeat`` times over as different users."""

    name: str
    weight: float
    statements: tuple[str, ...]
    repeat: int
    writes: bool
    isolation: str


@dataclass(frozen=True)
class ScenarioDescription:
    """``loadgen.scenario/1``: what a scenario does, printed by a child that loaded it."""

    name: str
    summary: str
    think_time_s: str
    user_skew: float
    transactions: tuple[TransactionDescription, ...]
    statements: tuple[StatementDescription, ...]
    format: Literal["loadgen.scenario/1"] = SCENARIO_FORMAT

    @property
    def writes(self) -> bool:
        return any(t.writes for t in self.transactions)

    @property
    def read_share(self) -> float:
        """Share of transactions, by weight, that write nothing: those that a replica could serve."""
        total = sum(t.weight for t in self.transactions)
        return sum(t.weight for t in self.transactions if not t.writes) / total


# --- the run record ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Objective:
    """What a load must meet to count: a percentile of response time, and a share of failed transactions."""

    percentile: float = 95.0
    response_ms: float = 100.0
    error_share: float = 0.001

    def __str__(self) -> str:
        return f"p{self.percentile:g} ≤ {self.response_ms:g} ms, errors ≤ {self.error_share:.2%}"


@dataclass(frozen=True)
class RatePiece:
    """A stretch of time over which an arrival rate goes from one value to another in a straight line."""

    seconds: float
    from_tps: float
    to_tps: float


@dataclass(frozen=True)
class Rate:
    """Arrivals a second from the beginning of the measured window on; before it, the first rate holds.

    After the last piece its final rate holds, or with ``repeats`` the pieces begin again.
    """

    text: str
    """As it was asked for."""
    pieces: tuple[RatePiece, ...]
    repeats: bool = False

    @property
    def constant(self) -> bool:
        return len({tps for piece in self.pieces for tps in (piece.from_tps, piece.to_tps)}) == 1

    @property
    def length_s(self) -> float:
        return sum(piece.seconds for piece in self.pieces)


@dataclass(frozen=True)
class PoolerFound:
    """What stands between the load and the server, as it showed itself or was declared."""

    mode: PoolerMode
    prepared: bool
    """Whether statements are prepared by name; else each is parsed at every call, as the pooler cannot keep names."""
    software: str | None = None
    """As it calls itself, where it lets us ask."""


@dataclass(frozen=True)
class OwnWrites:
    """How a read sees what its user wrote before.

    ``none``: wherever the policy sends it. ``lsn``: from a replica once that has replayed the write, waited for up to
    ``seconds``, else from the primary. ``sticky``: from the primary for ``seconds`` after the write.
    """

    kind: Literal["none", "lsn", "sticky"] = "none"
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind == "none" else f"{self.kind}:{self.seconds:g}s"


@dataclass(frozen=True)
class Access:
    """How transactions get their connections. Without anything: a session for each user, straight to the server."""

    pool: int | None = None
    """Connections that the users of a process share; None: each has its own."""
    reconnect_every: int | None = None
    """Transactions after which a connection is closed and the next opens another; None: they stay."""
    pooler: Pooler = "auto"
    """As asked for; ``found`` is what that came to."""
    found: PoolerFound | None = None
    replicas: int = 0
    read_policy: ReadPolicy = "primary"
    own_writes: OwnWrites = field(default_factory=OwnWrites)


@dataclass(frozen=True)
class Schedule:
    """The load that was asked for.

    Closed, without a ``rate``: ``users`` connections; ``think`` False: each busy all the time. Open: transactions are
    meant to be sent at times of the rate's own, on ``users`` connections; later than ``late_limit_s`` they are dropped.
    """

    users: int
    think: bool
    ramp_s: float
    warmup_s: float
    measure_s: float
    drain_s: float
    seed: int
    rate: Rate | None = None
    arrivals: Spacing = "poisson"
    late_limit_s: float | None = None
    mode: Mode = "sequential"
    processes: int = 1
    only: tuple[str, ...] = ()
    """Of the scenario's transactions, those that were done; all of them for none."""
    access: Access = field(default_factory=Access)


@dataclass(frozen=True)
class Fingerprint:
    """What the data was. Records whose fingerprints differ are not compared silently."""

    schema_version: str
    model_version: str | None
    seed: int | None
    users: int | None
    as_of: str | None
    chunk_users: int | None
    ageing: str | None
    drift: dict[str, int] = field(default_factory=dict)
    """Rows inserted, updated and deleted since seeding, by table."""
    shape_sha256: str | None = None
    """Of the shape that the population follows; None is the built-in one, and every record before there were others."""


@dataclass(frozen=True)
class DatabaseFacts:
    """The server under load. ``cores`` and ``ram_bytes`` are None where the server cannot be asked."""

    name: str
    server_version: str
    embedded: bool
    cores: int | None
    ram_bytes: int | None
    settings: dict[str, str]
    fingerprint: Fingerprint


@dataclass(frozen=True)
class ClientFacts:
    """The machine that made the load."""

    cpu_model: str
    cores: int
    ram_bytes: int
    platform: str
    versions: dict[str, str]
    """python, loadgen, locust, psycopg, libpq, gevent, numpy."""


@dataclass(frozen=True)
class Reason:
    """Why a run is not valid, or what limits its use: a code, what was seen, what to change."""

    code: str
    what: str
    do: str


@dataclass(frozen=True)
class Verdict:
    """``valid``: the numbers mean what they say. ``partial``: interrupted, what was measured is kept."""

    status: RunStatus
    reasons: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    """Limits of use that do not make the run invalid: short, checkpoints forced, shared cores."""


@dataclass(frozen=True)
class Latency:
    """Percentiles of one latency in milliseconds; intervals by a block bootstrap over seconds. None: too few."""

    count: int
    mean_ms: float
    p50_ms: Interval | None
    p95_ms: Interval | None
    p99_ms: Interval | None
    max_ms: float
    censored: int = 0
    """Of ``count``, those that are only known to have taken longer than was recorded: dropped, or never finished."""
    censored_from_ms: float | None = None
    """The shortest of them; percentiles from here on, the mean and the maximum are lower bounds, "at least"."""

    def is_bound(self, value_ms: float) -> bool:
        """Whether a percentile of this value is only a lower bound."""
        return self.censored_from_ms is not None and value_ms >= self.censored_from_ms

    def percentile_ms(self, percentile: float) -> Interval | None:
        """One of the PERCENTILES that are kept. Raises KeyError for another."""
        return {50.0: self.p50_ms, 95.0: self.p95_ms, 99.0: self.p99_ms}[percentile]


@dataclass(frozen=True)
class TransactionResult:
    """What one kind of transaction did inside the measured window."""

    name: str
    count: int
    errors: int
    throughput_tps: Interval
    service: Latency
    lag: Latency
    response: Latency


@dataclass(frozen=True)
class StatementResult:
    """What one statement did inside the measured window, seen from the client."""

    name: str
    calls: int
    rows: int
    errors: int
    service: Latency


@dataclass(frozen=True)
class ServerStatement:
    """What pg_stat_statements counted of one statement over the whole run, ramp and drain included.

    Beside it what the client counted as answered without an error. ``unaccounted``: how often it may have been under
    way on a connection that broke, so that one of them knows of it and the other does not.
    """

    name: str
    calls: int
    client_calls: int
    rows: int
    client_rows: int
    unaccounted: int
    exec_ms: float
    blocks_hit: int
    blocks_read: int
    blocks_dirtied: int
    wal_bytes: int

    @property
    def agrees(self) -> bool:
        """Whether both counts are the same, up to what is explained."""
        return abs(self.calls - self.client_calls) <= self.unaccounted

    @property
    def exec_ms_per_call(self) -> float:
        return self.exec_ms / max(self.calls, 1)


@dataclass(frozen=True)
class ServerUse:
    """What the server spent inside the measured window. None: could not be measured there."""

    cpu_cores: Interval | None
    wal_bytes: int | None
    wal_bytes_per_txn: float | None
    blocks_hit: int | None
    blocks_read: int | None
    temp_bytes: int | None
    deadlocks: int | None
    checkpoints: int | None
    checkpoints_forced: int
    """Of those, asked for by this tool so that a short write run spans them."""
    wait_events: dict[str, int]
    """Samples of active backends by ``type:event``, ``CPU`` when waiting for nothing."""


@dataclass(frozen=True)
class GeneratorPart:
    """One process of the load generator: its share of the load, what it made of it, and what that cost it."""

    name: str
    users: int
    """Users, or connections of an open load, that were its share."""
    arrivals_meant: int | None
    """Arrivals of the window that were its share; None: a closed load."""
    count: int
    """Transactions of the window that it reported."""
    cpu_cores: float | None
    """None: it was lost before it could tell."""
    hub_lag_p99_ms: float
    peak_rss_bytes: int | None
    lost_after_s: float | None = None
    """It died or was cut off: until when it had reported, in seconds of the window; None: it lasted to the end."""
    clock_error_ms: float | None = None
    """On another machine: its clock was matched to the master's within this; None: the same clock."""


@dataclass(frozen=True)
class GeneratorUse:
    """What the load generator itself spent: the reason to believe, or not, its latencies."""

    cpu_cores: float
    """All processes together."""
    hub_lag_p99_ms: float
    """Of the process in which it was longest."""
    peak_rss_bytes: int
    """All processes together."""
    parts: tuple[GeneratorPart, ...] = ()
    """Each process; none in records from before there could be several."""


@dataclass(frozen=True)
class OpenResult:
    """What became of the arrivals that were meant for the window: offered = finished + dropped + unfinished.

    Those due at its end are sent while the run drains, and count.
    """

    offered: int
    started: int
    finished: int
    """Answered, failures included."""
    late: int
    """Sent more than LATE_MS after their time, or not at all."""
    dropped: int
    """Past the late limit, and therefore never sent; censored in response."""
    unfinished: int
    """Not answered, or not even sent, when the drain ended; censored in response."""
    waited: int
    """Sent late because every connection was busy: the server's doing, or too few connections."""
    backlog_most: int
    """The most that were due and not sent at one time, seen every 10 ms."""
    backlog_end: int
    """Those at the end of the window."""
    own_lag_p99_ms: float
    """How late arrivals were sent although a connection was free: the generator's doing."""
    warmup_lag_p99_ms: float | None
    """Lag before the window, beside the window's own; None: no arrivals then."""


@dataclass(frozen=True)
class RoutingResult:
    """Where transactions that only read went, in the measured window, and whether they saw their user's own writes."""

    primary: int
    replicas: tuple[int, ...]
    """By replica, in the order given."""
    fallbacks: int
    """Of those at the primary: no replica had replayed the user's last write in time, or it was too recent."""
    unreachable: int
    """Of those at the primary: the replica whose turn it was could not be reached."""
    stale: int
    """Of those at replicas, those that cannot have seen their user's last write: after them the replica had still not
    replayed it. A lower bound: it may have done so in between."""
    wait: Latency | None
    """For replicas to replay a user's last write. None: nothing had to be waited for."""


@dataclass(frozen=True)
class AccessResult:
    """How transactions got their connections in the measured window. All of it is in lag and response."""

    connects: int
    connect: Latency | None
    """From beginning to connect until the server took commands. None: no connection was opened in the window."""
    pool_wait: Latency | None
    """For a connection of the pool; those that did not have to wait are in it. None: no pool."""
    routing: RoutingResult | None = None

    @property
    def waits(self) -> tuple[tuple[str, Latency], ...]:
        """What transactions waited for, and how long."""
        replica = self.routing.wait if self.routing else None
        found = (("connecting", self.connect), ("pool wait", self.pool_wait), ("replica wait", replica))
        return tuple((what, latency) for what, latency in found if latency is not None)


@dataclass(frozen=True)
class RunResult:
    """The measured window of a run, summed up."""

    window_s: float
    count: int
    errors: int
    errors_by_sqlstate: dict[str, int]
    retries: int
    throughput_tps: Interval
    service: Latency
    lag: Latency
    response: Latency
    transactions: tuple[TransactionResult, ...]
    statements: tuple[StatementResult, ...]
    server: ServerUse
    generator: GeneratorUse
    error_examples: dict[str, str] = field(default_factory=dict)
    """By SQLSTATE, the message of its first occurrence in the whole run."""
    arrivals: OpenResult | None = None
    """Of an open load. Latencies and counts are then those of the arrivals meant for the window, whenever they were
    answered; throughput is what was answered in it."""
    access: AccessResult | None = None
    """None: each user kept a session of its own, or an older record."""


@dataclass(frozen=True)
class RunRecord:
    """``manifest.json`` of a run: everything needed to read it without the machine it ran on."""

    id: str
    started_at: str
    scenario: ScenarioDescription
    schedule: Schedule
    objective: Objective
    database: DatabaseFacts
    client: ClientFacts
    verdict: Verdict
    result: RunResult | None
    refusal: Refusal | None = None
    """Of an invalid run: the first of its reasons."""
    server_statements: tuple[ServerStatement, ...] = ()
    """Empty: the server did not count them, and the verdict's notes say why; or an older record."""
    format: Literal["loadgen.run/1"] = RUN_FORMAT


# --- the sweep --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SweepPoint:
    """One run of a sweep. Points of an invalid run are shown and not used."""

    level: int
    repeat: int
    order: int
    """Place in the random order in which the runs were made, from 0."""
    run_id: str
    verdict: Verdict
    throughput_tps: Interval | None
    error_share: float | None
    service: Latency | None
    response: Latency | None
    server_cpu_cores: float | None
    generator_cpu_cores: float | None
    wal_bytes_per_txn: float | None


@dataclass(frozen=True)
class CapacityAnswer:
    """The greatest load carried at a level at which, and below which, the objective was met with P ≥ 0.95.

    ``bracketed`` is False when the highest level still met it and throughput still rose: the capacity is "at least".
    """

    throughput_tps: Interval
    level: int
    bracketed: bool
    met_probability: dict[int, float]
    """By level."""
    pool: tuple[int, int] | None
    """Least and most connections whose throughput is not worse than the best by 5 %; None: not bracketed."""


@dataclass(frozen=True)
class SweepRecord:
    """``sweep.json``: levels in random order with repeats, and the load that they support."""

    id: str
    started_at: str
    scenario: ScenarioDescription
    objective: Objective
    levels: tuple[int, ...]
    repeats: int
    schedule: Schedule
    """Of the highest level; the other runs differ in users, and each in its seed, counted up from this one."""
    points: tuple[SweepPoint, ...]
    database: DatabaseFacts
    client: ClientFacts
    tables: tuple[TableSize, ...]
    capacity: CapacityAnswer | None
    refusal: Refusal | None
    partial: bool = False
    format: Literal["loadgen.sweep/1"] = SWEEP_FORMAT


# --- the plan ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlanRecord:
    """``plan.json``: the plan, and everything that it was made from, so that the page needs no other file."""

    id: str
    made_at: str
    plan: Plan
    growth_source: str
    growth_origin: Origin
    sweeps: tuple[SweepRecord, ...]
    tables: tuple[TableSize, ...]
    database: DatabaseFacts
    short: bool
    """Made from runs too short to decide from: for seeing."""
    options: tuple[str, ...] = ()
    """What else was asked, as typed; sweeps and horizon are above."""
    format: Literal["loadgen.plan/1"] = PLAN_FORMAT
