"""What each scenario's part of a plan rests on: which measurements decided, and which were refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capacity.demand import Demand
from capacity.values import Refusal


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
