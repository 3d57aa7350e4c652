"""What happened in the measured window of a run, seen from the client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from capacity.values import Interval
from loadgen.runs.format.latency import Latency
from loadgen.runs.format.ranges import AboveZero
from loadgen.runs.format.use import GeneratorUse, ReplayUse, ServerUse

LATE_MS: Final = 1.0
"""An arrival of an open load that is sent more than this after its time counts as late; declared, not derived."""


@dataclass(frozen=True)
class FirstError:
    """The first transaction that failed, and why."""

    at_s: float
    """Seconds into the measured window; on its way from the generator, of the monotonic clock."""
    transaction: str
    statement: str | None
    """None: no statement failed, but connecting, a draw, or the commit."""
    sqlstate: str
    message: str

    def __str__(self) -> str:
        return f"{self.sqlstate} in {self.statement or self.transaction}: {self.message}"


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

    window_s: AboveZero
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
    first_error: FirstError | None = None
    """None: nothing failed, or an older record."""
    arrivals: OpenResult | None = None
    """Of an open load. Latencies and counts are then those of the arrivals meant for the window, whenever they were
    answered; throughput is what was answered in it."""
    access: AccessResult | None = None
    """None: each user kept a session of its own, or an older record."""
    replay: tuple[ReplayUse, ...] = ()
    """By replica, in the order given; none in older records."""

    @property
    def error_share(self) -> float:
        """Of the transactions that were answered, those that failed."""
        return self.errors / self.count if self.count else 0.0
