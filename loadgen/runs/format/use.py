"""What a run cost: the server, as it measured itself, and the load generator."""

from __future__ import annotations

from dataclasses import dataclass

from capacity.values import Interval, Refusal


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
class ReplayUse:
    """What a replica spent on replaying the primary's log inside the measured window. None: could not be measured."""

    wal_bytes: int | None
    """Replayed."""
    cpu_s: float | None
    """Of the processes that receive the log and replay it; only where the replica runs on this machine."""
    cpu_s_per_byte: Interval | None
    lag_bytes_mean: float | None
    """Received and not replayed, on average over the samples."""
    lag_bytes_most: int | None
    lag_s_mean: float | None
    """How long ago the last transaction that it shows was committed, while there was more to replay; else 0."""
    lag_s_most: float | None
    refusal: Refusal | None = None
    """Why there is no cost a byte."""


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
    ending: str | None = None
    """How it ended, if it was lost and its end was seen."""
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
