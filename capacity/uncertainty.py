"""Propagation of uncertainty by deterministic draws, and intervals of shares and medians.

The draws of a quantity come from a random stream keyed by its name. So the same inputs give the same answer, a further
quantity does not change the draws of the others, and a larger input gives a larger answer in every draw, not only on
average.
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
"""Number of draws: odd, so that one is the median; enough for 5 % and 95 % quantiles to a percent of the spread."""

TINY = 1e-12
"""Stands for a load of zero in a denominator."""


@lru_cache(maxsize=256)  # a plan uses those of each quantity a dozen times
def scores(name: str) -> Floats:
    """Return standard normal draws of the quantity ``name``, one in each of DRAWS equally probable strata.

    The array is read-only.
    """
    from scipy.special import ndtri

    order = np.random.default_rng(zlib.crc32(name.encode())).permutation(DRAWS)
    normals = np.asarray(ndtri((order + 0.5) / DRAWS), dtype=np.float64)
    normals.setflags(write=False)
    return normals


def draws(name: str, interval: Interval) -> Floats:
    """Return draws of a quantity with median ``value``, a share ``level`` of them from ``low`` to ``high``.

    The distribution is normal with a spread of its own on either side of the median, or log-normal where ``low`` is
    above 0. An infinite high end ("at least") is replaced by the value, since nothing is known above it.
    """
    return at_scores(scores(name), interval)


def at_scores(score: Floats, interval: Interval) -> Floats:
    """Return the quantity at standard normal scores; see :func:`draws`."""
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
    """Draws of named quantities; those in ``known`` are held at their median, as if they were known exactly."""

    known: frozenset[str] = frozenset()

    def of(self, name: str, interval: Interval) -> Floats:
        """Return the draws of a quantity; see :func:`draws`."""
        return at_scores(self.scores(name), interval)

    def scores(self, name: str) -> Floats:
        """Return the scores of a quantity, 0 if it is known; see :func:`scores`."""
        return np.zeros(DRAWS) if name in self.known else scores(name)


def share_error(share: float, level: float = LEVEL) -> float:
    """Sampling error of a probability estimated as a share of the draws: half the width of its interval.

    It holds for independent draws; those here are stratified by quantity, so their error is less.
    """
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2)) * math.sqrt(max(share * (1 - share), 0.0) / DRAWS)


def share_interval(share: float, count: float, level: float = LEVEL) -> Interval:
    """Wilson's score interval (1927) of a share of ``count`` independent trials; ``count`` need not be whole."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2) / (1 + z * z / count)
    return Interval(min(max(middle - half, 0.0), share), share, max(min(middle + half, 1.0), share), level)


def summary(drawn: Floats, level: float = LEVEL) -> Interval:
    """Return the median of draws and the interval of their central ``level``, each the value of one draw."""
    low, value, high = np.quantile(drawn, [(1 - level) / 2, 0.5, (1 + level) / 2], method="inverted_cdf")
    return Interval(float(low), float(value), float(high), level)


def median_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Median of independent values with its interval by order statistics, for a distribution of any shape.

    The interval reaches from the k-th smallest to the k-th largest value, with the greatest k for which
    P(k ≤ Bin(n, ½) ≤ n − k) ≥ ``level``. Where the values are too few for any k, it holds all of them and covers the
    median with less than ``level``. Raises ValueError without values.
    """
    from scipy.special import bdtr

    if not values:
        raise ValueError("a median needs at least one value")
    ordered, count = sorted(values), len(values)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    # Probability that fewer than k of n values lie below the median, or above it, for each k from 1.
    outside = 2 * bdtr(np.arange((count + 1) // 2, dtype=np.float64), count, 0.5)
    k = max(int(np.count_nonzero(outside <= 1 - level)), 1)
    return Interval(min(ordered[k - 1], middle), middle, max(ordered[count - k], middle), level)
