"""Resources that the load needs: CPU, disk, WAL, block reads, memory for the working set, connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from capacity.arrays import Floats
from capacity.measurements import SweptScenario
from capacity.plan.document import Resource
from capacity.recommendation import Recommendation
from capacity.sizing.choose import Choice
from capacity.uncertainty import Draws, summary
from capacity.values import LEVEL, Input, Interval, Origin, Refusal
from capacity.workload import PeakLoad, Workload

DEMANDS = (
    ("CPU", "cpu_s", "cores", "cores like the measured server's, busy with transactions at the peak second"),
    ("WAL", "wal_bytes", "bytes/s", "written at the peak second, and sent to every replica"),
    (
        "block reads",
        "block_reads",
        "blocks/s",
        "shared buffer misses at the peak second, with the measured server's memory",
    ),
    ("busy connections", "connection_hold_s", "connections", "in a transaction at the peak second, over all servers"),
)
"""Resources that follow from measured service demands: name, field of Demand, unit, meaning."""
PER_TRANSACTION = {
    "cpu_s": "CPU seconds per transaction",
    "wal_bytes": "bytes of WAL per transaction",
    "block_reads": "blocks read per transaction",
    "connection_hold_s": "seconds that a transaction holds a connection",
}


def resources(
    scenarios: Sequence[SweptScenario],
    workload: Workload,
    peak: PeakLoad,
    table_bytes: Mapping[str, Floats],
    choice: Choice | None,
    pool: Recommendation | None,
) -> tuple[Resource, ...]:
    """Return the resources that the measurements cover, each with its interval now and at the horizon."""
    needs = []
    if table_bytes:
        stored = np.sum(list(table_bytes.values()), axis=0)
        needs.append(_of("storage", "bytes", stored, "tables, indexes and TOAST of one copy", Origin.DERIVED))
    if choice is not None and choice.futures.working_set_bytes is not None:
        why = "data that the peak hour uses, which should fit in memory on every server"
        needs.append(_of("working set", "bytes", choice.futures.working_set_bytes, why, Origin.ASSUMPTION))
    for name, field, unit, why in DEMANDS:
        if (used := _used(scenarios, workload, peak, field)) is not None:
            needs.append(_of(name, unit, used, why, Origin.DERIVED))
    if pool is not None:
        needs.append(
            Resource(
                "connections",
                "connections",
                pool.now,
                pool.at_horizon,
                "the pool's server connections, on each server",
                Origin.DERIVED,
            )
        )
    return tuple(needs)


def _of(name: str, unit: str, drawn: Floats, why: str, origin: Origin) -> Resource:
    return Resource(name, unit, summary(drawn[0], LEVEL), summary(drawn[-1], LEVEL), why, origin)


def demand_inputs(scenarios: Sequence[SweptScenario]) -> tuple[Input, ...]:
    """Return the measured service demands of one transaction as inputs of the plan."""
    return tuple(
        Input(f"{field}.{scenario.name}", each, unit, Origin.MEASURED, scenario.source)
        for scenario in scenarios
        for field, unit in PER_TRANSACTION.items()
        if (each := _demand(scenario, field)) is not None
    )


def _demand(scenario: SweptScenario, field: str) -> Interval | None:
    """Demand of one transaction at the planned load; a mean without interval where no more was measured."""
    if not isinstance(scenario.demand, Refusal):
        known: Interval | None = getattr(scenario.demand.planned, field)
        if known is not None:
            return known
    if field == "wal_bytes" and scenario.wal_bytes_per_txn is not None:
        return Interval.exact(scenario.wal_bytes_per_txn)
    return None


def _used(scenarios: Sequence[SweptScenario], workload: Workload, peak: PeakLoad, field: str) -> Floats | None:
    """Peak transactions times the demand of one; None unless every scenario of the mix has been measured."""
    demands = {scenario.name: _demand(scenario, field) for scenario in scenarios}
    total: Floats = np.zeros_like(peak.tps)
    for name, share in workload.shares().items():
        if not share.any():
            continue
        each = demands.get(name)
        if each is None:
            return None
        total = total + peak.tps * share * np.maximum(Draws().of(f"{field}.{name}", each), 0.0)
    return total
