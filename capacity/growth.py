"""Growth of a count over time: a forecast whose interval comes from its own back-test."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


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
    """A forecast and the evidence for its interval: ``coverage`` achieved in the back-test over ``origins`` origins."""

    history: tuple[Observation, ...]
    forecast: tuple[ForecastPoint, ...]
    level: float
    coverage: float
    origins: int
    model: str
