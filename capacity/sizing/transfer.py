"""Carrying what one server was measured to do to another of other cores, speed, disk and network.

By demand. A transaction that takes D seconds of CPU at the greatest throughput X keeps U = X·D cores busy. The part
1 − U/m of every second, in which m cores are idle, is waited for something that more cores do not shorten (locks, the
WAL, messages). So by Amdahl's law a server with s times the CPU of the measured one's c cores, s = speed × (cores ÷
c)^scaling, carries

    X′/X = 1 / (U/(c·s) + 1 − U/m),

m less than c where a load generator took some of them. By throughput alone, where no demand was measured, X′/X = s.

The objective is on response times there. Cores of speed v make CPU time 1/v times as long, and the waits w of a
transaction become w′; so its limit L is met there at the load at which (L − w′)·v + w is met here, read off the
measured latency curve.

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
"""Of a capacity carried over: none at all, without dividing by 0."""

Draw = Callable[[Input], Floats]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The measured server and the target compared by ``loadgen calibrate``. A refusal leaves the target's assumption.

    ``waits_s``: by scenario, how much longer a transaction waits on the target (:func:`change_of_waits`).
    """

    ratio: Ratio | Refusal
    waits_s: Mapping[str, Interval | Refusal] = field(default_factory=dict)

    @property
    def core_speed(self) -> Input | None:
        """Of the target over the measured server; None where the two do not tell."""
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
    """One scenario's way from the measured server to those of a target."""

    scenario: SweptScenario
    calibrated: Calibrated | None = None

    @property
    def demand(self) -> MeasuredDemand | Refusal:
        """That of the law above; refused where it does not tell what the server was short of."""
        demand, name = self.scenario.demand, self.scenario.name
        if isinstance(demand, Refusal):
            return demand
        if demand.best.cpu_s is None or demand.planned.cpu_s is None:
            return Refusal("no_cpu", f"the server's CPU under {name!r}", "sweep a server whose CPU can be seen")
        if isinstance(self.scenario.curve, Refusal):
            return self.scenario.curve
        if not self.scenario.curve.saturated:
            missing = f"throughput of {name!r} that no longer rises: what the server runs short of was not reached"
            return Refusal("not_saturated", missing, f"run `loadgen sweep {name}` with higher levels")
        return demand

    def inputs(self, target: Target) -> tuple[Input, ...]:
        """What the way hangs on, beside the target's own."""
        if target.measured:
            return ()
        demand = self.demand
        found = () if isinstance(demand, Refusal) else (cpu_input(self.scenario, demand),)
        waits = self._waits(target)
        return found if waits is None else (*found, waits)

    def refusals(self, target: Target) -> tuple[Refusal, ...]:
        """What refuses to carry by demand, and which part of a calibration could not be used."""
        if target.measured:
            return ()
        found = [self.demand] if isinstance(self.demand, Refusal) else []
        waits = self.calibrated.waits_s.get(self.scenario.name) if self.calibrated is not None else None
        if isinstance(waits, Refusal) and self._measured_waits_s > 0:
            found.append(waits)
        return tuple(found)

    def factor(self, target: Target, server: Server, measured: MeasuredServer, draw: Draw) -> Floats:
        """Draws of what ``server`` carries at the objective over what the measured one does; 0 hardly ever divides."""
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
        """The load at which the objective is met there over that at which it is met here, in shares of the greatest."""
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
        given = self._waits(target)
        if given is not None:
            there = waits + draw(given) if given.name != target.waits.name else waits * draw(given)
        left = limit_ms - np.maximum(there, 0.0)
        # Waits that take all of the time leave none to any core, however fast.
        return np.where(left > 0, left * draw(target.core_speed) + waits, 0.0)

    @property
    def _measured_waits_s(self) -> float:
        return 0.0 if isinstance(self.scenario.demand, Refusal) else self.scenario.demand.waits_s

    def _waits(self, target: Target) -> Input | None:
        """The calibrated change of waits in milliseconds; else the assumed ratio, where there are waits to change."""
        if isinstance(self.scenario.curve, Refusal) or self.scenario.objective_ms is None:
            return None
        change = self.calibrated.waits_s.get(self.scenario.name) if self.calibrated is not None else None
        if isinstance(change, Interval):
            return Input(
                f"waits.{self.scenario.name}",
                change.scaled(1000),
                "milliseconds that a transaction waits longer on the target for commits and messages",
                Origin.MEASURED,
                "round trips and commits timed on both servers",
            )
        return target.waits if self._measured_waits_s > 0 else None


def cpu_input(scenario: SweptScenario, demand: MeasuredDemand) -> Input:
    """CPU of one transaction at the load that is planned for."""
    assert demand.planned.cpu_s is not None
    name, unit = f"cpu_s.{scenario.name}", "CPU seconds a transaction"
    return Input(name, demand.planned.cpu_s, unit, Origin.MEASURED, scenario.source)
