"""Repeated runs of levels of load: one spread between runs for all levels, and the levels that do equally well."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

POOL_MARGIN = 0.05
"""A pool is as good as the best when its throughput is not lower by more than this share."""


def pool_range(throughput_tps: Mapping[int, float]) -> tuple[int, int] | None:
    """Least and most connections whose throughput is not worse than the best by 5 %, from throughput by level.

    None when the sweep does not bracket them: throughput still rose by more than the margin up to the highest level,
    or fewer than three levels were measured.
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
    """Groups of positive values: means of logs, and one standard deviation within groups."""

    means: tuple[float, ...]
    counts: tuple[int, ...]
    sd: float
    df: int

    @staticmethod
    def of(groups: Sequence[Sequence[float]]) -> PooledLogs:
        """Groups of values above 0; the standard deviation is NaN where none has two."""
        logs = [np.log(np.asarray(group, dtype=np.float64)) for group in groups]
        df = sum(len(group) - 1 for group in logs)
        squares = sum(float(((group - group.mean()) ** 2).sum()) for group in logs)
        return PooledLogs(
            tuple(float(group.mean()) for group in logs),
            tuple(len(group) for group in logs),
            math.sqrt(squares / df) if df else math.nan,
            df,
        )

    def standard_error(self, i: int) -> float:
        """Of the mean of a group's logs."""
        return self.sd / math.sqrt(self.counts[i])

    def interval(self, i: int, quantile: float) -> tuple[float, float, float]:
        """Low, value and high of a group's geometric mean."""
        half = quantile * self.standard_error(i)
        return math.exp(self.means[i] - half), math.exp(self.means[i]), math.exp(self.means[i] + half)

    def ratio(self, numerator: int, denominator: int, quantile: float) -> tuple[float, float, float]:
        """Low, value and high of one group's geometric mean over another's."""
        half = quantile * self.sd * math.sqrt(1 / self.counts[numerator] + 1 / self.counts[denominator])
        value = self.means[numerator] - self.means[denominator]
        return math.exp(value - half), math.exp(value), math.exp(value + half)
