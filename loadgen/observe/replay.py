"""CPU that replicas spend on replaying the primary's WAL during a run, and their lag."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean
from types import TracebackType
from typing import Final, Self

from psycopg.rows import class_row

from capacity.demand import replay_cost
from capacity.values import Interval, Refusal
from loadgen.database.target import Target
from loadgen.observe.following import INTERVAL_S, Follower
from loadgen.observe.probe import STATEMENT_TIMEOUT_MS
from loadgen.observe.processes import local_server
from loadgen.observe.queries import Connection
from loadgen.observe.starts import History
from loadgen.runs.estimate import RUN_LEVEL
from loadgen.runs.format.use import ReplayUse
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/server.sql")

APPLICATION: Final = "loadgen replay sampler"


@dataclass(frozen=True, slots=True)
class Position:
    """Progress of replay; None where nothing was received, or nothing replayed yet."""

    wal_bytes: int | None
    lag_bytes: int | None
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class ReplaySample:
    """Sample of a replica at ``at``, seconds on the monotonic clock. ``cpu_s``: of replay; None if not in sight."""

    at: float
    position: Position
    cpu_s: float | None


class ReplaySampler:
    """Samples a replica; a context manager. A replica that is away leaves a gap."""

    def __init__(self, replica: Target, *, interval_s: float = INTERVAL_S) -> None:
        self._samples: list[ReplaySample] = []
        self._follower = Follower(replica, APPLICATION, self._begin, interval_s=interval_s)

    def __enter__(self) -> Self:
        self._follower.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._follower.stop()

    @property
    def samples(self) -> Sequence[ReplaySample]:
        """Samples so far, in order."""
        return tuple(self._samples)

    @property
    def history(self) -> History:
        """See :attr:`Follower.history`."""
        return self._follower.history

    def use(self, begin: float, end: float) -> ReplayUse:
        """See :func:`replay_use`; a fault of the replica becomes the reason for a missing cost."""
        use = replay_use(self.samples, begin, end)
        for fault in self.history.faults(begin, end, server="replica"):
            return replace(
                use, refusal=use.refusal and Refusal(fault.code, f"replay throughout: {fault.what}", fault.do)
            )
        return use

    def _begin(self, connection: Connection) -> Callable[[], None]:
        processes = local_server(connection)

        def poll() -> None:
            with connection.transaction(), connection.cursor(row_factory=class_row(Position)) as cursor:
                # Local to the transaction: a pooler's session serves other clients too.
                connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT_MS)])
                position = cursor.execute(_SQL["replay"]).fetchone()
            assert position is not None  # a SELECT without FROM has one row
            cpu_s = processes.replay_cpu_s() if processes else None
            self._samples.append(ReplaySample(time.monotonic(), position, cpu_s))

        return poll


def replay_use(samples: Sequence[ReplaySample], begin: float, end: float) -> ReplayUse:
    """WAL replayed between two instants of the monotonic clock, and its CPU cost (pure).

    From the first sample inside to the last, so that CPU and bytes cover the same time. A part in which either fell
    has a restart in it and is left out.
    """
    within = [sample for sample in samples if begin <= sample.at <= end]
    lag_bytes = [sample.position.lag_bytes for sample in within if sample.position.lag_bytes is not None]
    lag_s = [sample.position.lag_s for sample in within if sample.position.lag_s is not None]
    bytes_, cpu = _parts(within)
    known_cpu = [used for used in cpu if used is not None]
    cost = _cost(within, bytes_, cpu)
    return ReplayUse(
        wal_bytes=sum(bytes_) if bytes_ else None,
        cpu_s=sum(known_cpu) if known_cpu and len(known_cpu) == len(cpu) else None,
        cpu_s_per_byte=cost if isinstance(cost, Interval) else None,
        lag_bytes_mean=fmean(lag_bytes) if lag_bytes else None,
        lag_bytes_most=max(lag_bytes, default=None),
        lag_s_mean=fmean(lag_s) if lag_s else None,
        lag_s_most=max(lag_s, default=None),
        refusal=cost if isinstance(cost, Refusal) else None,
    )


def _parts(samples: Sequence[ReplaySample]) -> tuple[list[int], list[float | None]]:
    """Bytes and CPU seconds between neighbouring samples."""
    bytes_: list[int] = []
    cpu: list[float | None] = []
    for before, after in pairwise(samples):
        bytes_before, bytes_after = before.position.wal_bytes, after.position.wal_bytes
        if bytes_before is None or bytes_after is None or bytes_after < bytes_before:
            continue
        if before.cpu_s is None or after.cpu_s is None:
            cpu.append(None)
        elif after.cpu_s < before.cpu_s:
            continue
        else:
            cpu.append(after.cpu_s - before.cpu_s)
        bytes_.append(bytes_after - bytes_before)
    return bytes_, cpu


def _cost(samples: Sequence[ReplaySample], bytes_: Sequence[int], cpu: Sequence[float | None]) -> Interval | Refusal:
    if not samples:
        return Refusal("replica_not_sampled", "a sample of the replica in the window", "check that the replica answers")
    if all(sample.cpu_s is None for sample in samples):
        return Refusal(
            "replay_not_in_sight",
            "CPU of the replica's process of replay: it runs on another machine, or is hidden from this user",
            "run the generator on the replica's machine, or measure a replica on this one",
        )
    both = [(used, replayed) for used, replayed in zip(cpu, bytes_, strict=True) if used is not None]
    return replay_cost([used for used, _ in both], [replayed for _, replayed in both], RUN_LEVEL)
