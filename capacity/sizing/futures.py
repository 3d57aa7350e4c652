"""Futures: what the load would ask of servers on every date, drawn from everything that is not known for certain.

Load is in units of what one measured server carries at the objective, and scenarios add up: load = Σ tpsᵢ/capacityᵢ.
An assumption, since each was swept alone, none mixed. Of a scenario's load, a part r/(r + w(1 − r)) reads, r its share
of reading transactions, w what a writing one costs over a reading one: by their CPU demands, where runs told them.
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
    """One scenario's part of the load, in measured servers; a row per date, a column per draw."""

    carry: Carry
    reads: Floats
    writes: Floats
    replay: Floats
    """What a replica's replay of it takes."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, in servers of one kind; a row per date, a column per draw."""

    reads: Floats
    writes: Floats
    replay: Floats
    """On every replica."""
    replay_cores: Floats
    """Cores that one process would need for that; 0 as far as the CPU of it is not known."""

    @property
    def whole(self) -> Floats:
        """Replication aside."""
        return np.asarray(self.reads + self.writes, dtype=np.float64)

    @property
    def replay_cost(self) -> Floats:
        """Of replaying a write over executing it."""
        return np.asarray(self.replay / np.maximum(self.writes, TINY), dtype=np.float64)

    def at(self, row: int) -> Work:
        """On one date alone."""
        return Work(self.reads[row], self.writes[row], self.replay[row], self.replay_cores[row])


@dataclass(frozen=True, slots=True)
class Futures:
    """Draws: a row per date for loads and bytes, one row for the rest."""

    dates: tuple[dt.date, ...]
    months: Floats
    tps: Floats
    loads: tuple[ScenarioLoad, ...]
    reads: Floats
    """Of all scenarios, in measured servers at the utilisation that is planned for."""
    writes: Floats
    fresh: Floats
    """Share of the reads that only the primary may answer."""
    replay: Floats
    """What every replica's replay takes, in the same unit."""
    replay_cores: Floats
    """Cores of the measured server that its one process needs; 0 as far as the CPU of it is not known."""
    storage_bytes: Floats | None
    """Of all tables; None where no sizes were measured."""
    working_set_bytes: Floats | None
    inputs: tuple[Input, ...]
    bracketed: bool
    """False where a capacity is only "at least"."""
    sample: Draws
    bases: tuple[Basis, ...] = ()

    @property
    def need(self) -> Floats:
        """Measured servers that the whole load would fill, replication aside."""
        return np.asarray(self.reads + self.writes, dtype=np.float64)

    def on(self, target: Target, server: Server, measured: MeasuredServer) -> Work:
        """In servers of another kind: each scenario has a way of its own there."""
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

    def draw(self, given: Input) -> Floats:
        """Draws of an input, the same wherever it is used."""
        return self.sample.of(given.name, given.value)


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
    """Refuses a scenario of the mix without a capacity. ``peak`` must have been drawn with the same ``sample``.

    ``target``: what the load is to be carried to, for the list of what the way hangs on; None: the measured server.
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
        drawn = drawn_capacity(scenario, policy, sample)
        if isinstance(drawn, Refusal):
            return drawn
        carry = Carry(scenario, calibrated)
        reading, split = _read_work(scenario, workload, policy, sample)
        measured_reading, _ = _read_work(scenario, None, policy, sample)
        replay = replay_of(scenario, 1 - reading, 1 - measured_reading, policy, sample)
        inputs += [*drawn.inputs, *split, *replay.inputs, *(carry.inputs(target) if target is not None else ())]
        bracketed = bracketed and drawn.bracketed
        load = peak.tps * share / drawn.tps
        loads.append(ScenarioLoad(carry, load * reading, load * (1 - reading), load * replay.share))
        replay_cores = replay_cores + peak.tps * share * replay.cpu_s
        bases.append(_basis(carry, drawn, target))
    stored = None
    if tables is not None and tables.users > 0 and tables.tables:
        stored = np.sum(list(bytes_by_date(tables, peak, retention_months).values()), axis=0)

    def draw(given: Input) -> Floats:
        return sample.of(given.name, given.value)

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
        inputs=tuple({given.name: given for given in inputs}.values()),
        bracketed=bracketed,
        sample=sample,
        bases=tuple(bases),
    )


def _read_work(
    scenario: SweptScenario, workload: Workload | None, policy: Policy, sample: Draws
) -> tuple[Floats, tuple[Input, ...]]:
    """Draws of the share of the scenario's work that reads, and what it hangs on beside the workload.

    Without a workload: of the mix that was swept.
    """
    stated = None if workload is None else workload.read_shares.get(scenario.name)
    r = np.full(1, scenario.read_share) if stated is None else sample.of(stated.name, stated.value).clip(0, 1)
    cost = policy.write_cost
    if isinstance(scenario.write_cost, Interval):
        source = f"{scenario.source}: CPU demand of its transactions, in runs that told them apart"
        cost = Input(f"write_cost.{scenario.name}", scenario.write_cost, cost.unit, Origin.MEASURED, source)
    reading = r / (r + sample.of(cost.name, cost.value) * (1 - r))
    return np.asarray(reading), (cost,) if ((r > 0) & (r < 1)).any() else ()


def _basis(carry: Carry, drawn: DrawnCapacity, target: Target | None) -> Basis:
    scenario = carry.scenario
    told = [
        drawn.refused,
        scenario.write_cost,
        *(carry.refusals(target) if target is not None else ()),
    ]
    same = target is None or target.measured
    return Basis(
        scenario=scenario.name,
        target=drawn.by,
        carried="measured" if same else "throughput" if isinstance(carry.demand, Refusal) else "demand",
        demand=None if isinstance(scenario.demand, Refusal) else scenario.demand.planned,
        refused=tuple({r.missing: r for r in told if isinstance(r, Refusal)}.values()),
        replay_refused=scenario.replay_s if isinstance(scenario.replay_s, Refusal) else None,
    )
