"""Replay demand: the CPU that a replica spends on each byte of the log that it replays.

A replica does no write over again; it applies the log of it. The utilisation law, U = X·D, has bytes for X there: what
replay used, over what it replayed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from capacity.values import LEVEL, Interval, Refusal

LEAST_CPU_S: Final = 0.1
"""A kernel tells CPU in ticks of 10 ms: of less than ten of them a share is known to no better than a tenth."""
LEAST_PARTS: Final = 8
"""Fewer make fewer than four blocks of two, and a scatter of four says little enough."""
_NO_SPREAD: Final = 1e-9
"""Of weights: one run has all of it, and nothing tells what runs differ by."""


def replay_cost(cpu_s: Sequence[float], wal_bytes: Sequence[float], level: float = LEVEL) -> Interval | Refusal:
    """CPU seconds of replay a byte of log, from what consecutive parts of one window used and replayed.

    The ratio of the sums, so that a part counts by what it replayed; its error from the scatter of blocks of about √n
    neighbouring parts about it (neighbours share a checkpoint), with Student's t. No less than 0. Refuses unequal or
    unusable numbers, few parts, and so little CPU that ticks are most of it.
    Source: ratio estimator, W. G. Cochran, Sampling Techniques, 1977, chapter 6.
    """
    from scipy.special import stdtrit

    used, replayed = np.asarray(cpu_s, dtype=np.float64), np.asarray(wal_bytes, dtype=np.float64)
    if used.shape != replayed.shape or not all(np.all(np.isfinite(a) & (a >= 0)) for a in (used, replayed)):
        return Refusal("bad_measurement", "CPU and bytes of 0 or more for each part of the window", "measure again")
    if len(used) < LEAST_PARTS:
        missing = f"a window in which a replica was seen {LEAST_PARTS + 1} times, not {len(used) + 1}"
        return Refusal("too_few_samples", missing, "measure for longer")
    total_s, total_bytes = float(used.sum()), float(replayed.sum())
    if total_s < LEAST_CPU_S or total_bytes <= 0:
        missing = f"replay that took {LEAST_CPU_S:g} s of CPU or more, not {total_s:.2g} s ({total_bytes / 1e6:.3g} MB)"
        return Refusal("too_little_replayed", missing, "measure for longer, or with more writes")
    starts = np.arange(0, len(used), max(2, round(math.sqrt(len(used)))))
    if len(used) - starts[-1] < 2:  # a lone part joins the block before it
        starts = starts[:-1]
    cost = total_s / total_bytes
    left = np.add.reduceat(used, starts) - cost * np.add.reduceat(replayed, starts)
    blocks = len(starts)
    error = math.sqrt(blocks / (blocks - 1) * float(left @ left)) / total_bytes
    half = float(stdtrit(blocks - 1, (1 + level) / 2)) * error
    return Interval(max(cost - half, 0.0), cost, cost + half, level)


def pooled_cost(costs: Sequence[Interval], wal_bytes: Sequence[float]) -> Interval:
    """One :func:`replay_cost` from those of several runs and replicas, each counting by the bytes that it replayed.

    The error is that of the weighted mean of independent values, each with its own error and what they differ by beyond
    their errors (random effects, by moments; R. DerSimonian and N. Laird, 1986). No less than 0. Raises ValueError for
    none, and for costs of different levels.
    """
    from scipy.special import ndtri

    if not costs or len(costs) != len(wal_bytes) or len({cost.level for cost in costs}) > 1:
        raise ValueError("costs of replay are pooled with their bytes, one each, and at one level")
    weight = np.asarray(wal_bytes, dtype=np.float64)
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(costs), 1 / len(costs))
    value = np.array([cost.value for cost in costs])
    edge = float(ndtri((1 + costs[0].level) / 2))
    error = np.array([max(cost.high - cost.value, cost.value - cost.low) for cost in costs]) / edge
    middle = float(weight @ value)
    # What the weighted scatter is expected to be from the errors alone; the rest is between runs.
    expected = float(weight @ ((1 - weight) * error**2))
    scatter = float(weight @ (value - middle) ** 2)
    spread = 1 - float(weight @ weight)
    between = max(scatter - expected, 0.0) / spread if spread > _NO_SPREAD else 0.0
    half = edge * math.sqrt(float(weight**2 @ (error**2 + between)))
    return Interval(max(middle - half, 0.0), middle, middle + half, costs[0].level)
