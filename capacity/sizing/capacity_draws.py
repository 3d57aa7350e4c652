"""Draws of a measured server's capacity for one scenario at its objective.

With a measured latency curve, the capacity is the greatest throughput times the share of it at which the curve crosses
the objective, each drawn from its interval. Without one, it is the load of the highest level that surely met the
objective, times an assumed target utilisation. A target utilisation stated by the user always takes precedence.
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
    """Draws of the transactions per second of one measured server at the target utilisation."""

    tps: Floats
    utilisation: Floats
    """Target utilisation: a share of the greatest throughput (by the curve) or of the capacity at the objective."""
    inputs: tuple[Input, ...]
    bracketed: bool
    by: Literal["curve", "stated", "assumed"]
    refused: Refusal | None = None
    """Why the latency curve was not used; None if it was, or was not needed."""


def drawn_capacity(scenario: SweptScenario, policy: Policy, sample: Draws) -> DrawnCapacity | Refusal:
    """Draw the capacity of one measured server. Refuses a scenario without a capacity."""
    capacity = scenario.capacity
    if isinstance(capacity, Refusal):
        return Refusal(capacity.code, f"the capacity for {scenario.name!r}: {capacity.missing}", capacity.do)
    by_curve = _latency_target(scenario, capacity)
    if policy.target_stated or isinstance(by_curve, Refusal):
        measured, target = scenario.capacity_input(capacity), policy.target_utilisation
        utilisation = sample.of(target.name, target.value).clip(0.01, 1)
        return DrawnCapacity(
            sample.of(measured.name, measured.value) * utilisation,
            utilisation,
            (measured, target),
            capacity.bracketed,
            "stated" if policy.target_stated else "assumed",
            by_curve if isinstance(by_curve, Refusal) and not policy.target_stated else None,
        )
    curve, target_at = by_curve
    source = f"{scenario.source}: {scenario.objective}"
    greatest = Input(
        f"throughput.{scenario.name}",
        curve.greatest_tps,
        "transactions per second and server",
        Origin.MEASURED,
        f"{scenario.source}: the greatest throughput of any level",
    )
    busy = Input(
        f"utilisation.{scenario.name}",
        target_at.crossing,
        "share of the greatest throughput",
        Origin.MEASURED,
        f"{source}, from the measured latency curve"
        + ("; a lower bound, since no level missed it" if target_at.met_everywhere else ""),
    )
    both = Input(
        f"capacity.{scenario.name}",
        times(greatest.value, busy.value),
        greatest.unit,
        Origin.DERIVED,
        f"{source}: the greatest throughput times the share of it at which the objective is just met",
    )
    utilisation = sample.of(busy.name, busy.value).clip(0.01, 1)
    return DrawnCapacity(
        np.asarray(sample.of(greatest.name, greatest.value) * utilisation),
        utilisation,
        (greatest, busy, both),
        capacity.bracketed,
        "curve",
    )


def _latency_target(scenario: SweptScenario, capacity: Capacity) -> tuple[LatencyCurve, Utilisation] | Refusal:
    """The latency curve, and the target utilisation at which it crosses the objective."""
    curve = scenario.curve
    if isinstance(curve, Refusal):
        return curve
    if scenario.objective_ms is None:
        return Refusal("no_objective", "a response time objective of the sweep", "give one: --objective p95=100ms")
    target = curve.target(scenario.objective_ms)
    if isinstance(target, Refusal):
        return target
    failing = [level for level, met in capacity.met_probability.items() if met <= 0]
    if failing and target.level >= min(failing):
        missing = (
            f"an error rate within the objective at level {min(failing)}, where only the latency objective was met"
        )
        return Refusal("errors_bind", missing, "find why transactions fail, then sweep again")
    return curve, target
