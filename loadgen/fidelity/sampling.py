"""Estimates from a sample: a value, and the range of 95 of 100 samples of the same size.

Laws: a share is binomial (Wilson's interval); a quantile lies between the order statistics whose ranks the binomial
law bounds, whatever the distribution (Conover 1999); a mean follows the central limit theorem, with the sample's own
deviation. Household wealth has so heavy a tail that this deviation is itself uncertain and mostly too small: the
largest households are missing from most samples. The draws are stratified, so true errors are smaller for shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.uncertainty import share_interval

Z95: Final = 1.96
LEAST_IN_TAIL: Final = 30
"""Fewest households in the richest share for its error to be estimated: the usual rule of thumb."""

_FINE = np.arange(1, 10) * 0.0005
GRID: Final[tuple[float, ...]] = tuple(
    float(p)
    for p in np.unique(
        np.round(np.concatenate([[0, 1], np.arange(1, 200) * 0.005, _FINE, 1 - _FINE, 1 - _FINE / 5]), 6)
    )
)
"""Probabilities at which quantiles are read: steps of 0.5 %, finer at both ends, with minimum and maximum."""


@dataclass(frozen=True)
class Measured:
    """A stored figure; ``low`` and ``high`` None where the sample is too small to bound it."""

    value: float | None
    low: float | None
    high: float | None
    households: int
    standard_error: float | None = None
    """Standard error of a mean or a concentration; None for others."""


NOTHING: Final = Measured(None, None, None, 0)


def share(count: int, households: int) -> Measured:
    """Share in percent, with Wilson's score interval (1927)."""
    if not households:
        return NOTHING
    interval = share_interval(count / households, households, 0.95).scaled(100)
    return Measured(interval.value, interval.low, interval.high, households)


def quantile(probability: float, values: Sequence[float] | None, households: int) -> Measured:
    """A quantile from the ``values`` at GRID. Ranks n·p ± 1.96 √(n·p(1−p)) bound it; outside the sample: None."""
    if not households or values is None:
        return NOTHING
    half = Z95 * math.sqrt(probability * (1 - probability) / households)
    # Beyond half a rank outside the first and the last household there are no data.
    edge = 0.5 / households

    def at(p: float) -> float | None:
        return float(np.interp(p, GRID, values)) if edge <= p <= 1 - edge else None

    value = float(np.interp(probability, GRID, values))
    return Measured(value, at(probability - half), at(probability + half), households)


def mean(value: float | None, deviation: float | None, households: int) -> Measured:
    """A mean with an interval of 1.96 standard errors on both sides."""
    if not households or value is None:
        return NOTHING
    if deviation is None:
        return Measured(value, None, None, households)
    error = deviation / math.sqrt(households)
    return Measured(value, value - Z95 * error, value + Z95 * error, households, error)


@dataclass(frozen=True)
class Lorenz:
    """Moments of amounts x and of u = max(x − q, 0), where q is their quantile at ``p``."""

    p: float
    households: int
    mean: float
    q: float
    mean_u: float
    var_u: float
    cov_ux: float
    var_x: float


def concentration(moments: Lorenz, *, top: bool) -> Measured:
    """Percent of the total that households above the quantile hold (``top``), or those below it.

    S = (E u + q(1 − p)) / E x, with the error of its influence function: √(Var(u − S·x) / n) / E x (Cowell and
    Flachaire 2007). No error where fewer than LEAST_IN_TAIL households lie on the thinner side.
    """
    m = moments
    if not m.households or m.mean <= 0:
        return NOTHING
    of_top = (m.mean_u + m.q * (1 - m.p)) / m.mean
    value = 100 * (of_top if top else 1 - of_top)
    if m.households * min(m.p, 1 - m.p) < LEAST_IN_TAIL:
        return Measured(value, None, None, m.households)
    variance = max(m.var_u - 2 * of_top * m.cov_ux + of_top**2 * m.var_x, 0.0)
    error = 100 * math.sqrt(variance / m.households) / m.mean
    return Measured(value, value - Z95 * error, value + Z95 * error, m.households, error)
