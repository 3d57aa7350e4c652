"""The plan document: recommendations or refusals, sizing, sensitivity, alert rules and resources."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from capacity.formatting import number, seconds, share, size
from capacity.growth import Forecast
from capacity.recommendation import Recommendation, RefusedRecommendation
from capacity.sizing import Basis, Sensitivity, Sizing
from capacity.tables import TableGrowth
from capacity.values import Input, Interval, Origin, Refusal


class Metric(StrEnum):
    """Metrics of PostgreSQL that alert rules are set on."""

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
    """An alert rule: once ``metric`` has exceeded ``threshold`` for ``for_s`` seconds, do ``then``."""

    name: str
    metric: Metric
    subject: str
    """Name of the table; empty where the metric is not about a table."""
    threshold: float
    for_s: int
    severity: Literal["plan", "act"]
    """Severity: ``plan`` to order the next step, ``act`` if the objective is at risk."""
    why: str
    then: str

    @property
    def threshold_text(self) -> str:
        """The threshold with its unit."""
        match self.metric:
            case Metric.CONNECTIONS | Metric.READS:
                return share(self.threshold)
            case Metric.TABLE_BYTES | Metric.DATABASE_BYTES:
                return size(self.threshold)
            case Metric.WAL:
                return f"{size(self.threshold)}/s"
            case Metric.TRANSACTIONS:
                return f"{number(self.threshold)}/s"
            case Metric.REPLAY_LAG:
                return seconds(self.threshold)
            case Metric.ACTIVE:
                return number(self.threshold)


@dataclass(frozen=True, slots=True)
class Resource:
    """Need of the load for a resource, now and at the horizon."""

    name: str
    unit: str
    now: Interval
    at_horizon: Interval
    why: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Plan:
    """All recommendations up to the horizon. ``demand_tps`` is the peak load by date of the forecast."""

    start: dt.date
    horizon: dt.date
    users: Forecast
    demand_tps: tuple[tuple[dt.date, Interval], ...]
    recommendations: tuple[Recommendation, ...]
    refused: tuple[RefusedRecommendation, ...]
    inputs: tuple[Input, ...]
    storage: tuple[TableGrowth, ...] = ()
    """Growth of the tables, largest at the horizon first; empty if the measured database had no users."""
    sizing: Sizing | None = None
    """Servers by date; None where a capacity is missing (see ``refused``)."""
    sensitivity: tuple[Sensitivity, ...] = ()
    """Sensitivity to the inputs, largest first."""
    triggers: tuple[Trigger, ...] = ()
    resources: tuple[Resource, ...] = ()
    bases: tuple[Basis, ...] = ()
    """Basis of each scenario's capacity; empty where a capacity is missing."""
    calibration_refused: Refusal | None = None
    """Why the target's CPU speed does not follow from the calibrations and stays an assumption; else None."""
    notes: tuple[str, ...] = ()
    """What-ifs that the plan was made for, and anything else that its reader must know."""
