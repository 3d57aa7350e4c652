"""What the load needs beside computing: disk, WAL, memory for the working set, connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from capacity.measured import SweptScenario
from capacity.peak import LEVEL, PeakLoad
from capacity.plan.choose import Choice
from capacity.plan.values import Recommendation, Resource
from capacity.uncertainty import Floats, summary
from capacity.values import Origin
from capacity.workload import Workload


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
    if (wal := _wal(scenarios, workload, peak)) is not None:
        why = "written at the peak second, and sent to every replica"
        found.append(_of("WAL", "bytes/s", wal, why, Origin.DERIVED))
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


def _wal(scenarios: Sequence[SweptScenario], workload: Workload, peak: PeakLoad) -> Floats | None:
    """Peak transactions times what one writes; None unless every scenario of the mix has been measured."""
    of = {scenario.name: scenario.wal_bytes_per_txn for scenario in scenarios}
    total: Floats = np.zeros_like(peak.tps)
    for name, share in workload.shares().items():
        if not share.any():
            continue
        each = of.get(name)
        if each is None:
            return None
        total = total + peak.tps * share * each
    return total
