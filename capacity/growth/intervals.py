"""Conformal intervals from few and dependent back-test errors.

Errors of all origins and horizons are made comparable: each is divided by the geometric mean of the step sizes at its
origin and today, and by h^p, with p fitted to this history and shrunk towards 0.8. Their weighted quantile times h^p is
the half-width, so it widens with the horizon by construction. An origin at t of n has the weight (t/n)³, since its
forecast had less history, times the similarity of its mixture to today's.

Origins closer than the horizon share part of their future: the errors count as ν = 3 + 2 × back-tested span / horizon
independent ones, at most 8, and the quantile is multiplied by that of Student's t with ν degrees of freedom over the
normal one. These numbers and the exponent 3 are calibrated by ``benchmarks/forecast.py --calibrate``.

The reported coverage is that of the intervals which this method gives at earlier origins, each from the errors known by
then. They too have the weight (t/n)³: today's forecast uses the whole history, and before the inflection of a curve its
ceiling could not be known. The similarity of the mixtures does not count, since it would excuse a break. The coverage
has Wilson's score interval (1927) for so few independent hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from capacity.arrays import Bools, Floats
from capacity.growth.mixture import USUAL_POWER, BackTest
from capacity.uncertainty import share_interval
from capacity.values import LEVEL, Interval

MATURITY = 3.0
LEAST_LIKENESS = 0.02
NU_BASE, NU_PER_BLOCK, NU_MOST = 3.0, 2.0, 8.0
LEAST_POWER, MOST_POWER = 0.1, 1.4
_POWER_SHRINKAGE = 0.2
"""Weight of the usual power, in variance of log horizon times independent blocks."""
_UNTESTED_POWER = 0.5
"""Least exponent of an error's growth beyond the tested horizons: that of a random walk."""
_LEAST_SHARE = 0.02
"""Least half-width as a share of a step: no history of this length proves an error of 0 (assumption)."""
HITS_PER_BLOCK = 4.0
"""Independent hits per stretch of the horizon's length. With this value the coverage's 90 % interval holds the true
coverage of simulated families 9 times of 10 (``tests/capacity/growth/test_stated_coverage.py``); a smaller one widens
the interval."""
ENOUGH_POINTS = 12
"""Least periods for an interval; with fewer there are too few origins, today and in the back-test."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Half-widths by horizon, never narrowing, and the coverage of such intervals at ``origins`` earlier origins."""

    half_width: Floats
    coverage: Interval
    origins: int
    tested_horizon: int


def intervals(test: BackTest, horizon: int, level: float) -> Intervals:
    """Compute the intervals. The back-test has at least one known error by construction."""
    coverage, origins = _achieved(test, horizon, level)
    known = ~np.isnan(test.errors)
    return Intervals(
        half_width=_half_width_at(test, len(test.ends) - 1, horizon, level),
        coverage=coverage,
        origins=origins,
        tested_horizon=int(np.flatnonzero(known.any(axis=0))[-1]) + 1,
    )


def _half_width_at(test: BackTest, row: int, horizon: int, level: float) -> Floats:
    """Half-widths of the interval at origin ``row`` (1 or later), from the errors of earlier origins."""
    past, now = test.ends[:row], int(test.ends[row])
    is_known = past[:, None] + np.arange(1, horizon + 1)[None] <= now
    errors = np.where(is_known, test.errors[:row] / np.sqrt(test.scale[:row] * test.scale[row])[:, None], np.nan)
    blocks = float(now - past[0]) / horizon
    width = _half_widths(errors, is_known, _weights(test, row), blocks, level) * _stretch(level, blocks)
    least = _LEAST_SHARE * test.steps[row] * np.sqrt(np.arange(1, horizon + 1))
    return np.asarray(np.maximum(width * test.scale[row], least), dtype=np.float64)


def _weights(test: BackTest, row: int) -> Floats:
    """Weights of the errors from each origin before ``row``."""
    return _maturity(test, row) * np.maximum(test.likeness[:row, row], LEAST_LIKENESS)


def _maturity(test: BackTest, row: int) -> Floats:
    return np.asarray((test.ends[:row] / test.ends[row]) ** MATURITY, dtype=np.float64)


def _achieved(test: BackTest, horizon: int, level: float) -> tuple[Interval, int]:
    """Weighted share of later values inside the intervals that earlier origins give, and the number of those origins.

    Hits count as ``HITS_PER_BLOCK`` independent ones per stretch of the horizon's length, less the effect of uneven
    weights (Kish 1965: (Σw)² / Σw²).
    """
    ends, now = test.ends, len(test.ends) - 1
    first = min(ENOUGH_POINTS, int(ends[now - 1]))
    judged = np.array([row for row in range(1, now) if ends[row] >= first])
    known = ~np.isnan(test.errors[judged])
    inside = np.array(
        [test.errors[row] <= _half_width_at(test, int(row), horizon, level) * (1 + 1e-9) for row in judged]
    )
    weight = _maturity(test, now)[judged]
    share = float(np.sum(weight[:, None] * (known & inside)) / np.sum(weight[:, None] * known))
    evenness = float(weight.sum() ** 2 / (weight @ weight)) / len(judged)
    hits = max(HITS_PER_BLOCK * evenness * float(ends[now] - ends[judged[0]]) / horizon, 1.0)
    return share_interval(min(share, 1.0), hits, LEVEL), len(judged)


def _stretch(level: float, blocks: float) -> float:
    from scipy.special import stdtrit

    nu = min(NU_BASE + NU_PER_BLOCK * blocks, NU_MOST)
    upper = (1 + level) / 2
    return float(stdtrit(nu, upper)) / NormalDist().inv_cdf(upper)


def _half_widths(errors: Floats, known: Bools, weight: Floats, blocks: float, level: float) -> Floats:
    """Half-widths in units of today's step, before :func:`_stretch`."""
    horizon = errors.shape[1]
    law = np.arange(1, horizon + 1) ** _power(errors, known, weight, blocks)
    tested = int(np.flatnonzero(known.any(axis=0))[-1])
    beyond = np.arange(tested + 2, horizon + 1) / (tested + 1)
    law[tested + 1 :] = np.maximum(law[tested + 1 :], law[tested] * beyond**_UNTESTED_POWER)
    return _quantile((errors / law)[known], np.broadcast_to(weight[:, None], errors.shape)[known], level) * law


def _power(errors: Floats, known: Bools, weight: Floats, blocks: float) -> float:
    """Exponent of the errors' growth: the slope of log mean error on log h, shrunk towards the usual one."""
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
    """Smallest value that at least a share ``level`` of the weight does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    at = int(np.searchsorted(reached, level * reached[-1] * (1 - 1e-12)))
    return float(values[order[min(at, len(order) - 1)]])
