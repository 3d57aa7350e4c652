"""What one measured server carries of a scenario while the objective is met, as draws.

By the measured latency curve: the greatest throughput, times the share of it at which the curve crosses the objective,
each drawn from its interval. Where the sweep does not tell, by levels: the load of the greatest level that surely met
the objective, times a target utilisation that is an assumption. Whoever states a target of his own gets that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from capacity.arrays import Floats
from capacity.demand.calibration import times
from capacity.latency import LatencyCurve
from capacity.latency import Target as Utilisation
from capacity.measurements import SweptScenario
from capacity.scalability import Capacity
from capacity.sizing.policy import Policy
from capacity.uncertainty import Draws
from capacity.values import Input, Origin, Refusal


@dataclass(frozen=True, slots=True)
class DrawnCapacity:
    """Transactions a second of one measured server at the utilisation that is planned for."""

    tps: Floats
    utilisation: Floats
    """Share of the greatest throughput (by the curve), or of the capacity at the objective."""
    inputs: tuple[Input, ...]
    bracketed: bool
    by: Literal["curve", "stated", "assumed"]
    refused: Refusal | None = None
    """Why not by the curve."""


def drawn_capacity(scenario: SweptScenario, policy: Policy, sample: Draws) -> DrawnCapacity | Refusal:
    """Refuses a scenario without a capacity."""
    capacity = scenario.capacity
    if isinstance(capacity, Refusal):
        return Refusal(capacity.code, f"the capacity for {scenario.name!r}: {capacity.missing}", capacity.do)
    told = _told(scenario, capacity)
    if policy.target_stated or isinstance(told, Refusal):
        measured, target = scenario.capacity_input(capacity), policy.target_utilisation
        utilisation = sample.of(target.name, target.value).clip(0.01, 1)
        return DrawnCapacity(
            sample.of(measured.name, measured.value) * utilisation,
            utilisation,
            (measured, target),
            capacity.bracketed,
            "stated" if policy.target_stated else "assumed",
            told if isinstance(told, Refusal) and not policy.target_stated else None,
        )
    curve, target_at = told
    source = f"{scenario.source}: {scenario.objective}"
    greatest = Input(
        f"throughput.{scenario.name}",
        curve.greatest_tps,
        "transactions a second per server",
        Origin.MEASURED,
        f"{scenario.source}: the greatest of any level",
    )
    busy = Input(
        f"utilisation.{scenario.name}",
        target_at.crossing,
        "share of the greatest throughput",
        Origin.MEASURED,
        f"{source}, read off the measured latency curve"
        + (", at least: no level missed it" if target_at.met_everywhere else ""),
    )
    both = Input(
        f"capacity.{scenario.name}",
        times(greatest.value, busy.value),
        greatest.unit,
        Origin.DERIVED,
        f"{source}: the greatest throughput times the share of it at which the objective is met",
    )
    utilisation = sample.of(busy.name, busy.value).clip(0.01, 1)
    return DrawnCapacity(
        np.asarray(sample.of(greatest.name, greatest.value) * utilisation),
        utilisation,
        (greatest, busy, both),
        capacity.bracketed,
        "curve",
    )


def _told(scenario: SweptScenario, capacity: Capacity) -> tuple[LatencyCurve, Utilisation] | Refusal:
    """The curve and how busy the server may be by it."""
    curve = scenario.curve
    if isinstance(curve, Refusal):
        return curve
    if scenario.objective_ms is None:
        return Refusal("no_objective", "the objective of the sweep", "give one: --objective p95=100ms")
    found = curve.target(scenario.objective_ms)
    if isinstance(found, Refusal):
        return found
    failing = [level for level, met in capacity.met_probability.items() if met <= 0]
    if failing and found.level >= min(failing):
        missing = f"failed transactions within the objective at level {min(failing)}: only its latency was met there"
        return Refusal("errors_bind", missing, "find why transactions fail, then sweep again")
    return curve, found
