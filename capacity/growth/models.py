"""The candidate models, each for all origins of a back-test at once.

A row per origin holds what was known at it; every model gives a row of forecasts, 1 to ``horizon`` periods ahead.
Curves (linear, exponential, logistic, Gompertz) are fitted by least squares to all that is known, and what the last
value lies off them fades with the autocorrelation of their residuals.
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
"""Weights before any evidence: on the tuning part of the benchmark's series smoothing and drift are best most often."""
YEAR: Final = 12
"""Steps whose mean is last season's drift, where no season is known."""
FEWEST: Final = 8
"""Values that an origin needs."""
PASSED: Final = {"logistic": 0.55, "Gompertz": 0.42}
"""Share of the ceiling by which the inflection (1/2 and 1/e) is safely behind."""
_FARTHEST = 4.0
"""Exponential growth is carried on to at most e⁴ times the last value; farther is overflow, not a forecast."""


def paths(starts: Floats, ends: Ints, horizon: int, season: int | None) -> tuple[Floats, Bools]:
    """Forecasts by origin, model (in the order of PRIOR) and horizon; and whether there was one, by origin and model.

    A model that does not apply to these values has none anywhere; a sigmoid only once its inflection is passed, before
    which it has no ceiling that data tell. Where there is none the forecast is that of damped smoothing.
    """
    known = np.arange(starts.shape[1])[None] < ends[:, None]
    rows = np.arange(len(ends))
    last = starts[rows, ends - 1]
    ahead = np.arange(1.0, horizon + 1)[None]
    span = np.minimum(season if season and season >= 4 else YEAR, ends - 1)
    smooth = damped(starts, ends, horizon)
    made = {
        "naive": np.repeat(last[:, None], horizon, axis=1),
        "drift": last[:, None] + ((last - starts[:, 0]) / (ends - 1))[:, None] * ahead,
        "last-season drift": last[:, None] + ((last - starts[rows, ends - 1 - span]) / span)[:, None] * ahead,
        "linear": _line(starts, known, ends, horizon),
        "damped smoothing": smooth,
    }
    if np.where(known, starts, 1.0).min() > 0:
        logs = np.log(np.where(known, starts, 1.0))
        farthest = np.log(last)[:, None] + _FARTHEST
        made["exponential"] = np.exp(np.minimum(_line(logs, known, ends, horizon), farthest))
        made["logistic"] = _sigmoid(starts, known, ends, horizon, gompertz=False)
        made["Gompertz"] = _sigmoid(starts, known, ends, horizon, gompertz=True)
    nothing = np.full((len(ends), horizon), np.nan)
    stacked = np.stack([made.get(name, nothing) for name in PRIOR], axis=1)
    spoke = ~np.isnan(stacked[:, :, 0])
    return np.where(spoke[:, :, None], stacked, smooth[:, None, :]), spoke


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
    """The best curve of a grid of speeds and inflections; its ceiling is linear, so least squares has it at once.

    NaN before its inflection.
    """
    length = starts.shape[1]
    time = np.arange(length + horizon, dtype=np.float64)
    speed, middle = (
        axis.ravel()[:, None]
        for axis in np.meshgrid(np.geomspace(2, 25, 24) / length, np.linspace(-0.5, 1.5, 41) * length, indexing="ij")
    )
    exponent = np.clip(-speed * (time[None] - middle), -30, 30)
    shape = np.exp(-np.exp(exponent)) if gompertz else 1 / (1 + np.exp(exponent))
    seen = shape[:, :length]
    values = starts * known
    cross = values @ seen.T
    # A curve that has not risen yet would have any ceiling: the floor takes it out of the running.
    power = np.maximum(known.astype(np.float64) @ (seen**2).T, 1e-9)
    best = np.argmax(cross**2 / power, axis=1)
    ceiling = cross[np.arange(len(ends)), best] / power[np.arange(len(ends)), best]
    fitted = ceiling[:, None] * shape[best]
    ahead = ends[:, None] - 1 + np.arange(1, horizon + 1)[None]
    residuals = starts - fitted[:, :length]
    curve = np.take_along_axis(fitted, ahead, axis=1) + _fading(residuals, known, ends, horizon)
    passed = shape[best, ends - 1] > PASSED["Gompertz" if gompertz else "logistic"]
    return np.where(passed[:, None], curve, np.nan)


def _fading(residuals: Floats, known: Bools, ends: Ints, horizon: int) -> Floats:
    """The last residual times ρʰ, with ρ the first autocorrelation, corrected for the bias 2/n of short series."""
    inside = residuals * known
    power = np.maximum(np.sum(inside**2, axis=1), 1e-300)
    rho = np.clip(np.sum(inside[:, 1:] * inside[:, :-1], axis=1) / power + 2 / ends, 0, 0.99)
    last = residuals[np.arange(len(ends)), ends - 1]
    return np.asarray(last[:, None] * rho[:, None] ** np.arange(1, horizon + 1)[None])
