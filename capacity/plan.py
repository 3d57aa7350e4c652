"""What a plan says: recommendations with interval, date, reason and rejected alternatives, or typed refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from capacity.growth import Forecast
from capacity.storage import TableGrowth
from capacity.values import Interval, Origin, Refusal

Kind = Literal["replicas", "pool", "partitions"]


@dataclass(frozen=True, slots=True)
class Input:
    """A number that went into the plan, where it comes from, and whether it was measured."""

    name: str
    value: Interval
    unit: str
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class Due:
    """When a threshold is crossed: by the fast, the central and the slow edge of the forecast. None: not within it."""

    earliest: dt.date | None
    expected: dt.date | None
    latest: dt.date | None


@dataclass(frozen=True, slots=True)
class Step:
    """From ``due`` on the recommendation is ``amount``, because ``why``."""

    amount: int
    what: str
    due: Due
    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An alternative, and why it was not chosen."""

    option: str
    why: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What can be tested: with ``treatment`` built, ``metric`` is ``ratio`` times what it is under ``control``."""

    metric: str
    control: str
    treatment: str
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One piece of advice. ``now`` and ``at_horizon`` are in ``unit``; steps are ordered by amount."""

    kind: Kind
    subject: str
    """What it is about: a table for partitions, ``primary`` or ``reads`` otherwise."""
    headline: str
    now: Interval
    at_horizon: Interval
    unit: str
    steps: tuple[Step, ...]
    reason: str
    rejected: tuple[Rejected, ...]
    prediction: Prediction | None
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class RefusedRecommendation:
    """Advice that cannot be given yet."""

    kind: Kind
    subject: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything recommended up to the horizon. ``demand_tps`` is the peak, from ``start`` by date of the forecast."""

    start: dt.date
    horizon: dt.date
    users: Forecast
    demand_tps: tuple[tuple[dt.date, Interval], ...]
    recommendations: tuple[Recommendation, ...]
    refused: tuple[RefusedRecommendation, ...]
    inputs: tuple[Input, ...]
    storage: tuple[TableGrowth, ...] = ()
    """Largest at the horizon first; empty when the measured database had no users to divide by."""
