"""Recommendations with interval, date, reason and rejected alternatives; or typed refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from capacity.due import Due
from capacity.values import Input, Interval, Refusal

Kind = Literal["servers", "replicas", "pool", "partitions"]


@dataclass(frozen=True, slots=True)
class Step:
    """From ``due`` on the recommendation is ``amount``, because ``why``."""

    amount: int
    what: str
    due: Due
    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """An alternative, and why it was not chosen: in words, and as a code for programs."""

    option: str
    why: str
    code: str = ""
    """``too_small``, ``too_small_memory``, ``dearer``, ``too_early``, ``not_asked``, ``too_many``, …"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What can be tested: with ``treatment`` built, ``metric`` is ``ratio`` times what it is under ``control``."""

    metric: str
    control: str
    treatment: str
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Check:
    """A limit of the server or the pooler, and what the plan asks of it."""

    name: str
    needed: float
    limit: float
    holds: bool
    what: str


@dataclass(frozen=True, slots=True)
class Division:
    """How the pool is shared out. ``each``: connections of one pool of one application instance."""

    total: int
    instances: int
    pools: int
    each: int
    what: str


@dataclass(frozen=True, slots=True)
class PartitionDesign:
    """One table's partitions, as typed values that SQL is rendered from."""

    table: str
    column: str
    by_time: bool
    unit: Literal["year", "quarter", "month", "week", "day"] | None
    """Of one range; None for hash."""
    count: int
    """Of hash partitions; of ranges those up to the horizon."""
    from_date: dt.date
    """No range begins before it: what is older stays in the table as it is, attached whole."""
    until: dt.date
    retention_months: int | None
    primary_key: tuple[str, ...]
    unpruned: tuple[str, ...]
    """Statements, as ``scenario.statement``, that use the table without the key: each plans and locks every part."""


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
    checks: tuple[Check, ...] = ()
    """Of a pool."""
    division: Division | None = None
    """Of a pool."""
    design: PartitionDesign | None = None
    """Of partitions."""
    most: int | None = None
    """Of a pool: the largest that is as good as the best; one that is larger is a fault."""


@dataclass(frozen=True, slots=True)
class RefusedRecommendation:
    """Advice that cannot be given yet."""

    kind: Kind
    subject: str
    refusal: Refusal
