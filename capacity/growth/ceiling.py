"""Growth that still speeds up has a ceiling that nobody can see yet.

Up to its inflection a logistic or Gompertz curve cannot be told from one with a ceiling several times as high, or
from none. Where that decides the answer, the honest one is a set of scenarios. It decides when

- steps grow to the end of the history (means of its last third against what went before, by t), and
- at today's rate g the horizon H is far: gH > 0.5; beyond 1.4 (a fourfold growth) always, and
- the curves that fit within the 90 % likelihood interval differ by a quarter at the horizon, or exclude unlimited
  growth without having passed the inflection.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.growth.models import PASSED
from capacity.growth.nonlinear import fit_curve, gompertz, logistic
from capacity.values import Interval

_FAR, _TOO_FAR = 0.5, 1.4
_T = 2.0
_SPEED_UP = 1.15
"""Least ratio of the last third's mean step to the middle third's."""
_LEAST_RISE = 0.4
"""Of log values over the history: under a half more, curvature says nothing about a ceiling."""
_MATERIAL = 1.25
_DESCRIBES = 0.9
"""Least R² of the curves, in logs."""
_CHI2_90 = 2.706
_CEILINGS = np.geomspace(1.03, 300, 120)
"""Ceilings tried, in multiples of the largest value."""


@dataclass(frozen=True, slots=True)
class OpenCeiling:
    """Paths of equal right: the lowest ceiling that fits, today's step carried on, and unlimited growth."""

    low: Floats
    middle: Floats
    high: Floats
    why: str


@dataclass(frozen=True, slots=True)
class _Curve:
    kind: str
    ceiling: float
    start: float
    slope: float
    squares: float
    residuals: Floats
    ahead: Floats


def open_ceiling(values: Floats, horizon: int) -> OpenCeiling | None:
    """The scenarios where the ceiling decides and is not identified; None: it does not, or it is."""
    count = len(values)
    if count < 12 or values.min() <= 0:
        return None
    logs, time = np.log(values), np.arange(count, dtype=np.float64)
    third = count // 3
    rate = float(np.polyfit(time[-third:], logs[-third:], 1)[0])
    steps = np.diff(values)
    late, middle = float(steps[-third:].mean()), float(steps[third : len(steps) - third].mean())
    if late <= _SPEED_UP * max(middle, 0.0) or logs[-1] - logs[:3].mean() < _LEAST_RISE or rate * horizon < _FAR:
        return None
    recent = slice(count - 2 * third, count)
    steady = float(np.corrcoef(time[recent], logs[recent])[0, 1]) ** 2 > _DESCRIBES
    curves = [_fit(logs, kind, c * values.max(), horizon) for kind in PASSED for c in _CEILINGS]
    unlimited = _fit(logs, "exponential", np.inf, horizon)
    best = min((*curves, unlimited), key=lambda curve: curve.squares)
    threshold = best.squares * (1 + _CHI2_90 * _dependence(best.residuals) / (count - 3))
    fitting = [curve for curve in curves if curve.squares <= threshold]
    if not (rate * horizon > _TOO_FAR and steady):
        if not _speeds_up(steps, third) or 1 - best.squares / np.sum((logs - logs.mean()) ** 2) < _DESCRIBES:
            return None
        still_open = unlimited.squares <= threshold
        ends = [curve.ahead[-1] for curve in (*fitting, *([unlimited] if still_open else []))]
        past = all(values[-1] > PASSED[curve.kind] * curve.ceiling for curve in fitting)
        if (past and not still_open) or (still_open and max(ends) < _MATERIAL * min(ends)):
            return None
    lowest = min(fitting or curves, key=lambda curve: curve.ahead[-1] if fitting else curve.squares)
    ahead = np.arange(1, horizon + 1)
    straight = values[-1] + late * ahead
    compound = values[-1] * np.exp(np.minimum(rate * ahead, 50.0))
    return OpenCeiling(
        low=np.minimum(np.maximum(lowest.ahead, values[-1]), straight),
        middle=straight,
        high=np.maximum(compound, straight),
        why=f"growth still speeds up ({100 * np.expm1(rate):.2g}% a period), so that nothing tells where it ends",
    )


def seen_ceiling(values: Floats, kind: str, level: float) -> Interval | None:
    """The ceiling of the logistic or Gompertz curve through ``values``, all above 0; None where none can be told.

    By least squares; the standard error is widened for the dependence and the uneven spread of the residuals.
    """
    from scipy.special import stdtrit

    tried = (_fit(np.log(values), kind, c * values.max(), 1) for c in _CEILINGS)
    near = min(tried, key=lambda curve: curve.squares)
    time = np.arange(len(values), dtype=np.float64)
    curve = logistic if kind == "logistic" else gompertz
    fit = fit_curve(curve, time, values, (near.ceiling, -near.start, near.slope))
    if fit is None:
        return None
    value = fit.parameters[0]
    fitted, slopes = curve(np.array(fit.parameters), time)
    residuals = values - fitted
    # Noise that grows with the level is largest where the ceiling is read off: White's covariance knows.
    spread = np.linalg.pinv(slopes) * residuals * (len(values) / (len(values) - 3)) ** 0.5
    robust = float(np.sqrt(np.sum(spread[0] ** 2)))
    quantile = float(stdtrit(len(values) - 3, (1 + level) / 2))
    error = max(fit.standard_errors[0], robust) * _dependence(residuals) ** 0.5 * quantile
    if not math.isfinite(error) or error > value:
        return None
    return Interval(value - error, value, value + error, level)


def _speeds_up(steps: Floats, third: int) -> bool:
    """Whether the last third's mean step exceeds the middle third's, and all earlier ones', by two standard errors."""
    time = np.arange(len(steps), dtype=np.float64)
    trend = np.polyval(np.polyfit(time, steps, 2), time)
    variance = max(float(np.var(steps - trend)) * len(steps) / max(len(steps) - 3, 1), 1e-300)
    late, middle, before = steps[-third:], steps[third : len(steps) - third], steps[:-third]
    return all(
        late.mean() - other.mean() > _T * np.sqrt(variance * (1 / len(late) + 1 / len(other)))
        for other in (middle, before)
    )


def _fit(logs: Floats, kind: str, ceiling: float, horizon: int) -> _Curve:
    """Least squares in logs for a given ceiling: a line in the curve's own scale, weighted back to logs."""
    time = np.arange(len(logs) + horizon, dtype=np.float64)
    seen = time[: len(logs)]
    share = np.exp(logs) / ceiling
    if kind == "logistic":
        scale, weight = logs - np.log(ceiling) - np.log1p(-share), 1 - share
    elif kind == "Gompertz":
        scale, weight = -np.log(-np.log(share)), -np.log(share)
    else:
        scale, weight = logs, np.ones_like(logs)
    design = np.stack([np.ones_like(seen), seen], axis=1) * weight[:, None]
    start, slope = np.linalg.lstsq(design, scale * weight, rcond=None)[0]
    line = start + slope * time
    if kind == "logistic":
        curve = np.log(ceiling) - np.logaddexp(0.0, -line)
    elif kind == "Gompertz":
        curve = np.log(ceiling) - np.exp(np.minimum(-line, 50.0))
    else:
        curve = line
    residuals = logs - curve[: len(logs)]
    # Carried on from the last value, not from the curve: what it lies off the curve is mostly there to stay.
    ahead = np.exp(np.minimum(logs[-1] + curve[len(logs) :] - curve[len(logs) - 1], 600.0))
    return _Curve(kind, ceiling, float(start), float(slope), float(residuals @ residuals), residuals, ahead)


def _dependence(residuals: Floats) -> float:
    """How many dependent residuals stand for one: (1 + ρ)/(1 − ρ), ρ the first autocorrelation up to 0.9."""
    power = max(float(residuals @ residuals), 1e-300)
    rho = min(max(float(residuals[1:] @ residuals[:-1]) / power, 0.0), 0.9)
    return (1 + rho) / (1 - rho)
