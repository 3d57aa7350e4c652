"""Growth of a count over time: a forecast whose interval comes from its own back-test.

The model is *drift*: the last value, plus the mean step of the last season carried on. On cumulative growth that plain
rule beats damped exponential smoothing. The interval is conformal: quantiles of the errors that the same rule made from
earlier origins of the same history, horizon by horizon. The coverage stated beside it is that of intervals made
without the origin that they are judged by, so it can differ from the level that was asked for.

>>> import numpy as np
>>> users = np.cumsum([900, 950, 1010, 980, 1100, 1150, 1090, 1200, 1260, 1240, 1330, 1390, 1370, 1450, 1500, 1480])
>>> answer = forecast(users, horizon=6, level=0.9)
>>> assert isinstance(answer, Forecast)
>>> last = answer.forecast[-1]
>>> last.low < last.point < last.high
True
>>> forecast(users[:2], horizon=6, level=0.9).code
'too_few_points'
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.periods import Labels, break_in, cadence_of
from capacity.values import Refusal

Floats = npt.NDArray[np.float64]

SEASON = 12
"""Periods whose mean step is carried on: a year of months, so that a yearly rhythm averages out."""
ENOUGH_POINTS = 12
"""Below this a back-test has too few origins for an interval: only scenarios are honest."""
LARGEST_VALUE = 1e15
"""Above it double precision no longer tells neighbouring counts apart."""
LONGEST_HORIZON = 1200
NEIGHBOURS = 3
"""Origins on either side that are left out together with the one whose interval is judged."""
MOST_ORIGINS = 240
"""Latest origins used by the back-test, so that a very long history costs no more than it teaches."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A value at the end of a period; ``date`` is None where periods are only numbered."""

    period: int
    date: dt.date | None
    value: float


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """One period ahead. ``low`` to ``high`` is the interval of the forecast's ``level``."""

    period: int
    date: dt.date | None
    point: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast and the evidence for its interval.

    ``coverage`` is the share of later values, over ``origins`` origins in the past and all horizons, that fell inside
    the interval that the other origins would have given.
    """

    history: tuple[Observation, ...]
    forecast: tuple[ForecastPoint, ...]
    level: float
    coverage: float
    origins: int
    model: str


@dataclass(frozen=True, slots=True)
class ScenarioPoint:
    """One period ahead under one scenario: a supposition, so it has no interval."""

    period: int
    date: dt.date | None
    point: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way that a short history could go on."""

    name: str
    points: tuple[ScenarioPoint, ...]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What can be said from under twelve points: the least, mean and greatest step seen, each carried on."""

    history: tuple[Observation, ...]
    scenarios: tuple[Scenario, ...]


def forecast(
    values: Sequence[float] | npt.ArrayLike,
    horizon: int,
    level: float = 0.9,
    *,
    periods: Sequence[int] | None = None,
    dates: Sequence[dt.date] | None = None,
) -> Forecast | Scenarios | Refusal:
    """Carry a count ``horizon`` periods on, with an interval that aims to hold each value with probability ``level``.

    ``values`` are at the ends of equally spaced periods, oldest first; ``dates`` or ``periods`` label them (default
    1, 2, …). A point or low end never falls below 0. Refuses, and never raises, for data that carry no answer.
    """
    refusal = _unusable(values, horizon, level, periods, dates)
    if refusal is not None:
        return refusal
    known = np.asarray(values, dtype=np.float64)
    labels = Labels.of(periods, dates)
    history = tuple(
        Observation(labels.period(i), labels.date(i), float(value)) for i, value in enumerate(known, start=1)
    )
    ahead = range(len(known) + 1, len(known) + horizon + 1)
    try:
        labelled = [(labels.period(i), labels.date(i)) for i in ahead]
    except OverflowError:
        return Refusal("horizon", "a horizon within the calendar", "ask for fewer periods")
    if len(known) < ENOUGH_POINTS:
        return Scenarios(history, _scenarios(known, labelled))

    errors = _back_test(known, horizon)
    if np.isnan(errors).all():
        return Refusal("constant", "a history that changes before its last period", "collect a longer history")
    point = _drift_path(known, horizon)
    half_width = _half_widths(errors, horizon, level) * _step_scale(known)
    coverage, origins = _achieved_coverage(errors, level)
    return Forecast(
        history=history,
        forecast=tuple(
            ForecastPoint(period, date, max(float(p), 0.0), max(float(p - w), 0.0), max(float(p + w), 0.0))
            for (period, date), p, w in zip(labelled, point, half_width, strict=True)
        ),
        level=level,
        coverage=coverage,
        origins=origins,
        model=f"drift of the last {min(SEASON, len(known) - 1)} periods",
    )


# --- the model ----------------------------------------------------------------------------------------------------


def _drift_path(known: Floats, horizon: int) -> Floats:
    """Last value + h × mean step of the last season, h = 1 … horizon."""
    season = min(SEASON, len(known) - 1)
    step = (known[-1] - known[-1 - season]) / season
    return np.asarray(known[-1] + step * np.arange(1, horizon + 1), dtype=np.float64)


def _step_scale(known: Floats) -> float:
    """The size of a step here: the mean absolute step of the last season, or of all history where that is larger.

    Errors are compared across origins in this unit, so that exponential growth does not make early errors look small.
    """
    steps = np.abs(np.diff(known))
    return float(max(steps[-SEASON:].mean(), steps.mean()))


def _error_law(horizons: Floats) -> Floats:
    """Standard error of drift by horizon, in steps' standard deviations: √(h + h²/season) for independent steps."""
    return np.asarray(np.sqrt(horizons + horizons**2 / SEASON), dtype=np.float64)


# --- its interval -------------------------------------------------------------------------------------------------


def _back_test(known: Floats, horizon: int) -> Floats:
    """Absolute errors in units of the step scale: a row per origin, a column per horizon, NaN where not yet known."""
    first = max(min(SEASON + 1, len(known) // 2), len(known) - MOST_ORIGINS)
    errors = np.full((len(known) - first, min(horizon, len(known) - first)), np.nan)
    for row, count in enumerate(range(first, len(known))):
        scale = _step_scale(known[:count])
        actual = known[count : count + errors.shape[1]]
        if scale > 0:
            errors[row, : len(actual)] = np.abs(actual - _drift_path(known[:count], len(actual))) / scale
    return errors


def _half_widths(errors: Floats, horizon: int, level: float) -> Floats:
    """Half-widths by horizon, in units of the step scale, never narrowing.

    A horizon with enough errors has their conformal quantile. One with fewer has the quantile of all errors, each
    divided by the error law, times the law; and at least the last measured width carried on by the law.
    """
    law = _error_law(np.arange(1, horizon + 1, dtype=np.float64))
    width = _conformal_quantile((errors / law[: errors.shape[1]]).ravel(), level) * law
    enough = math.ceil(level / (1 - level))
    counts = np.sum(~np.isnan(errors), axis=0)
    measured = [column for column in range(errors.shape[1]) if counts[column] >= enough]
    for column in measured:
        width[column] = _conformal_quantile(errors[:, column], level)
    if measured:
        last = measured[-1]
        width[last + 1 :] = np.maximum(width[last + 1 :], width[last] * law[last + 1 :] / law[last])
    return np.maximum.accumulate(width)


def _conformal_quantile(errors: Floats, level: float) -> float:
    """The ⌈(n + 1) · level⌉-th smallest error; where n is too small for that, the largest, stretched in proportion."""
    ordered = np.sort(errors[~np.isnan(errors)])
    rank = math.ceil((len(ordered) + 1) * level)
    if rank <= len(ordered):
        return float(ordered[rank - 1])
    return float(ordered[-1] * (len(ordered) + 1) * level / len(ordered))


def _achieved_coverage(errors: Floats, level: float) -> tuple[float, int]:
    """Share of errors inside the interval that the other origins give, and the number of origins so judged.

    An origin is left out together with its neighbours on either side: they share most of its future, and with them in
    the coverage would come out nominal whatever the data. In simulated series this tracks what the interval then held.
    """
    inside = judged = origins = 0
    for row in range(len(errors)):
        others = errors.copy()
        others[max(row - NEIGHBOURS, 0) : row + NEIGHBOURS + 1] = np.nan
        later = errors[row][~np.isnan(errors[row])]
        if np.isnan(others).all() or not len(later):
            continue
        width = _half_widths(others, errors.shape[1], level)[: len(later)]
        inside, judged, origins = inside + int((later <= width).sum()), judged + len(later), origins + 1
    return (inside / judged if judged else 0.0), origins


# --- little data, bad data ----------------------------------------------------------------------------------------


def _scenarios(known: Floats, labelled: list[tuple[int, dt.date | None]]) -> tuple[Scenario, ...]:
    steps = np.diff(known)
    return tuple(
        Scenario(
            name,
            tuple(
                ScenarioPoint(period, date, max(float(known[-1] + step * h), 0.0))
                for h, (period, date) in enumerate(labelled, start=1)
            ),
        )
        for name, step in (("low", float(steps.min())), ("mid", float(steps.mean())), ("high", float(steps.max())))
    )


def _unusable(
    values: Sequence[float] | npt.ArrayLike,
    horizon: int,
    level: float,
    periods: Sequence[int] | None,
    dates: Sequence[dt.date] | None,
) -> Refusal | None:
    """Why there is no answer, or None."""
    try:
        known = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return Refusal("not_numbers", "numeric values", "remove text from the history")
    checks = (
        (known.ndim != 1, "not_a_series", "one value per period", "pass a one-dimensional series"),
        (not 1 <= horizon <= LONGEST_HORIZON, "horizon", f"a horizon of 1 to {LONGEST_HORIZON}", "change the horizon"),
        (not 0.5 <= level <= 0.99, "level", "a level from 0.5 to 0.99", "change the level"),
        (known.size < 3, "too_few_points", "at least 3 periods of history, 12 for an interval", "collect more periods"),
        (not np.isfinite(known).all(), "not_finite", "a number for every period", "fill or remove the missing ones"),
        (bool((known < 0).any()), "negative", "counts of 0 or more", "correct the negative values"),
        (bool((known > LARGEST_VALUE).any()), "too_large", "values below 1e15", "use a larger unit"),
        (bool((known == known[:1]).all()), "constant", "a history that changes", "collect a longer history"),
    )
    for failed, code, missing, do in checks:
        if failed:
            return Refusal(code, missing, do)
    for labels in (dates, periods):
        if labels is not None and len(labels) != len(known):
            return Refusal("labels", "one date or period for each value", "pass as many labels as values")
    if dates is not None and cadence_of(dates) is None:
        before, after = break_in(dates)
        what = f"equally spaced dates, oldest first: {before} to {after} breaks the rhythm"
        return Refusal("irregular", what, "fill the gap, or sum up by month")
    if periods is not None and (set(np.diff(periods).tolist()) != {1}):
        return Refusal("irregular", "consecutive periods, oldest first", "fill the gaps or renumber the periods")
    return None
