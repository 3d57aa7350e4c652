"""What a forecast says: points with intervals, scenarios, and what was noticed on the way."""

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
    """Something in the history that is no growth, named so that somebody can say what it was.

    An outlier is one value off its neighbours by ``amount``; a level shift is a step of ``amount`` that stayed.
    """

    kind: Literal["outlier", "level_shift"]
    period: int
    date: dt.date | None
    amount: float


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What was done to the rows to make a regular series of them, and how often."""

    kind: Literal["sorted", "duplicate", "interpolated", "resampled", "shortened"]
    count: int
    what: str


@dataclass(frozen=True, slots=True)
class ModelWeight:
    """A model's part in the mixture, by how it did in the back-test."""

    model: str
    weight: float


@dataclass(frozen=True, slots=True)
class Season:
    """A pattern that repeats every ``length`` periods; ``multiplicative``: it grows with the level."""

    length: int
    multiplicative: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast and the evidence for its interval.

    ``coverage`` is the share of later values, over ``origins`` origins in the past and all horizons, that fell inside
    the intervals that would have been given there from what was known then; an origin counts by how much of today's
    history it had. ``coverage_range`` is its 90 % interval: origins closer than the horizon share their future, so few
    histories hold more than a handful of independent ones. Horizons past ``tested_horizon`` could not be tested on a
    history of this length; their intervals go on by the law that the tested ones follow.
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
    """Where a sigmoid leads the mixture: where it ends, season aside."""
    coverage_range: Interval | None = None
    """None where it is not known, as in a record from before it was stated."""

    @property
    def claims_too_much(self) -> bool:
        """Whether the back-test shows, and not by chance, that intervals hold less often than their level."""
        return self.coverage_range is not None and self.coverage_range.high < self.level


@dataclass(frozen=True, slots=True)
class ScenarioPoint:
    """One period ahead under one scenario: a supposition, so it has no interval."""

    period: int
    date: dt.date | None
    point: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way that a history could go on."""

    name: str
    points: tuple[ScenarioPoint, ...]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What can be said where an interval would be a pretence; ``why`` it would be."""

    history: tuple[Observation, ...]
    scenarios: tuple[Scenario, ...]
    code: Literal["short_history", "ceiling_not_identified"] = "short_history"
    why: str = ""
    adjustments: tuple[Adjustment, ...] = ()
