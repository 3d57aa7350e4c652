"""The candidate growth models, each for all origins of a back-test at once.

A row per origin holds the values known there; every model gives a row of forecasts, 1 to ``horizon`` periods ahead.
Curves (linear, exponential, logistic, Gompertz) are fitted by least squares to all known values; the last residual
decays in the forecast with the autocorrelation of the residuals.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from capacity.growth.smoothing import damped

PRIOR: Final = {
    "naive": 1.0,
    "drift": 1.0,
    "last-season drift": 3.0,
    "linear": 0.5,
    "exponential": 0.5,
    "logistic": 0.5,
    "Gompertz": 0.5,
    "damped smoothing": 6.0,
}
"""Prior weights: smoothing and drift are best most often on the tuning part of the benchmark's series."""
YEAR: Final = 12
"""Steps whose mean is last season's drift, if there is no season."""
FEWEST: Final = 8
"""Least number of values at an origin."""
PASSED: Final = {"logistic": 0.55, "Gompertz": 0.42}
"""Share of the ceiling above which the inflection (at 1/2 or 1/e) has safely passed."""
_FARTHEST = 4.0
"""Limit of an exponential forecast: e⁴ times the last value, beyond which it would only overflow."""


def paths(starts: Floats, ends: Ints, horizon: int, season: int | None) -> tuple[Floats, Bools]:
    """Forecast by origin, model (in the order of PRIOR) and horizon; also whether a model applies, by origin and model.

    A sigmoid applies only after its inflection, before which its ceiling is not identified. Where a model does not
    apply, the forecast is that of damped smoothing.
    """
    known = np.arange(starts.shape[1])[None] < ends[:, None]
    rows = np.arange(len(ends))
    last = starts[rows, ends - 1]
    ahead = np.arange(1.0, horizon + 1)[None]
    span = np.minimum(season if season and season >= 4 else YEAR, ends - 1)
    smooth = damped(starts, ends, horizon)
    forecasts = {
        "naive": np.repeat(last[:, None], horizon, axis=1),
        "drift": last[:, None] + ((last - starts[:, 0]) / (ends - 1))[:, None] * ahead,
        "last-season drift": last[:, None] + ((last - starts[rows, ends - 1 - span]) / span)[:, None] * ahead,
        "linear": _line(starts, known, ends, horizon),
        "damped smoothing": smooth,
    }
    if np.where(known, starts, 1.0).min() > 0:
        logs = np.log(np.where(known, starts, 1.0))
        farthest = np.log(last)[:, None] + _FARTHEST
        forecasts["exponential"] = np.exp(np.minimum(_line(logs, known, ends, horizon), farthest))
        forecasts["logistic"] = _sigmoid(starts, known, ends, horizon, gompertz=False)
        forecasts["Gompertz"] = _sigmoid(starts, known, ends, horizon, gompertz=True)
    missing = np.full((len(ends), horizon), np.nan)
    stacked = np.stack([forecasts.get(name, missing) for name in PRIOR], axis=1)
    applies = ~np.isnan(stacked[:, :, 0])
    return np.where(applies[:, :, None], stacked, smooth[:, None, :]), applies


def _line(starts: Floats, known: Bools, ends: Ints, horizon: int) -> Floats:
    time = np.arange(starts.shape[1], dtype=np.float64)[None]
    count = ends[:, None].astype(np.float64)
    mean_time = (count - 1) / 2
    mean = np.sum(starts * known, axis=1, keepdims=True) / count
    centred = (time - mean_time) * known
    slope = np.sum(centred * (starts - mean), axis=1, keepdims=True) / np.sum(centred**2, axis=1, keepdims=True)
    fitted = mean + slope * (time - mean_time)
    ahead = count - 1 + np.arange(1, horizon + 1)[None]
    return np.asarray(mean + slope * (ahead - mean_time) + _fading(starts - fitted, known, ends, horizon))


def _sigmoid(starts: Floats, known: Bools, ends: Ints, horizon: int, *, gompertz: bool) -> Floats:
    """Forecast of the best curve of a grid of speeds and inflections; its ceiling follows by linear least squares.

    It is NaN before the inflection.
    """
    length = starts.shape[1]
    time = np.arange(length + horizon, dtype=np.float64)
    speed, middle = (
        axis.ravel()[:, None]
        for axis in np.meshgrid(np.geomspace(2, 25, 24) / length, np.linspace(-0.5, 1.5, 41) * length, indexing="ij")
    )
    exponent = np.clip(-speed * (time[None] - middle), -30, 30)
    shape = np.exp(-np.exp(exponent)) if gompertz else 1 / (1 + np.exp(exponent))
    fitted_shape = shape[:, :length]
    values = starts * known
    cross = values @ fitted_shape.T
    # The floor excludes curves that have not risen yet, which would fit with any ceiling.
    power = np.maximum(known.astype(np.float64) @ (fitted_shape**2).T, 1e-9)
    best = np.argmax(cross**2 / power, axis=1)
    ceiling = cross[np.arange(len(ends)), best] / power[np.arange(len(ends)), best]
    fitted = ceiling[:, None] * shape[best]
    ahead = ends[:, None] - 1 + np.arange(1, horizon + 1)[None]
    residuals = starts - fitted[:, :length]
    curve = np.take_along_axis(fitted, ahead, axis=1) + _fading(residuals, known, ends, horizon)
    passed = shape[best, ends - 1] > PASSED["Gompertz" if gompertz else "logistic"]
    return np.where(passed[:, None], curve, np.nan)


def _fading(residuals: Floats, known: Bools, ends: Ints, horizon: int) -> Floats:
    """Last residual times ρʰ, where ρ is the first autocorrelation, corrected for the bias 2/n of short series."""
    inside = residuals * known
    power = np.maximum(np.sum(inside**2, axis=1), 1e-300)
    rho = np.clip(np.sum(inside[:, 1:] * inside[:, :-1], axis=1) / power + 2 / ends, 0, 0.99)
    last = residuals[np.arange(len(ends)), ends - 1]
    return np.asarray(last[:, None] * rho[:, None] ** np.arange(1, horizon + 1)[None])
