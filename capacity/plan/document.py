"""What a plan says: recommendations or refusals, sizing, sensitivity, alert rules, and what the load needs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from capacity.growth import Forecast
from capacity.recommendation import Recommendation, RefusedRecommendation
from capacity.sizing import Basis, Sensitivity, Sizing
from capacity.tables import TableGrowth
from capacity.values import Input, Interval, Origin, Refusal


class Metric(StrEnum):
    """Figures that PostgreSQL exposes, and that triggers are set on."""

    TRANSACTIONS = "transactions a second"
    ACTIVE = "active connections"
    CONNECTIONS = "share of usable connections"
    READS = "share of block requests that miss the buffers"
    REPLAY_LAG = "seconds of replication lag"
    TABLE_BYTES = "bytes of a table"
    DATABASE_BYTES = "bytes of the database"
    WAL = "bytes of WAL a second"


@dataclass(frozen=True, slots=True)
class Trigger:
    """When ``metric`` has stood above ``threshold`` for ``for_s`` seconds, the step in ``then`` is due."""

    name: str
    metric: Metric
    subject: str
    """A table; empty where the metric needs none."""
    threshold: float
    for_s: int
    severity: Literal["plan", "act"]
    """``plan``: order the step; ``act``: the objective is at stake."""
    why: str
    then: str


@dataclass(frozen=True, slots=True)
class Resource:
    """What the load needs of something other than computing."""

    name: str
    unit: str
    now: Interval
    at_horizon: Interval
    why: str
    origin: Origin


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
    sizing: Sizing | None = None
    """None where a capacity is missing: see ``refused``."""
    sensitivity: tuple[Sensitivity, ...] = ()
    """The input that matters most first."""
    triggers: tuple[Trigger, ...] = ()
    resources: tuple[Resource, ...] = ()
    bases: tuple[Basis, ...] = ()
    """Of each scenario, what decided of its part; empty where a capacity is missing."""
    calibration_refused: Refusal | None = None
    """Why the calibrations given do not tell the target's CPU speed, which stays an assumption."""
    notes: tuple[str, ...] = ()
    """What-ifs that this plan was made under, and whatever else its reader must know."""
