"""Results of sizing: stages with dates and costs, the basis of each scenario's capacity, and sensitivities."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from capacity.demand import Demand
from capacity.due import Due
from capacity.recommendation import Rejected
from capacity.values import Input, Interval, Origin, Refusal


@dataclass(frozen=True, slots=True)
class Stage:
    """A configuration, needed from the date after ``from_date``, the last on which the one before suffices."""

    from_date: dt.date
    until: dt.date
    server: str
    replicas: int
    probability: float
    """Lowest probability of meeting the objective on any of its dates."""
    due: Due
    """Due date, when the configuration before stops meeting the objective; for the first stage, the plan's start."""
    cost_per_month: Interval
    why: str
    carries_tps: Interval | None = None
    """Transactions per second of the plan's mix at the objective; None without load."""
    cores: float | None = None
    """Cores of each server, or compute units where the target has those. None, here and below, if unknown."""
    ram_bytes: float | None = None
    max_connections: int | None = None
    price_per_month: Interval | None = None
    """Price of one server without storage; None where servers have no price."""


@dataclass(frozen=True, slots=True)
class DatedConfiguration:
    """Configuration in place on one date, and its probability of meeting the objective then."""

    date: dt.date
    server: str
    replicas: int
    probability: float


@dataclass(frozen=True, slots=True)
class Sizing:
    """The cheapest servers that meet the objective with the required probability on every date.

    ``wanted`` is that probability. ``met`` is False when no configuration of the target reaches it; the stages are then
    the likeliest to meet the objective. ``probability`` is the lowest on any date, ``throughout`` that of meeting the
    objective on all dates.
    """

    target: str
    as_of: str
    """Date of the target's limits and prices; empty where it has none."""
    source: str
    wanted: float
    met: bool
    probability: float
    throughout: float
    stages: tuple[Stage, ...]
    by_date: tuple[DatedConfiguration, ...]
    cost: Interval
    """Cost of all stages up to the horizon."""
    cost_unit: str
    """Currency, or ``server-months`` where servers have no price."""
    need: Interval
    """Peak load at the horizon, in measured servers at their objective."""
    rejected: tuple[Rejected, ...]
    inputs: tuple[Input, ...]
    usable_ram: float | None = None
    """Share of a server's memory that the working set may fill."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Basis of one scenario's capacity: measured, stated or assumed."""

    scenario: str
    target: Literal["curve", "stated", "assumed"]
    """Source of the target utilisation: the measured latency curve, the workload file, or an assumption."""
    carried: Literal["measured", "demand", "throughput"]
    """Transfer of the capacity to the plan's servers: none (``measured``: they are the swept server), by measured CPU
    seconds (``demand``), or by cores alone (``throughput``)."""
    demand: Demand | None
    """Service demand of one transaction on the swept server at the planned level; None if not measured."""
    refused: tuple[Refusal, ...] = ()
    """Refusals for which a weaker basis was used."""
    replay_refused: Refusal | None = None
    """Why replay cost was not measured; it matters only where there are replicas."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Share of the result's uncertainty that one input causes."""

    name: str
    share: float
    """Share of the variance of the logarithm of the load at the horizon that this input alone causes."""
    if_known: Interval
    """Load at the horizon, in servers of the last stage, with this input fixed at its median."""
    origin: Origin
    measure: str
    """Advice on measuring the input more precisely."""
    alone: Interval | None = None
    """Load at the horizon over this input's own interval, with all others fixed at their medians."""
    raises: bool = True
    """True if a larger input means more load."""
