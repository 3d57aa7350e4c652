"""Result of the measured window of a run, seen from the client."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from capacity.values import Interval
from loadgen.runs.format.latency import Latency
from loadgen.runs.format.ranges import AboveZero
from loadgen.runs.format.use import GeneratorUse, ReplayUse, ServerUse

LATE_MS: Final = 1.0
"""Lag from which an arrival of an open load counts as late; declared, not derived."""


@dataclass(frozen=True)
class FirstError:
    """Error of the first transaction that failed."""

    at_s: float
    """Seconds into the measured window; in a spool, seconds of the monotonic clock."""
    transaction: str
    statement: str | None
    """Statement that failed; None if connecting, a draw or the commit did."""
    sqlstate: str
    message: str

    def __str__(self) -> str:
        return f"{self.sqlstate} in {self.statement or self.transaction}: {self.message}"


@dataclass(frozen=True)
class TransactionResult:
    """Counts and latencies of one transaction in the measured window."""

    name: str
    count: int
    errors: int
    throughput_tps: Interval
    service: Latency
    lag: Latency
    response: Latency


@dataclass(frozen=True)
class StatementResult:
    """Counts and latencies of one statement in the measured window, seen from the client."""

    name: str
    calls: int
    rows: int
    errors: int
    service: Latency


@dataclass(frozen=True)
class OpenResult:
    """Outcomes of the arrivals meant for the window: offered = finished + dropped + unfinished.

    Arrivals waiting at its end are sent during the drain, and count.
    """

    offered: int
    started: int
    finished: int
    """Arrivals answered, errors included."""
    late: int
    """Arrivals sent more than LATE_MS after their time, or never."""
    dropped: int
    """Arrivals past the late limit, never sent; censored in response."""
    unfinished: int
    """Arrivals not answered, or not sent, when the drain ended; censored in response."""
    waited: int
    """Arrivals sent late because every connection was busy: the server is slow, or connections are too few."""
    backlog_most: int
    """Most arrivals waiting at one time, sampled every 10 ms."""
    backlog_end: int
    """Arrivals waiting at the end of the window."""
    own_lag_p99_ms: float
    """Lag of arrivals sent late although a connection was free: the generator's own."""
    warmup_lag_p99_ms: float | None
    """Lag before the window; None without arrivals then."""


@dataclass(frozen=True)
class RoutingResult:
    """Routing of read-only transactions in the measured window, and whether they saw their user's own writes."""

    primary: int
    replicas: tuple[int, ...]
    """Reads by replica, in the order given."""
    fallbacks: int
    """Reads on the primary because no replica had replayed the user's last write in time, or it was too recent."""
    unreachable: int
    """Reads on the primary because the replica whose turn it was could not be reached."""
    stale: int
    """Reads on replicas that missed their user's last write, not replayed even after the read. A lower bound, since the
    replica may have replayed it in between."""
    wait: Latency | None
    """Wait for replicas to replay a user's last write; None if nothing had to wait."""


@dataclass(frozen=True)
class AccessResult:
    """Connections opened and waits for them in the measured window, which lag and response include."""

    connects: int
    connect: Latency | None
    """Time from connecting until the server took commands; None if no connection was opened in the window."""
    pool_wait: Latency | None
    """Wait for a connection of the pool, with zeros for no wait; None without a pool."""
    routing: RoutingResult | None = None

    @property
    def waits(self) -> tuple[tuple[str, Latency], ...]:
        """Waits by name, those that are None left out."""
        replica = self.routing.wait if self.routing else None
        waits = (("connecting", self.connect), ("pool wait", self.pool_wait), ("replica wait", replica))
        return tuple((name, latency) for name, latency in waits if latency is not None)


@dataclass(frozen=True)
class RunResult:
    """Result of the measured window of a run."""

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
    """Message of the first occurrence in the whole run, by SQLSTATE."""
    first_error: FirstError | None = None
    """First error; None without errors, and in older records."""
    arrivals: OpenResult | None = None
    """Arrivals of an open load; latencies and counts are then those of the arrivals meant for the window, whenever
    answered, and throughput is that of answers within it."""
    access: AccessResult | None = None
    """Access; None where each user kept a session of its own, and in older records."""
    replay: tuple[ReplayUse, ...] = ()
    """Use of replay by replica, in the order given; empty in older records."""

    @property
    def error_share(self) -> float:
        """Share of the answered transactions that failed."""
        return self.errors / self.count if self.count else 0.0
