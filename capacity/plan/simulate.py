"""Futures: what the load would ask of servers on every date, drawn from everything that is not known for certain.

Load is in units of what one measured server carries at the objective, and scenarios add up: load = Σ tpsᵢ/capacityᵢ.
An assumption, since each was swept alone, none mixed. Of a scenario's load, a part r/(r + w(1 − r)) reads, r its share
of reading transactions, w what a writing one costs over a reading one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.measured import MeasuredTables, SweptScenario
from capacity.peak import PeakLoad
from capacity.plan.values import Input
from capacity.storage import bytes_by_date
from capacity.uncertainty import Draws, Floats
from capacity.values import Refusal
from capacity.workload import Workload

POLICY_UNITS = {
    "target_utilisation": "share of a server's capacity at the objective",
    "replay_cost": "cost of replaying a write over executing it",
    "write_cost": "work of a writing transaction over a reading one",
    "fresh_read_share": "share of read work that must see its user's own last write",
    "working_set_share": "share of the database that the peak hour touches",
    "round_trip_ms": "milliseconds between application and server and back",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What the rules assume beside the workload. Raises ValueError for what no server can do."""

    target_utilisation: Input
    replay_cost: Input
    write_cost: Input
    fresh_read_share: Input
    working_set_share: Input
    round_trip_ms: Input

    def __post_init__(self) -> None:
        if not 0 < self.target_utilisation.value.low <= self.target_utilisation.value.high <= 1:
            raise ValueError("target_utilisation must lie above 0, and not above 1")
        for given in (self.replay_cost, self.fresh_read_share, self.working_set_share):
            if not 0 <= given.value.low <= given.value.high <= 1:
                raise ValueError(f"{given.name} must lie from 0 to 1")
        if self.write_cost.value.low <= 0 or not math.isfinite(self.write_cost.value.high):
            raise ValueError("write_cost must be above 0, and finite")
        if self.round_trip_ms.value.low < 0 or not self.round_trip_ms.value.high <= 10_000:
            raise ValueError("round_trip_ms must lie from 0 to 10000")

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (
            self.target_utilisation,
            self.replay_cost,
            self.write_cost,
            self.fresh_read_share,
            self.working_set_share,
            self.round_trip_ms,
        )


@dataclass(frozen=True, slots=True)
class Futures:
    """Draws: a row per date for loads and bytes, one row for the rest."""

    dates: tuple[dt.date, ...]
    months: Floats
    tps: Floats
    reads: Floats
    writes: Floats
    fresh: Floats
    """Share of the reads that only the primary may answer."""
    replay_cost: Floats
    target: Floats
    storage_bytes: Floats | None
    """Of all tables; None where no sizes were measured."""
    working_set_bytes: Floats | None
    inputs: tuple[Input, ...]
    bracketed: bool
    """False where a capacity is only "at least"."""
    sample: Draws

    @property
    def need(self) -> Floats:
        """Measured servers that the whole load would fill, replication aside."""
        return np.asarray((self.reads + self.writes) / self.target, dtype=np.float64)

    def draw(self, given: Input) -> Floats:
        return self.sample.of(given.name, given.value)


def simulate(
    scenarios: Sequence[SweptScenario],
    peak: PeakLoad,
    workload: Workload,
    policy: Policy,
    tables: MeasuredTables | None = None,
    retention_months: float | None = None,
    sample: Draws = Draws(),  # noqa: B008  # frozen
) -> Futures | Refusal:
    """Refuses a scenario of the mix without a capacity. ``peak`` must have been drawn with the same ``sample``."""
    swept = {s.name: s for s in scenarios}
    reads, writes = np.zeros_like(peak.tps), np.zeros_like(peak.tps)

    def draw(given: Input) -> Floats:
        return sample.of(given.name, given.value)

    write_cost = draw(policy.write_cost)
    inputs: list[Input] = [*workload.inputs, *policy.inputs]
    bracketed = True
    for name, share in workload.shares(sample).items():
        if not share.any():
            continue
        if (scenario := swept.get(name)) is None:
            return Refusal("scenario_not_swept", f"the capacity for {name!r}", f"run `loadgen sweep {name}`")
        capacity = scenario.capacity
        if isinstance(capacity, Refusal):
            return Refusal(capacity.code, f"the capacity for {name!r}: {capacity.missing}", capacity.do)
        measured = scenario.capacity_input(capacity)
        inputs.append(measured)
        bracketed = bracketed and capacity.bracketed
        load = peak.tps * share / draw(measured)
        stated = workload.read_shares.get(name)
        r = scenario.read_share if stated is None else draw(stated).clip(0, 1)
        read_work = r / (r + write_cost * (1 - r))
        reads, writes = reads + load * read_work, writes + load * (1 - read_work)
    stored = None
    if tables is not None and tables.users > 0 and tables.tables:
        stored = np.sum(list(bytes_by_date(tables, peak, retention_months).values()), axis=0)
    touched = draw(policy.working_set_share).clip(0, 1)
    return Futures(
        dates=peak.dates,
        months=peak.months,
        tps=peak.tps,
        reads=reads,
        writes=writes,
        fresh=draw(policy.fresh_read_share).clip(0, 1),
        replay_cost=draw(policy.replay_cost).clip(0, 1),
        target=draw(policy.target_utilisation).clip(0.01, 1),
        storage_bytes=stored,
        working_set_bytes=None if stored is None else stored * touched,
        inputs=tuple(inputs),
        bracketed=bracketed,
        sample=sample,
    )
