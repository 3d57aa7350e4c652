"""Futures: draws of the load on every date, from the intervals of all uncertain inputs.

Load is in units of one measured server's capacity at the objective, and scenarios add up: load = Σ tpsᵢ/capacityᵢ. That
they do is an assumption, since each was swept alone. The share r/(r + w(1 − r)) of a scenario's load is reads, where r
is its share of reading transactions and w the cost of a writing transaction over a reading one, from their measured CPU
demands where available.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.measurements import MeasuredServer, MeasuredTables, SweptScenario
from capacity.sizing.capacity_draws import DrawnCapacity, drawn_capacity
from capacity.sizing.policy import Policy
from capacity.sizing.replay_load import replay_of
from capacity.sizing.results import Basis
from capacity.sizing.transfer import Calibrated, Carry
from capacity.tables import bytes_by_date
from capacity.targets import Server, Target
from capacity.uncertainty import TINY, Draws
from capacity.values import Input, Interval, Origin, Refusal
from capacity.workload import PeakLoad, Workload


@dataclass(frozen=True, slots=True)
class ScenarioLoad:
    """Load of one scenario in measured servers; a row per date, a column per draw."""

    carry: Carry
    reads: Floats
    writes: Floats
    replay: Floats
    """Load of its replay on each replica."""


@dataclass(frozen=True, slots=True)
class Work:
    """Total load in servers of one kind; a row per date, a column per draw."""

    reads: Floats
    writes: Floats
    replay: Floats
    """Load of replay on each replica."""
    replay_cores: Floats
    """Cores that the one process of replay needs; 0 where its CPU is unknown."""

    @property
    def whole(self) -> Floats:
        """Reads and writes, without replay."""
        return np.asarray(self.reads + self.writes, dtype=np.float64)

    @property
    def replay_cost(self) -> Floats:
        """Cost of replaying a write over that of executing it."""
        return np.asarray(self.replay / np.maximum(self.writes, TINY), dtype=np.float64)

    def at(self, row: int) -> Work:
        """Return the load on one date."""
        return Work(self.reads[row], self.writes[row], self.replay[row], self.replay_cores[row])


@dataclass(frozen=True, slots=True)
class Futures:
    """Draws of everything that sizing needs; a row per date for loads and bytes, a single row for the rest."""

    dates: tuple[dt.date, ...]
    months: Floats
    tps: Floats
    loads: tuple[ScenarioLoad, ...]
    reads: Floats
    """Reads of all scenarios, in measured servers at the target utilisation."""
    writes: Floats
    fresh: Floats
    """Share of the reads that only the primary may answer."""
    replay: Floats
    """Load of replay on each replica, in the same unit."""
    replay_cores: Floats
    """Cores of the measured server that the one process of replay needs; 0 where its CPU is unknown."""
    storage_bytes: Floats | None
    """Bytes of all tables; None where no sizes were measured."""
    working_set_bytes: Floats | None
    inputs: tuple[Input, ...]
    bracketed: bool
    """False where a capacity is only a lower bound."""
    sample: Draws
    bases: tuple[Basis, ...] = ()

    @property
    def need(self) -> Floats:
        """Load in measured servers, without replay."""
        return np.asarray(self.reads + self.writes, dtype=np.float64)

    def on(self, target: Target, server: Server, measured: MeasuredServer) -> Work:
        """Return the load in servers of another kind; each scenario is transferred by its own factor."""
        if target.measured:
            return Work(self.reads, self.writes, self.replay, self.replay_cores)
        reads, writes, replay = (np.zeros_like(self.reads) for _ in range(3))
        for load in self.loads:
            factor = load.carry.factor(target, server, measured, self.draw)
            reads, writes, replay = (
                reads + load.reads / factor,
                writes + load.writes / factor,
                replay + load.replay / factor,
            )
        return Work(reads, writes, replay, self.replay_cores / self.draw(target.core_speed))

    def draw(self, quantity: Input) -> Floats:
        """Return the draws of an input, the same wherever it is used."""
        return self.sample.of(quantity.name, quantity.value)


def simulate(
    scenarios: Sequence[SweptScenario],
    peak: PeakLoad,
    workload: Workload,
    policy: Policy,
    tables: MeasuredTables | None = None,
    retention_months: float | None = None,
    sample: Draws = Draws(),  # noqa: B008  # frozen
    target: Target | None = None,
    calibrated: Calibrated | None = None,
) -> Futures | Refusal:
    """Draw the futures. Refuses a scenario of the mix without a capacity.

    ``peak`` must have been drawn with the same ``sample``. The inputs of the transfer to ``target`` are listed; None is
    the measured server.
    """
    swept = {s.name: s for s in scenarios}
    loads: list[ScenarioLoad] = []
    inputs: list[Input] = [*workload.inputs, *policy.always]
    bases: list[Basis] = []
    bracketed = True
    none = np.zeros_like(peak.tps)
    replay_cores = none
    for name, share in workload.shares(sample).items():
        if not share.any():
            continue
        if (scenario := swept.get(name)) is None:
            return Refusal("scenario_not_swept", f"the capacity for {name!r}", f"run `loadgen sweep {name}`")
        capacity = drawn_capacity(scenario, policy, sample)
        if isinstance(capacity, Refusal):
            return capacity
        carry = Carry(scenario, calibrated)
        reading, split = _read_work(scenario, workload, policy, sample)
        measured_reading, _ = _read_work(scenario, None, policy, sample)
        replay = replay_of(scenario, 1 - reading, 1 - measured_reading, policy, sample)
        inputs += [*capacity.inputs, *split, *replay.inputs, *(carry.inputs(target) if target is not None else ())]
        bracketed = bracketed and capacity.bracketed
        load = peak.tps * share / capacity.tps
        loads.append(ScenarioLoad(carry, load * reading, load * (1 - reading), load * replay.share))
        replay_cores = replay_cores + peak.tps * share * replay.cpu_s
        bases.append(_basis(carry, capacity, target))
    stored = None
    if tables is not None and tables.users > 0 and tables.tables:
        stored = np.sum(list(bytes_by_date(tables, peak, retention_months).values()), axis=0)

    def draw(quantity: Input) -> Floats:
        return sample.of(quantity.name, quantity.value)

    touched = draw(policy.working_set_share).clip(0, 1)
    return Futures(
        dates=peak.dates,
        months=peak.months,
        tps=peak.tps,
        loads=tuple(loads),
        reads=sum((load.reads for load in loads), none),
        writes=sum((load.writes for load in loads), none),
        fresh=draw(policy.fresh_read_share).clip(0, 1),
        replay=sum((load.replay for load in loads), none),
        replay_cores=replay_cores,
        storage_bytes=stored,
        working_set_bytes=None if stored is None else stored * touched,
        inputs=tuple({item.name: item for item in inputs}.values()),
        bracketed=bracketed,
        sample=sample,
        bases=tuple(bases),
    )


def _read_work(
    scenario: SweptScenario, workload: Workload | None, policy: Policy, sample: Draws
) -> tuple[Floats, tuple[Input, ...]]:
    """Draws of the share of the scenario's work that reads, and the inputs used beside the workload's.

    Without a workload, the mix is the one that was swept.
    """
    stated = None if workload is None else workload.read_shares.get(scenario.name)
    r = np.full(1, scenario.read_share) if stated is None else sample.of(stated.name, stated.value).clip(0, 1)
    cost = policy.write_cost
    if isinstance(scenario.write_cost, Interval):
        source = f"{scenario.source}: CPU demand of its transactions, in runs with different mixes"
        cost = Input(f"write_cost.{scenario.name}", scenario.write_cost, cost.unit, Origin.MEASURED, source)
    reading = r / (r + sample.of(cost.name, cost.value) * (1 - r))
    return np.asarray(reading), (cost,) if ((r > 0) & (r < 1)).any() else ()


def _basis(carry: Carry, capacity: DrawnCapacity, target: Target | None) -> Basis:
    scenario = carry.scenario
    candidates = [
        capacity.refused,
        scenario.write_cost,
        *(carry.refusals(target) if target is not None else ()),
    ]
    same = target is None or target.measured
    return Basis(
        scenario=scenario.name,
        target=capacity.by,
        carried="measured" if same else "throughput" if isinstance(carry.demand, Refusal) else "demand",
        demand=None if isinstance(scenario.demand, Refusal) else scenario.demand.planned,
        refused=tuple({r.missing: r for r in candidates if isinstance(r, Refusal)}.values()),
        replay_refused=scenario.replay_s if isinstance(scenario.replay_s, Refusal) else None,
    )
