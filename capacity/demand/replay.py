"""Replay demand: the CPU time of a replica per byte of WAL that it replays.

A replica does not execute a write again, it applies its WAL. So X in the utilisation law U = X·D is in bytes, and D is
the CPU that replay used over the bytes that it replayed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from capacity.formatting import size
from capacity.values import LEVEL, Interval, Refusal

LEAST_CPU_S: Final = 0.1
"""Least CPU time: kernels count in ticks of 10 ms, so with fewer than ten the error exceeds a tenth."""
LEAST_PARTS: Final = 8
"""Least parts of a window: fewer make fewer than four blocks of two, too few to estimate scatter."""
_NO_SPREAD: Final = 1e-9
"""Spread of the weights below which one run has all the weight, so the difference between runs is unknown."""


def replay_cost(cpu_s: Sequence[float], wal_bytes: Sequence[float], level: float = LEVEL) -> Interval | Refusal:
    """Estimate CPU seconds of replay per byte of WAL, from consecutive parts of one window.

    It is the ratio of the sums, so parts weigh by their bytes; its error is from the scatter of blocks of about √n
    neighbouring parts (which share a checkpoint), with Student's t. It is at least 0. Refuses unequal or unusable
    numbers, too few parts, and too little CPU time for the kernel's clock ticks.
    Source: ratio estimator, W. G. Cochran, Sampling Techniques, 1977, chapter 6.
    """
    from scipy.special import stdtrit

    used, replayed = np.asarray(cpu_s, dtype=np.float64), np.asarray(wal_bytes, dtype=np.float64)
    if used.shape != replayed.shape or not all(np.all(np.isfinite(a) & (a >= 0)) for a in (used, replayed)):
        return Refusal(
            "bad_measurement", "CPU time and bytes of 0 or more for each part of the window", "measure again"
        )
    if len(used) < LEAST_PARTS:
        missing = f"a window with at least {LEAST_PARTS + 1} samples of a replica, not {len(used) + 1}"
        return Refusal("too_few_samples", missing, "measure for longer")
    total_s, total_bytes = float(used.sum()), float(replayed.sum())
    if total_s < LEAST_CPU_S or total_bytes <= 0:
        missing = f"replay with at least {LEAST_CPU_S:g} s of CPU, not {total_s:.2g} s for {size(total_bytes)}"
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
    """Combine :func:`replay_cost` of several runs and replicas, weighted by the bytes that they replayed.

    The error is that of the weighted mean of independent values, each with its own error and the scatter between them
    beyond those errors (random effects, by moments; R. DerSimonian and N. Laird, 1986). The result is at least 0.
    Raises ValueError without costs, and for costs of different levels.
    """
    from scipy.special import ndtri

    if not costs or len(costs) != len(wal_bytes) or len({cost.level for cost in costs}) > 1:
        raise ValueError("pooled costs of replay need one number of bytes each, and the same level")
    weight = np.asarray(wal_bytes, dtype=np.float64)
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(costs), 1 / len(costs))
    value = np.array([cost.value for cost in costs])
    edge = float(ndtri((1 + costs[0].level) / 2))
    error = np.array([max(cost.high - cost.value, cost.value - cost.low) for cost in costs]) / edge
    middle = float(weight @ value)
    # Expected weighted scatter from the errors alone; the rest is between runs.
    expected = float(weight @ ((1 - weight) * error**2))
    scatter = float(weight @ (value - middle) ** 2)
    spread = 1 - float(weight @ weight)
    between = max(scatter - expected, 0.0) / spread if spread > _NO_SPREAD else 0.0
    half = edge * math.sqrt(float(weight**2 @ (error**2 + between)))
    return Interval(max(middle - half, 0.0), middle, middle + half, costs[0].level)
