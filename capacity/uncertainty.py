"""Carrying intervals through a law: the same deterministic draws for everyone.

A quantity's draws come from a stream keyed by its name, so that the same inputs give the same answer, a further
quantity changes no other's draws, and a larger input gives a larger answer draw by draw, not only on average.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from capacity.arrays import Floats
from capacity.values import LEVEL, Interval

DRAWS = 4001
"""Odd, so that the middle draw is the median. The 5 % and 95 % quantiles stand to about a percent of their spread."""

TINY = 1e-12
"""A load or a work so small that it stands for none where it divides."""


@lru_cache(maxsize=256)  # a plan asks a dozen times for each
def scores(name: str) -> Floats:
    """Standard normal draws of the quantity ``name``, stratified: one in each of DRAWS equally probable strata.

    The array is read-only.
    """
    from scipy.special import ndtri

    order = np.random.default_rng(zlib.crc32(name.encode())).permutation(DRAWS)
    found = np.asarray(ndtri((order + 0.5) / DRAWS), dtype=np.float64)
    found.setflags(write=False)
    return found


def draws(name: str, interval: Interval) -> Floats:
    """Draws of a quantity whose median is ``value`` and whose central ``level`` lies from ``low`` to ``high``.

    A normal of its own spread on either side of the median, of logarithms where all three are above 0. An infinite
    high end ("at least") is drawn as the value: nothing is known above it, and less is assumed.
    """
    return at_scores(scores(name), interval)


def at_scores(score: Floats, interval: Interval) -> Floats:
    """The quantity at given standard normal scores; see :func:`draws`."""
    from scipy.special import ndtri

    edge = float(ndtri((1 + interval.level) / 2))
    high = interval.value if math.isinf(interval.high) else interval.high
    if interval.low > 0:
        below, middle, above = math.log(interval.low), math.log(interval.value), math.log(high)
    else:
        below, middle, above = interval.low, interval.value, high
    spread = np.where(score < 0, middle - below, above - middle) / edge
    drawn = middle + score * spread
    return np.asarray(np.exp(drawn) if interval.low > 0 else drawn, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws of named quantities, those in ``known`` held at their middle: what the answer would be if one knew."""

    known: frozenset[str] = frozenset()

    def of(self, name: str, interval: Interval) -> Floats:
        """See :func:`draws`."""
        return at_scores(self.scores(name), interval)

    def scores(self, name: str) -> Floats:
        """See :func:`scores`; 0 for what is known."""
        return np.zeros(DRAWS) if name in self.known else scores(name)


def share_error(share: float, level: float = LEVEL) -> float:
    """Half-width of the interval of a probability that is a share of the draws: what another set might have given.

    Of independent draws; these are stratified by quantity, so it is rather less.
    """
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2)) * math.sqrt(max(share * (1 - share), 0.0) / DRAWS)


def share_interval(share: float, count: float, level: float = LEVEL) -> Interval:
    """A share of ``count`` independent trials, which may be a fraction of one, with Wilson's score interval (1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2) / (1 + z * z / count)
    return Interval(min(max(middle - half, 0.0), share), share, max(min(middle + half, 1.0), share), level)


def summary(drawn: Floats, level: float = LEVEL) -> Interval:
    """The median of draws, and the interval that holds their central ``level``; an order statistic each, so exact."""
    low, value, high = np.quantile(drawn, [(1 - level) / 2, 0.5, (1 + level) / 2], method="inverted_cdf")
    return Interval(float(low), float(value), float(high), level)


def median_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """The median of independent values with the interval of order statistics, which assumes no shape of their law.

    The interval reaches from the k-th smallest to the k-th largest, k the greatest with P(k ≤ Bin(n, ½) ≤ n − k) ≥
    ``level``; of too few values for any k it holds all of them and says less than ``level``. Raises ValueError for
    none.
    """
    from scipy.special import bdtr

    if not values:
        raise ValueError("a median needs at least one value")
    ordered, count = sorted(values), len(values)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    # P(fewer than k of n lie below the median) on either side, for each k from 1.
    outside = 2 * bdtr(np.arange((count + 1) // 2, dtype=np.float64), count, 0.5)
    k = max(int(np.count_nonzero(outside <= 1 - level)), 1)
    return Interval(min(ordered[k - 1], middle), middle, max(ordered[count - k], middle), level)
