"""Repeated runs by level: their pooled scatter, and the levels with nearly the best throughput."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

POOL_MARGIN = 0.05
"""Largest share by which the throughput of a good pool is below the best."""


def pool_range(throughput_tps: Mapping[int, float]) -> tuple[int, int] | None:
    """Return the least and most connections with a throughput within 5 % of the best, from throughput by level.

    None if the sweep does not bracket them: throughput still rises by more than the margin at the highest level, or
    fewer than three levels were measured.
    """
    if len(throughput_tps) < 3:
        return None
    levels = sorted(throughput_tps)
    best = max(throughput_tps.values())
    good = [level for level in levels if throughput_tps[level] >= (1 - POOL_MARGIN) * best]
    if good == [levels[-1]]:
        return None
    return good[0], good[-1]


@dataclass(frozen=True, slots=True)
class PooledLogs:
    """Logs of groups of positive values: their means, and one pooled standard deviation within groups."""

    means: tuple[float, ...]
    counts: tuple[int, ...]
    sd: float
    df: int

    @staticmethod
    def of(groups: Sequence[Sequence[float]]) -> PooledLogs:
        """Pool groups of values above 0; the standard deviation is NaN if none has two."""
        logs = [np.log(np.asarray(group, dtype=np.float64)) for group in groups]
        df = sum(len(group) - 1 for group in logs)
        squares = sum(float(((group - group.mean()) ** 2).sum()) for group in logs)
        return PooledLogs(
            tuple(float(group.mean()) for group in logs),
            tuple(len(group) for group in logs),
            math.sqrt(squares / df) if df else math.nan,
            df,
        )

    def ratio(self, numerator: int, denominator: int, quantile: float) -> tuple[float, float, float]:
        """Return low end, value and high end of one group's geometric mean over another's."""
        half = quantile * self.sd * math.sqrt(1 / self.counts[numerator] + 1 / self.counts[denominator])
        value = self.means[numerator] - self.means[denominator]
        return math.exp(value - half), math.exp(value), math.exp(value + half)
