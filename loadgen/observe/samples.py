"""Samples of a server's counters, and the use between two instants (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final, Literal

from capacity.values import Interval
from loadgen.runs.estimate import mean
from loadgen.runs.format.use import ServerUse


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the server's statistics were reset; None where the server does not count or show them.

    The first six are of the database under load; the others of the whole server, whoever caused them.
    """

    xact_commit: int
    xact_rollback: int
    blocks_hit: int
    blocks_read: int
    temp_bytes: int
    deadlocks: int
    wal_bytes: int
    full_page_images: int | None = None
    checkpoints: int | None = None
    file_reads: int | None = None
    file_writes: int | None = None
    file_extends: int | None = None
    file_fsyncs: int | None = None
    cpu_s: float | None = None


Name = Literal[
    "xact_commit", "xact_rollback", "blocks_hit", "blocks_read", "temp_bytes", "deadlocks", "wal_bytes",
    "full_page_images", "checkpoints", "file_reads", "file_writes", "file_extends", "file_fsyncs", "cpu_s",
]  # fmt: skip
COUNTERS: Final = tuple(field.name for field in fields(Counters))


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters at ``at``, seconds on the monotonic clock. ``waits``: active sessions by wait event."""

    at: float
    counters: Counters
    waits: dict[str, int]


def used(samples: Sequence[Sample], name: Name, begin: float, end: float) -> float | None:
    """Growth of a counter from ``begin`` to ``end``, by linear interpolation between samples.

    A counter that fell was reset, for example by a restart: its new value is its growth. Beyond the first and last
    sample there is no growth. None if fewer than two samples have the counter.
    """
    points = [(sample.at, float(value)) for sample in samples if (value := getattr(sample.counters, name)) is not None]
    if len(points) < 2:
        return None
    total = 0.0
    for (from_s, before), (to_s, after) in pairwise(points):
        overlap = min(end, to_s) - max(begin, from_s)
        if overlap > 0:
            total += (after - before if after >= before else after) * overlap / (to_s - from_s)
    return total


def server_use(
    samples: Sequence[Sample], begin: float, end: float, *, transactions: int, checkpoints_forced: int = 0
) -> ServerUse:
    """The server's use between two instants of the monotonic clock, in which ``transactions`` were committed.

    WAL and checkpoints are the whole server's. Sessions report their counters about once a second, so block counts of
    a window are off by up to that at each end; WAL and CPU are not. Counters that were not sampled or may not be read
    are None: see ``Sampler.notes``.
    """

    def count(name: Name) -> int | None:
        growth = used(samples, name, begin, end)
        return None if growth is None else round(growth)

    wal_bytes = used(samples, "wal_bytes", begin, end)
    waits = Counter[str]()
    for sample in samples:
        if begin <= sample.at <= end:
            waits.update(sample.waits)
    return ServerUse(
        cpu_cores=_cpu_cores(samples, begin, end),
        wal_bytes=count("wal_bytes"),
        wal_bytes_per_txn=None if wal_bytes is None or not transactions else wal_bytes / transactions,
        blocks_hit=count("blocks_hit"),
        blocks_read=count("blocks_read"),
        temp_bytes=count("temp_bytes"),
        deadlocks=count("deadlocks"),
        checkpoints=count("checkpoints"),
        checkpoints_forced=checkpoints_forced,
        wait_events=dict(waits.most_common()),
    )


def _cpu_cores(samples: Sequence[Sample], begin: float, end: float) -> Interval | None:
    """Mean cores in use, over the window cut into as many equal parts as it has samples."""
    sampled_at = [sample.at for sample in samples if begin <= sample.at <= end and sample.counters.cpu_s is not None]
    if len(sampled_at) < 2 or used(samples, "cpu_s", begin, end) is None:
        return None
    parts = len(sampled_at)
    width = (end - begin) / parts
    rates = [used(samples, "cpu_s", begin + i * width, begin + (i + 1) * width) or 0.0 for i in range(parts)]
    return mean([rate / width for rate in rates])
