"""Conformal intervals from few and dependent back-test errors.

Errors of all origins and horizons are made comparable: each is divided by the geometric mean of the step size that its
origin saw and today's, and by h^p, with p fitted to this history and drawn towards 0.8. Their weighted quantile times
h^p is the half-width, so it widens with the horizon by construction. An origin at t of n weighs (t/n)³, as it had that
much less to go by, times how much of its mixture was today's.

Origins closer than the horizon share their future: the errors count as ν = 3 + 2 × back-tested span / horizon
independent ones, at most 8, and the quantile is stretched by that of Student's t with ν degrees of freedom over the
normal one. These numbers and the exponent 3 are the calibration: ``benchmarks/forecast.py --calibrate``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from capacity.growth.mixture import USUAL_POWER, BackTest

Floats = npt.NDArray[np.float64]

MATURITY = 3.0
LEAST_LIKENESS = 0.02
NU_BASE, NU_PER_BLOCK, NU_MOST = 3.0, 2.0, 8.0
LEAST_POWER, MOST_POWER = 0.1, 1.4
_POWER_SHRINKAGE = 0.2
"""Weight of the usual power, in variance of log horizon times independent blocks."""
_UNTESTED_POWER = 0.5
"""Least growth of an error past the horizons that the history could test: that of a random walk."""
_LEAST_SHARE = 0.02
"""Of a step: no history of this length shows that the next error is nothing at all (assumption)."""
NEIGHBOURS = 3
"""Origins on either side that are left out together with the one whose interval is judged; fewer where few are."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Half-widths by horizon, never narrowing, and how often such intervals held in the back-test."""

    half_width: Floats
    coverage: float
    origins: int
    tested_horizon: int


def intervals(test: BackTest, horizon: int, level: float) -> Intervals:
    """Raises nothing; the back-test has at least one known error by construction."""
    past = test.ends[:-1]
    common = np.sqrt(test.scale[:-1] * test.scale[-1])
    errors = test.errors / common[:, None]
    weight = (past / test.ends[-1]) ** MATURITY * np.maximum(test.likeness, LEAST_LIKENESS)
    blocks = float(test.ends[-1] - past[0]) / horizon
    stretch = _stretch(level, blocks)
    known = ~np.isnan(errors)
    width = _half_widths(errors, known, weight, blocks, level) * stretch
    least = _LEAST_SHARE * test.step * np.sqrt(np.arange(1, horizon + 1))
    coverage, judged = _achieved(errors, known, weight, blocks, level, stretch, least[None] / common[:, None])
    return Intervals(
        np.maximum(width * test.scale[-1], least), coverage, judged, int(np.flatnonzero(known.any(axis=0))[-1]) + 1
    )


def _stretch(level: float, blocks: float) -> float:
    from scipy.special import stdtrit

    nu = min(NU_BASE + NU_PER_BLOCK * blocks, NU_MOST)
    upper = (1 + level) / 2
    return float(stdtrit(nu, upper)) / NormalDist().inv_cdf(upper)


def _half_widths(errors: Floats, known: npt.NDArray[np.bool_], weight: Floats, blocks: float, level: float) -> Floats:
    """In units of today's step, without the stretch."""
    horizon = errors.shape[1]
    law = np.arange(1, horizon + 1) ** _power(errors, known, weight, blocks)
    tested = int(np.flatnonzero(known.any(axis=0))[-1])
    beyond = np.arange(tested + 2, horizon + 1) / (tested + 1)
    law[tested + 1 :] = np.maximum(law[tested + 1 :], law[tested] * beyond**_UNTESTED_POWER)
    return _quantile((errors / law)[known], np.broadcast_to(weight[:, None], errors.shape)[known], level) * law


def _power(errors: Floats, known: npt.NDArray[np.bool_], weight: Floats, blocks: float) -> float:
    """How errors grow with the horizon: the slope of log mean error on log h, drawn towards the usual power."""
    counted = known * weight[:, None]
    mean = np.sum(np.where(known, errors, 0.0) * counted, axis=0) / np.maximum(counted.sum(axis=0), 1e-12)
    counts = known.sum(axis=0)
    use = (counts >= 2) & (mean > 0)
    if use.sum() < 3:
        return USUAL_POWER
    x, y = np.log(np.flatnonzero(use) + 1.0), np.log(mean[use])
    share = counts[use] / counts[use].sum()
    x, y = x - share @ x, y - share @ y
    prior = _POWER_SHRINKAGE / max(blocks, 0.3)
    power = (share @ (x * y) + prior * USUAL_POWER) / (share @ (x * x) + prior)
    return float(np.clip(power, LEAST_POWER, MOST_POWER))


def _quantile(values: Floats, weight: Floats, level: float) -> float:
    """The smallest value that at least ``level`` of the weight does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    at = int(np.searchsorted(reached, level * reached[-1] * (1 - 1e-12)))
    return float(values[order[min(at, len(order) - 1)]])


def _achieved(
    errors: Floats,
    known: npt.NDArray[np.bool_],
    weight: Floats,
    blocks: float,
    level: float,
    stretch: float,
    least: Floats,
) -> tuple[float, int]:
    """Share of errors inside the interval that the other origins give, and the number of origins so judged.

    ``least``: half-widths by origin and horizon below which no interval is given, in the unit of ``errors``.

    An origin is left out together with its neighbours: they share most of its future, and with them in, the coverage
    would come out nominal whatever the data.
    """
    inside, judged, origins = 0, 0, 0
    near = min(NEIGHBOURS, len(errors) // 4)
    for row in range(len(errors)):
        others = known.copy()
        others[max(row - near, 0) : row + near + 1] = False
        if not others.any() or not known[row].any():
            continue
        width = np.maximum(_half_widths(errors, others, weight, blocks, level) * stretch, least[row])
        held = errors[row][known[row]] <= width[known[row]] * (1 + 1e-9)
        inside, judged, origins = inside + int(held.sum()), judged + len(held), origins + 1
    return (inside / judged if judged else math.nan), origins
