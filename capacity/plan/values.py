"""What a plan says: recommendations with interval, date, reason and rejected alternatives, or typed refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from capacity.growth import Forecast
from capacity.plan.basis import Basis
from capacity.storage import TableGrowth
from capacity.values import Interval, Origin, Refusal

Kind = Literal["servers", "replicas", "pool", "partitions"]


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
    """The dates by which 10, 50 and 90 % of the simulated futures have crossed a threshold. None: beyond the plan."""

    earliest: dt.date | None
    expected: dt.date | None
    latest: dt.date | None
    planned: dt.date | None = None
    """When a plan has the step in place, so that the objective is met as surely as wanted: before most futures need it.
    None: nothing is planned by date."""


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


@dataclass(frozen=True, slots=True)
class Stage:
    """One configuration. It has to be there by ``from_date``, the last on which the one before still does."""

    from_date: dt.date
    until: dt.date
    server: str
    replicas: int
    probability: float
    """Of meeting the objective, the least on any of its dates."""
    due: Due
    """When the configuration before no longer meets it; of the first stage, the start."""
    cost_per_month: Interval
    why: str
    carries_tps: Interval | None = None
    """Of the plan's mix at the objective; None where there is no load."""
    cores: float | None = None
    """Of each server; compute units where the target counts in them. None, here and below: not known."""
    ram_bytes: float | None = None
    max_connections: int | None = None
    price_per_month: Interval | None = None
    """Of one server, without storage; None where servers have no price."""


@dataclass(frozen=True, slots=True)
class DatedConfiguration:
    """What the plan has on one date, and the probability that it meets the objective there."""

    date: dt.date
    server: str
    replicas: int
    probability: float


@dataclass(frozen=True, slots=True)
class Sizing:
    """The cheapest servers that meet the objective with the probability wanted on every date.

    ``met`` is False when no configuration of the target does so; the stages are then the likeliest. ``probability`` is
    the least on any date, ``throughout`` that of meeting it on all dates.
    """

    target: str
    as_of: str
    """Of the target's limits and prices; empty where it has none."""
    source: str
    wanted: float
    met: bool
    probability: float
    throughout: float
    stages: tuple[Stage, ...]
    by_date: tuple[DatedConfiguration, ...]
    cost: Interval
    """Of all stages up to the horizon."""
    cost_unit: str
    """``USD``; ``server-months`` where servers have no price."""
    need: Interval
    """Of the peak load at the horizon, in measured servers at their objective."""
    rejected: tuple[Rejected, ...]
    inputs: tuple[Input, ...]
    usable_ram: float | None = None
    """The share of a server's memory that the working set may fill."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much one input's uncertainty makes of the answer's."""

    name: str
    share: float
    """Of the variance of the logarithm of the load at the horizon, by this input alone."""
    if_known: Interval
    """The load at the horizon, in servers of the last stage, were this input known to be what is in its middle."""
    origin: Origin
    measure: str
    """How to know it better."""
    alone: Interval | None = None
    """The load at the horizon over this input's own range, all others in their middle."""
    raises: bool = True
    """Whether more of the input is more load."""


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
