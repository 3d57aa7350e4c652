"""Ceilings of growth: whether the data identify one, and scenarios where it decides the answer but is unknown.

Before its inflection a logistic or Gompertz curve cannot be distinguished from one with a ceiling several times as
high, or from exponential growth. Where that decides the answer, the answer is a set of scenarios. It decides when

- steps grow until the end of the history (t test of the mean of its last third against earlier ones), and
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
"""Least rise of log values over the history: below it (a factor of 1.5) curvature says nothing about a ceiling."""
_MATERIAL = 1.25
_DESCRIBES = 0.9
"""Least R² of the curves, in logs."""
_CHI2_90 = 2.706
_CEILINGS = np.geomspace(1.03, 300, 120)
"""Ceilings tried, in multiples of the largest value."""


@dataclass(frozen=True, slots=True)
class OpenCeiling:
    """Three equally possible paths: the lowest ceiling that fits, steps as today, and unlimited growth."""

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
    """Return scenarios if the ceiling decides the answer and is not identified; else None."""
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
        why=f"growth still accelerates ({100 * np.expm1(rate):.2g}% per period), so its ceiling is unknown",
    )


def identified_ceiling(values: Floats, kind: str, level: float) -> Interval | None:
    """Return the ceiling of the logistic or Gompertz curve through ``values``, all above 0; None if not identified.

    The fit is by least squares; its standard error allows for dependence and unequal variance of the residuals.
    """
    from scipy.special import stdtrit

    candidates = (_fit(np.log(values), kind, c * values.max(), 1) for c in _CEILINGS)
    best = min(candidates, key=lambda curve: curve.squares)
    time = np.arange(len(values), dtype=np.float64)
    curve = logistic if kind == "logistic" else gompertz
    fit = fit_curve(curve, time, values, (best.ceiling, -best.start, best.slope))
    if fit is None:
        return None
    value = fit.parameters[0]
    fitted, slopes = curve(np.array(fit.parameters), time)
    residuals = values - fitted
    # White's covariance: noise that grows with the level is largest near the ceiling.
    spread = np.linalg.pinv(slopes) * residuals * (len(values) / (len(values) - 3)) ** 0.5
    robust = float(np.sqrt(np.sum(spread[0] ** 2)))
    quantile = float(stdtrit(len(values) - 3, (1 + level) / 2))
    error = max(fit.standard_errors[0], robust) * _dependence(residuals) ** 0.5 * quantile
    if not math.isfinite(error) or error > value:
        return None
    return Interval(value - error, value, value + error, level)


def _speeds_up(steps: Floats, third: int) -> bool:
    """True if the last third's mean step exceeds the middle third's, and all earlier ones, by two standard errors."""
    time = np.arange(len(steps), dtype=np.float64)
    trend = np.polyval(np.polyfit(time, steps, 2), time)
    variance = max(float(np.var(steps - trend)) * len(steps) / max(len(steps) - 3, 1), 1e-300)
    late, middle, before = steps[-third:], steps[third : len(steps) - third], steps[:-third]
    return all(
        late.mean() - other.mean() > _T * np.sqrt(variance * (1 / len(late) + 1 / len(other)))
        for other in (middle, before)
    )


def _fit(logs: Floats, kind: str, ceiling: float, horizon: int) -> _Curve:
    """Least squares in logs for a given ceiling, as a weighted line on the curve's own scale."""
    time = np.arange(len(logs) + horizon, dtype=np.float64)
    past = time[: len(logs)]
    share = np.exp(logs) / ceiling
    if kind == "logistic":
        scale, weight = logs - np.log(ceiling) - np.log1p(-share), 1 - share
    elif kind == "Gompertz":
        scale, weight = -np.log(-np.log(share)), -np.log(share)
    else:
        scale, weight = logs, np.ones_like(logs)
    design = np.stack([np.ones_like(past), past], axis=1) * weight[:, None]
    start, slope = np.linalg.lstsq(design, scale * weight, rcond=None)[0]
    line = start + slope * time
    if kind == "logistic":
        curve = np.log(ceiling) - np.logaddexp(0.0, -line)
    elif kind == "Gompertz":
        curve = np.log(ceiling) - np.exp(np.minimum(-line, 50.0))
    else:
        curve = line
    residuals = logs - curve[: len(logs)]
    # The forecast starts at the last value, not on the curve, since deviations mostly persist.
    ahead = np.exp(np.minimum(logs[-1] + curve[len(logs) :] - curve[len(logs) - 1], 600.0))
    return _Curve(kind, ceiling, float(start), float(slope), float(residuals @ residuals), residuals, ahead)


def _dependence(residuals: Floats) -> float:
    """Number of dependent residuals worth one: (1 + ρ)/(1 − ρ), where ρ is the first autocorrelation up to 0.9."""
    power = max(float(residuals @ residuals), 1e-300)
    rho = min(max(float(residuals[1:] @ residuals[:-1]) / power, 0.0), 0.9)
    return (1 + rho) / (1 - rho)
