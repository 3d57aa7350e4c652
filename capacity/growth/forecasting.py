"""Forecast of a count from the rows of its history; scenarios or a refusal where there is no forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from capacity.arrays import Floats
from capacity.formatting import share
from capacity.growth import models
from capacity.growth.ceiling import identified_ceiling, open_ceiling
from capacity.growth.history import Duplicates, Regular, regular
from capacity.growth.intervals import ENOUGH_POINTS, Intervals, intervals
from capacity.growth.mixture import BackTest, back_test
from capacity.growth.periods import Labels
from capacity.growth.results import (
    Finding,
    Forecast,
    ForecastPoint,
    ModelWeight,
    Observation,
    Scenario,
    ScenarioPoint,
    Scenarios,
    Season,
)
from capacity.growth.season import LEAST_F, LEAST_F_UNDECLARED, UNDECLARED
from capacity.values import LEVEL, Refusal

_Label = tuple[int, dt.date | None]

LARGEST_VALUE = 1e15
"""Largest value: above it neighbouring counts are equal in double precision."""
LONGEST_HORIZON = 1200
LARGEST_PERIOD = 10**15
"""Largest absolute number of a period, so that differences fit into 64 bits."""
_DIGITS = 12
"""Decimal places of values over the largest, so that a rescaled history gives the same forecast."""
_NAMED_WEIGHT = 0.05
"""Least weight of a model that the answer lists."""


def forecast(
    values: Sequence[float] | npt.ArrayLike,
    horizon: int,
    level: float = LEVEL,
    *,
    periods: Sequence[int] | None = None,
    dates: Sequence[dt.date] | None = None,
    season: int | None = None,
    duplicates: Duplicates = "last",
) -> Forecast | Scenarios | Refusal:
    """Forecast a count for ``horizon`` periods, with intervals that aim to hold each value with probability ``level``.

    ``values`` are at the ends of periods; ``dates`` or ``periods`` label them (default 1, 2, …), in any order; gaps and
    duplicates follow the rules of :mod:`capacity.growth.history`; NaN is a missing value. ``season`` is the length of a
    possible season (default: by the dates; 12, 4 or 7 for numbered periods; 1 means none). Neither a point nor a low
    end is below 0. Refuses, and never raises, where the data give no answer.
    """
    rows: Regular | Refusal | None = _unusable(values, horizon, level, periods, dates)
    if rows is None:
        rows = regular(np.asarray(values, dtype=np.float64), periods, dates, duplicates)
    if isinstance(rows, Regular):
        rows = _uninformative(rows) or rows
    if isinstance(rows, Refusal):
        return rows
    labels, count = rows.labels, len(rows.values)
    try:
        ahead = [(labels.period(i), labels.date(i)) for i in range(count + 1, count + horizon + 1)]
        history = tuple(
            Observation(labels.period(i), labels.date(i), float(v)) for i, v in enumerate(rows.values, start=1)
        )
    except OverflowError:
        return Refusal("horizon", "a horizon within the calendar", "ask for fewer periods")
    if count < ENOUGH_POINTS:
        why = f"{count} periods of history are too few for an interval ({ENOUGH_POINTS} are needed)"
        return Scenarios(history, _short(rows.values, ahead), "short_history", why, rows.adjustments)
    return _tested(rows, history, ahead, level, season)


def _tested(
    rows: Regular, history: tuple[Observation, ...], ahead: list[_Label], level: float, season: int | None
) -> Forecast | Scenarios:
    """Back-tested forecast of at least twelve periods that differ, or scenarios if its ceiling is unknown."""
    unit = float(rows.values.max())
    lengths: tuple[int, ...] = UNDECLARED
    if season is not None:
        lengths = (season,)
    elif rows.labels.cadence is not None:
        lengths = (rows.labels.cadence.season or 1,)
    least_f = LEAST_F_UNDECLARED if lengths is UNDECLARED else LEAST_F
    test = back_test(np.round(rows.values / unit, _DIGITS), len(ahead), lengths, least_f)
    still_open = open_ceiling(test.season_removed, len(ahead))
    if still_open is None:
        return _forecast(rows, history, ahead, test, intervals(test, len(ahead), level), unit, level)
    paths = {"ceiling": still_open.low, "linear": still_open.middle, "compounding": still_open.high}
    scenarios = tuple(_scenario(name, _with_season(test, path) * unit, ahead) for name, path in paths.items())
    return Scenarios(history, scenarios, "ceiling_not_identified", still_open.why, rows.adjustments)


def _forecast(
    rows: Regular,
    history: tuple[Observation, ...],
    ahead: list[_Label],
    test: BackTest,
    spread: Intervals,
    unit: float,
    level: float,
) -> Forecast:
    low = np.maximum(test.point - spread.half_width, 0.0)
    # Where 0 cuts the low end off, the interval still never narrows.
    high = low + np.maximum.accumulate(test.point + spread.half_width - low)
    named = sorted(zip(test.weights.tolist(), models.PRIOR, strict=True), reverse=True)
    weights = tuple(ModelWeight(model, weight) for weight, model in named if weight >= _NAMED_WEIGHT)
    leads = weights[0].model
    ceiling = identified_ceiling(test.season_removed, leads, level) if leads in models.PASSED else None
    season = Season(test.pattern.length, test.pattern.multiplicative) if test.pattern else None
    return Forecast(
        history=history,
        forecast=tuple(
            ForecastPoint(period, date, float(p), float(lo), float(hi))
            for (period, date), p, lo, hi in zip(ahead, test.point * unit, low * unit, high * unit, strict=True)
        ),
        level=level,
        coverage=spread.coverage.value,
        coverage_range=spread.coverage,
        origins=spread.origins,
        model=_name(weights, season),
        weights=weights,
        season=season,
        findings=_findings(test, rows.labels, unit),
        adjustments=rows.adjustments,
        tested_horizon=spread.tested_horizon,
        ceiling=ceiling.scaled(unit) if ceiling else None,
    )


def _name(weights: tuple[ModelWeight, ...], season: Season | None) -> str:
    """``mixture of damped smoothing 61 %, drift 30 %; season of 12 periods, multiplicative``."""
    parts = ", ".join(f"{w.model} {share(w.weight, 2)}" for w in weights)
    text = weights[0].model if len(weights) == 1 else f"mixture of {parts}"
    if season is None:
        return text
    return f"{text}; season of {season.length} periods, {'multiplicative' if season.multiplicative else 'additive'}"


def _findings(test: BackTest, labels: Labels, unit: float) -> tuple[Finding, ...]:
    breaks = [
        *(("outlier", at, amount) for at, amount in test.breaks.outliers),
        *(("level_shift", at, amount) for at, amount in test.breaks.shifts),
    ]
    return tuple(
        Finding("outlier" if kind == "outlier" else "level_shift", labels.period(at + 1), labels.date(at + 1), a * unit)
        for kind, at, a in sorted(breaks, key=lambda f: f[1])
    )


def _with_season(test: BackTest, path: Floats) -> Floats:
    return test.pattern.restored(path, len(test.season_removed)) if test.pattern else path


def _scenario(name: str, path: Floats, ahead: list[_Label]) -> Scenario:
    return Scenario(
        name,
        tuple(ScenarioPoint(period, date, max(float(p), 0.0)) for (period, date), p in zip(ahead, path, strict=True)),
    )


def _short(known: Floats, ahead: list[_Label]) -> tuple[Scenario, ...]:
    """Scenarios that continue the least, mean and greatest step of the history."""
    steps = np.diff(known)
    far = np.arange(1, len(ahead) + 1)
    sizes = {"low": steps.min(), "mid": steps.mean(), "high": steps.max()}
    return tuple(_scenario(name, known[-1] + step * far, ahead) for name, step in sizes.items())


def _uninformative(rows: Regular) -> Refusal | None:
    if len(rows.values) < 3:
        return Refusal("too_few_points", "at least 3 periods of history, 12 for an interval", "collect more periods")
    if (rows.values[:-1] == rows.values[0]).all():
        return Refusal("constant", "a history that changes before its last period", "collect a longer history")
    return None


def _unusable(
    values: Sequence[float] | npt.ArrayLike,
    horizon: int,
    level: float,
    periods: Sequence[int] | None,
    dates: Sequence[dt.date] | None,
) -> Refusal | None:
    """Refusal for impossible arguments, or None."""
    try:
        known = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return Refusal("not_numbers", "numeric values", "remove text from the history")
    if np.asarray(horizon).dtype.kind not in "iu":
        return Refusal("horizon", "a whole number of periods as the horizon", "change the horizon")
    checks = (
        (known.ndim != 1, "not_a_series", "one value per period", "pass a one-dimensional series"),
        (not 1 <= horizon <= LONGEST_HORIZON, "horizon", f"a horizon of 1 to {LONGEST_HORIZON}", "change the horizon"),
        (not 0.5 <= level <= 0.99, "level", "a level from 0.5 to 0.99", "change the level"),
        (known.size < 3, "too_few_points", "at least 3 periods of history, 12 for an interval", "collect more periods"),
        (bool(np.isinf(known).any()), "not_finite", "finite numbers", "correct the infinite ones"),
        (bool((known < 0).any()), "negative", "counts of 0 or more", "correct the negative values"),
        (bool((known > LARGEST_VALUE).any()), "too_large", "values below 1e15", "use a larger unit"),
    )
    for failed, code, missing, do in checks:
        if failed:
            return Refusal(code, missing, do)
    for labels in (dates, periods):
        if labels is not None and len(labels) != len(known):
            return Refusal("labels", "one date or period for each value", "pass as many labels as values")
    if periods is not None and not _numbered(periods):
        missing = f"periods that are whole numbers up to {LARGEST_PERIOD:.0e}"
        return Refusal("labels", missing, "number periods from 1")
    return None


def _numbered(periods: Sequence[int]) -> bool:
    numbers = np.asarray(periods)
    return numbers.dtype.kind in "iu" and bool((np.abs(numbers.astype(np.float64)) <= LARGEST_PERIOD).all())
