"""What the load needs beside servers: CPU, disk, WAL, block reads, memory for the working set, connections."""

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
    ("CPU", "cpu_s", "cores", "cores like the measured server's that transactions keep busy at the peak second"),
    ("WAL", "wal_bytes", "bytes/s", "written at the peak second, and sent to every replica"),
    ("block reads", "block_reads", "blocks/s", "not found in shared buffers at the peak second, memory as measured"),
    ("connections at work", "connection_hold_s", "connections", "inside a transaction at the peak, over all servers"),
)
"""Name, field of a Demand, unit and meaning of what the measured demand of transactions adds up to."""
PER_TRANSACTION = {
    "cpu_s": "CPU seconds a transaction",
    "wal_bytes": "bytes of WAL a transaction",
    "block_reads": "blocks read a transaction",
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
    """Those that the measurements tell; each with its interval now and at the horizon."""
    found = []
    if table_bytes:
        stored = np.sum(list(table_bytes.values()), axis=0)
        found.append(_of("storage", "bytes", stored, "tables, indexes and TOAST of one copy", Origin.DERIVED))
    if choice is not None and choice.futures.working_set_bytes is not None:
        why = "what the peak hour touches and memory should hold, on every server"
        found.append(_of("working set", "bytes", choice.futures.working_set_bytes, why, Origin.ASSUMPTION))
    for name, field, unit, why in DEMANDS:
        if (used := _used(scenarios, workload, peak, field)) is not None:
            found.append(_of(name, unit, used, why, Origin.DERIVED))
    if pool is not None:
        found.append(
            Resource(
                "connections",
                "connections",
                pool.now,
                pool.at_horizon,
                "server connections of the pool, on each server",
                Origin.DERIVED,
            )
        )
    return tuple(found)


def _of(name: str, unit: str, drawn: Floats, why: str, origin: Origin) -> Resource:
    return Resource(name, unit, summary(drawn[0], LEVEL), summary(drawn[-1], LEVEL), why, origin)


def demand_inputs(scenarios: Sequence[SweptScenario]) -> tuple[Input, ...]:
    """Measured demands of one transaction."""
    return tuple(
        Input(f"{field}.{scenario.name}", each, unit, Origin.MEASURED, scenario.source)
        for scenario in scenarios
        for field, unit in PER_TRANSACTION.items()
        if (each := _demand(scenario, field)) is not None
    )


def _demand(scenario: SweptScenario, field: str) -> Interval | None:
    """Of one transaction at the load that is planned for; a mean without an interval where runs told no more."""
    if not isinstance(scenario.demand, Refusal):
        known: Interval | None = getattr(scenario.demand.planned, field)
        if known is not None:
            return known
    if field == "wal_bytes" and scenario.wal_bytes_per_txn is not None:
        return Interval.exact(scenario.wal_bytes_per_txn)
    return None


def _used(scenarios: Sequence[SweptScenario], workload: Workload, peak: PeakLoad, field: str) -> Floats | None:
    """Peak transactions times what one costs; None unless every scenario of the mix has been measured."""
    of = {scenario.name: _demand(scenario, field) for scenario in scenarios}
    total: Floats = np.zeros_like(peak.tps)
    for name, share in workload.shares().items():
        if not share.any():
            continue
        each = of.get(name)
        if each is None:
            return None
        total = total + peak.tps * share * np.maximum(Draws().of(f"{field}.{name}", each), 0.0)
    return total
