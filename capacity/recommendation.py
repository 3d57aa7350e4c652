"""Recommendations with intervals, dates, reason and rejected alternatives; or typed refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from capacity.due import Due
from capacity.values import Input, Interval, Refusal

Kind = Literal["servers", "replicas", "pool", "partitions"]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a recommendation: from ``due`` on it is ``amount``, for the reason ``why``."""

    amount: int
    what: str
    due: Due
    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An alternative and the reason why it was not chosen, as text and as a code for programs."""

    option: str
    why: str
    code: str = ""
    """``too_small``, ``too_small_memory``, ``dearer``, ``too_early``, ``not_asked``, ``too_many``, …"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A prediction to test: ``metric`` with ``treatment`` is ``ratio`` times that with ``control``."""

    metric: str
    control: str
    treatment: str
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Check:
    """A limit of the server or the pooler, and how much of it the plan needs."""

    name: str
    needed: float
    limit: float
    holds: bool
    what: str


@dataclass(frozen=True, slots=True)
class Division:
    """Division of the pool. ``each`` is the size of one pool of one application instance."""

    total: int
    instances: int
    pools: int
    each: int
    what: str


@dataclass(frozen=True, slots=True)
class PartitionDesign:
    """Partitions of one table, as typed values that SQL is rendered from."""

    table: str
    column: str
    by_time: bool
    unit: Literal["year", "quarter", "month", "week", "day"] | None
    """Length of a range; None for hash partitions."""
    count: int
    """Number of hash partitions, or of ranges up to the horizon."""
    from_date: dt.date
    """Start of the first range. Older rows stay in the existing table, which is attached as one partition."""
    until: dt.date
    retention_months: int | None
    primary_key: tuple[str, ...]
    unpruned: tuple[str, ...]
    """Statements (``scenario.statement``) without the key: each plans and locks every partition."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommendation. ``now`` and ``at_horizon`` are in ``unit``; steps are ordered by amount."""

    kind: Kind
    subject: str
    """Subject: a table for partitions, else ``primary`` or ``reads``."""
    headline: str
    now: Interval
    at_horizon: Interval
    unit: str
    steps: tuple[Step, ...]
    reason: str
    rejected: tuple[Rejected, ...]
    prediction: Prediction | None
    inputs: tuple[Input, ...]
    checks: tuple[Check, ...] = ()
    """Limits that a pool must respect; empty for other kinds."""
    division: Division | None = None
    """Division of a pool between application instances; None for other kinds."""
    design: PartitionDesign | None = None
    """Design of partitions; None for other kinds."""
    most: int | None = None
    """Largest pool as good as the best, above which throughput falls or responses slow; None for other kinds."""


@dataclass(frozen=True, slots=True)
class RefusedRecommendation:
    """A recommendation that cannot be made, and why."""

    kind: Kind
    subject: str
    refusal: Refusal
