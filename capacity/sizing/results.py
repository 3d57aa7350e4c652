"""What a sizing says: stages with dates and costs, what each scenario's part rests on, and which input matters most."""

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
class Basis:
    """Of one scenario."""

    scenario: str
    target: Literal["curve", "stated", "assumed"]
    """Where the utilisation to plan for comes from: the measured latency curve, the workload file, or an assumption."""
    carried: Literal["measured", "demand", "throughput"]
    """How its capacity gets to the plan's servers. ``measured``: they are the very one that was swept; ``demand``: by
    measured CPU seconds; ``throughput``: by cores alone."""
    demand: Demand | None
    """Of one transaction on the server that was swept, at the level that is planned for."""
    refused: tuple[Refusal, ...] = ()
    """What the measurements did not tell, so that something weaker stands in its place."""
    replay_refused: Refusal | None = None
    """The same of its replay, which matters only where there are replicas."""


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
