"""Resources used by a run: of the server, by its own counters, and of the load generator."""

from __future__ import annotations

from dataclasses import dataclass

from capacity.values import Interval, Refusal


@dataclass(frozen=True)
class ServerStatement:
    """Count of one statement by pg_stat_statements over the whole run, ramp and drain included.

    ``client_calls`` are those answered without an error. ``unaccounted``: calls that may have been under way on a
    connection that broke, and that one side may not have counted.
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
        """True if both counts differ by at most ``unaccounted``."""
        return abs(self.calls - self.client_calls) <= self.unaccounted

    @property
    def exec_ms_per_call(self) -> float:
        return self.exec_ms / max(self.calls, 1)


@dataclass(frozen=True)
class ServerUse:
    """The server's use inside the measured window; None where it could not be measured."""

    cpu_cores: Interval | None
    wal_bytes: int | None
    wal_bytes_per_txn: float | None
    blocks_hit: int | None
    blocks_read: int | None
    temp_bytes: int | None
    deadlocks: int | None
    checkpoints: int | None
    checkpoints_forced: int
    """Checkpoints forced by this tool, so that a short write run spans some."""
    wait_events: dict[str, int]
    """Samples of active backends by ``type:event``, ``CPU`` when waiting for nothing."""


@dataclass(frozen=True)
class ReplayUse:
    """A replica's replay of the primary's WAL inside the measured window; None where it could not be measured."""

    wal_bytes: int | None
    """WAL replayed, in bytes."""
    cpu_s: float | None
    """CPU time of the processes that receive and replay WAL; only where the replica runs on this machine."""
    cpu_s_per_byte: Interval | None
    lag_bytes_mean: float | None
    """Mean of WAL received and not yet replayed, over the samples."""
    lag_bytes_most: int | None
    lag_s_mean: float | None
    """Mean age of the last commit replayed, 0 where nothing was left to replay."""
    lag_s_most: float | None
    refusal: Refusal | None = None
    """Reason why there is no cost a byte."""


@dataclass(frozen=True)
class GeneratorPart:
    """One process of the load generator: its share of the load, its transactions and its use."""

    name: str
    users: int
    """Its share of users, or of an open load's connections."""
    arrivals_meant: int | None
    """Its share of the window's arrivals; None for a closed load."""
    count: int
    """Transactions of the window that it reported."""
    cpu_cores: float | None
    """CPU cores used; None if it was lost before its report."""
    hub_lag_p99_ms: float
    peak_rss_bytes: int | None
    lost_after_s: float | None = None
    """Time of its last report before it died or was cut off, in s of the window; None if it lasted to the end."""
    ending: str | None = None
    """How it ended; None if it was not lost or its end is unknown."""
    clock_error_ms: float | None = None
    """Largest error of its clock against the master's; None for the same clock."""


@dataclass(frozen=True)
class GeneratorUse:
    """The load generator's own use, by which its latencies are judged."""

    cpu_cores: float
    """CPU cores used by all processes."""
    hub_lag_p99_ms: float
    """Longest lag (p99) of the hub of any process."""
    peak_rss_bytes: int
    """Sum of the peaks of all processes."""
    parts: tuple[GeneratorPart, ...] = ()
    """Processes of the generator; empty in older records."""
