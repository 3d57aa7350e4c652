"""Transfer of a measured capacity to a server with other cores, core speed, disk and network.

By demand: a transaction that needs D seconds of CPU at the greatest throughput X keeps U = X·D cores busy. The share
1 − U/m of the time for which m cores are idle is spent on waits that more cores do not shorten (locks, WAL, network).
So by Amdahl's law a server with s times the CPU of the measured server's c cores, s = speed × (cores ÷ c)^scaling,
carries

    X′/X = 1 / (U/(c·s) + 1 − U/m),

where m is less than c if a load generator used some of the cores. Where no demand was measured, X′/X = s.

The objective limits response times on the target. With cores of speed v CPU time is 1/v times as long, and the waits w
of a transaction become w′; so a limit L is met on the target at the load at which (L − w′)·v + w is met on the measured
server, by its latency curve.

Source: utilisation law, P. J. Denning and J. P. Buzen, ACM Computing Surveys 10, 1978; G. M. Amdahl, AFIPS 1967.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from capacity.arrays import Floats
from capacity.demand import Ratio
from capacity.latency import LatencyCurve
from capacity.measurements import MeasuredDemand, MeasuredServer, SweptScenario
from capacity.targets import Server, Target
from capacity.values import Input, Interval, Origin, Refusal

SMALLEST = 1e-9
"""Least factor of a transfer: no capacity at all, without division by 0."""

Draw = Callable[[Input], Floats]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Comparison of target and measured server by ``loadgen calibrate``. A refusal leaves the target's assumption.

    ``waits_s`` holds, by scenario, how much longer a transaction waits on the target (:func:`change_of_waits`).
    """

    ratio: Ratio | Refusal
    waits_s: Mapping[str, Interval | Refusal] = field(default_factory=dict)

    @property
    def core_speed(self) -> Input | None:
        """Core speed of the target over that of the measured server; None if it does not follow from calibration."""
        if isinstance(self.ratio, Refusal) or self.ratio.origin is not Origin.MEASURED:
            return None
        slow = self.ratio.value
        return Input(
            "core_speed",
            Interval(1 / slow.high, 1 / slow.value, 1 / slow.low, slow.level),
            "speed of a core of the target over one of the measured server",
            Origin.MEASURED,
            self.ratio.source,
        )


@dataclass(frozen=True, slots=True)
class Carry:
    """Transfer of one scenario's capacity from the measured server to those of a target."""

    scenario: SweptScenario
    calibrated: Calibrated | None = None

    @property
    def demand(self) -> MeasuredDemand | Refusal:
        """Measured demand for the law above; refused unless it shows which resource limits the throughput."""
        demand, name = self.scenario.demand, self.scenario.name
        if isinstance(demand, Refusal):
            return demand
        if demand.best.cpu_s is None or demand.planned.cpu_s is None:
            return Refusal("no_cpu", f"the server's CPU use under {name!r}", "sweep a server whose CPU can be measured")
        if isinstance(self.scenario.curve, Refusal):
            return self.scenario.curve
        if not self.scenario.curve.saturated:
            missing = f"saturation of the server by {name!r}: throughput still rises at the highest level"
            return Refusal("not_saturated", missing, f"run `loadgen sweep {name}` with higher levels")
        return demand

    def inputs(self, target: Target) -> tuple[Input, ...]:
        """Return the inputs of the transfer, beside the target's own."""
        if target.measured:
            return ()
        demand = self.demand
        by_cpu = () if isinstance(demand, Refusal) else (cpu_input(self.scenario, demand),)
        waits = self._waits(target)
        return by_cpu if waits is None else (*by_cpu, waits)

    def refusals(self, target: Target) -> tuple[Refusal, ...]:
        """Return the refusals of the transfer by demand, and of the parts of a calibration. Refuses nothing itself."""
        if target.measured:
            return ()
        refusals = [self.demand] if isinstance(self.demand, Refusal) else []
        waits = self.calibrated.waits_s.get(self.scenario.name) if self.calibrated is not None else None
        if isinstance(waits, Refusal) and self._measured_waits_s > 0:
            refusals.append(waits)
        return tuple(refusals)

    def factor(self, target: Target, server: Server, measured: MeasuredServer, draw: Draw) -> Floats:
        """Draw the capacity of ``server`` at the objective over that of the measured server; always above 0."""
        speed = target.speed(server, measured, draw)
        if target.measured or server.cores is None or measured.cores is None:
            return speed
        demand = self.demand
        if isinstance(demand, MeasuredDemand) and demand.best.cpu_s is not None:
            each = draw(Input(f"cpu_s.{self.scenario.name}", demand.best.cpu_s, "", Origin.MEASURED, ""))
            busy = each.clip(0, demand.left_cores / demand.best_tps) * demand.best_tps
            speed = 1 / np.maximum(busy / (measured.cores * speed) + 1 - busy / demand.left_cores, SMALLEST)
        return np.maximum(speed * self._at_objective(target, draw), SMALLEST)

    def _at_objective(self, target: Target, draw: Draw) -> Floats:
        """Load that meets the objective on the target over that on the measured server, as shares of the greatest."""
        curve, limit_ms = self.scenario.curve, self.scenario.objective_ms
        if not isinstance(curve, LatencyCurve) or limit_ms is None or not curve.saturated:
            return np.ones(1)
        here = float(curve.share_at(np.array([limit_ms]))[0])
        if here <= 0:
            return np.ones(1)
        return curve.share_at(self._limit_here_ms(target, limit_ms, draw)) / here

    def _limit_here_ms(self, target: Target, limit_ms: float, draw: Draw) -> Floats:
        waits = 1000 * self._measured_waits_s
        there: Floats = np.full(1, waits)
        change = self._waits(target)
        if change is not None:
            there = waits + draw(change) if change.name != target.waits.name else waits * draw(change)
        left = limit_ms - np.maximum(there, 0.0)
        # Waits that take all of the time leave none to any core, however fast.
        return np.where(left > 0, left * draw(target.core_speed) + waits, 0.0)

    @property
    def _measured_waits_s(self) -> float:
        return 0.0 if isinstance(self.scenario.demand, Refusal) else self.scenario.demand.waits_s

    def _waits(self, target: Target) -> Input | None:
        """Calibrated change of waits in ms, else the assumed ratio; None where a transaction does not wait."""
        if isinstance(self.scenario.curve, Refusal) or self.scenario.objective_ms is None:
            return None
        change = self.calibrated.waits_s.get(self.scenario.name) if self.calibrated is not None else None
        if isinstance(change, Interval):
            return Input(
                f"waits.{self.scenario.name}",
                change.scaled(1000),
                "milliseconds that a transaction waits longer on the target for commits and round trips",
                Origin.MEASURED,
                "round trips and commits timed on both servers",
            )
        return target.waits if self._measured_waits_s > 0 else None


def cpu_input(scenario: SweptScenario, demand: MeasuredDemand) -> Input:
    """Return the CPU time of one transaction at the planned load, as an input."""
    assert demand.planned.cpu_s is not None
    name, unit = f"cpu_s.{scenario.name}", "CPU seconds per transaction"
    return Input(name, demand.planned.cpu_s, unit, Origin.MEASURED, scenario.source)
