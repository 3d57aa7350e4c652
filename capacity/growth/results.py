"""Results of a forecast: points with intervals, scenarios, findings and adjustments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from capacity.values import Interval


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
class Finding:
    """A break in the history that is not growth, reported so that its reader can explain it.

    An outlier is a value that differs from its neighbours by ``amount``; a level shift is a lasting step of ``amount``.
    """

    kind: Literal["outlier", "level_shift"]
    period: int
    date: dt.date | None
    amount: float


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change that made the rows a regular series, and its number of occurrences."""

    kind: Literal["sorted", "duplicate", "interpolated", "resampled", "shortened"]
    count: int
    what: str


@dataclass(frozen=True, slots=True)
class ModelWeight:
    """Weight of a model in the mixture, by its errors in the back-test."""

    model: str
    weight: float


@dataclass(frozen=True, slots=True)
class Season:
    """A pattern that repeats every ``length`` periods; a ``multiplicative`` one grows with the level."""

    length: int
    multiplicative: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast and the evidence for its interval.

    ``coverage`` is the share of later values, over ``origins`` past origins and all horizons, that fell inside the
    intervals from the data known there; an origin's weight grows with its share of today's history. ``coverage_range``
    is its 90 % interval: origins closer than the horizon share part of their future, so few histories hold more than a
    handful of independent ones. Horizons beyond ``tested_horizon`` could not be tested on a history of this length;
    their intervals follow the law of the tested ones.
    """

    history: tuple[Observation, ...]
    forecast: tuple[ForecastPoint, ...]
    level: float
    coverage: float
    origins: int
    model: str
    weights: tuple[ModelWeight, ...] = ()
    season: Season | None = None
    findings: tuple[Finding, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    tested_horizon: int | None = None
    ceiling: Interval | None = None
    """Ceiling of growth, season aside, if a sigmoid leads the mixture; else None."""
    coverage_range: Interval | None = None
    """90 % interval of the coverage; None in records of older versions."""

    @property
    def claims_too_much(self) -> bool:
        """True if the back-test shows, beyond chance, that the intervals' coverage is below their level."""
        return self.coverage_range is not None and self.coverage_range.high < self.level


@dataclass(frozen=True, slots=True)
class ScenarioPoint:
    """One period ahead in a scenario; it has no interval, since it is a supposition."""

    period: int
    date: dt.date | None
    point: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A possible continuation of the history."""

    name: str
    points: tuple[ScenarioPoint, ...]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Scenarios in place of a forecast, where no honest interval exists, and the reason ``why``."""

    history: tuple[Observation, ...]
    scenarios: tuple[Scenario, ...]
    code: Literal["short_history", "ceiling_not_identified"] = "short_history"
    why: str = ""
    adjustments: tuple[Adjustment, ...] = ()
