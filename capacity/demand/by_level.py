"""Service demand from a sweep: what one transaction of a scenario's mix costs, level by level.

A level's demand is D = U/X, the utilisation law of one class, with no need that it be the same at every level: CPU of a
transaction grows where processes contend, and the time that it holds a connection grows with every queue. All levels
together tell how runs scatter (:mod:`capacity.scalability.blocks`), so two runs a level are enough.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.demand.service_demand import Demand, RunUse, refuse_unusable
from capacity.scalability.blocks import blocked_means
from capacity.values import LEVEL, Interval, Refusal


@dataclass(frozen=True, slots=True)
class LevelUse:
    """One run of one class at a level of concurrency; ``block`` as in :class:`capacity.scalability.Repeat`."""

    level: int
    block: int
    use: RunUse


def demand_by_level(runs: Sequence[LevelUse], level: float = LEVEL) -> dict[int, Demand] | Refusal:
    """Demand of the one class of a sweep at each of its levels, in their order.

    Costs are taken to scatter by shares where all are above 0, by amounts where some run used none. A resource that
    some run did not measure is None. Refuses unusable numbers, several classes, and a sweep without a repeated level.
    """
    if (refusal := refuse_unusable([run.use for run in runs], level)) is not None:
        return refusal
    names = sorted({name for run in runs for name, tps in run.use.tps_by_class.items() if tps > 0})
    if len(names) > 1:
        missing = f"runs of one class, not of {', '.join(names)}"
        return Refusal("several_classes", missing, "ask service_demands, which tells classes apart")
    grouped: dict[int, list[LevelUse]] = defaultdict(list)
    for run in runs:
        grouped[run.level].append(run)
    levels = sorted(grouped)
    if len(runs) == len(levels):
        return Refusal("too_few_runs", "two runs of the same level: nothing tells how runs scatter", "repeat the sweep")
    groups = [grouped[n] for n in levels]
    cpu = _intervals(groups, "cpu_cores", level)
    wal = _intervals(groups, "wal_bytes_per_s", level)
    reads = _intervals(groups, "block_reads_per_s", level)
    held = _intervals(groups, "held_connections", level)
    return {n: Demand(names[0], cpu[i], wal[i], reads[i], held[i]) for i, n in enumerate(levels)}


def _intervals(groups: Sequence[Sequence[LevelUse]], resource: str, level: float) -> list[Interval] | list[None]:
    """One resource's demand of each level."""
    costs: list[list[tuple[int, float]]] = []
    for group in groups:
        costs.append([])
        for run in group:
            used = getattr(run.use, resource)
            if used is None:
                return [None] * len(groups)
            costs[-1].append((run.block, used / sum(run.use.tps_by_class.values())))
    unit = max(cost for group in costs for _, cost in group)
    if unit == 0:
        return [Interval(0.0, 0.0, 0.0, level) for _ in groups]
    shares = all(cost > 0 for group in costs for _, cost in group)
    scaled = [[(block, math.log(cost / unit) if shares else cost / unit) for block, cost in group] for group in costs]
    means = blocked_means(scaled)
    assert means is not None  # some level is repeated
    half = means.half_widths(level)
    low, value, high = means.means - half, means.means, means.means + half
    if shares:
        with np.errstate(over="ignore"):
            low, value, high = np.exp(low), np.exp(value), np.exp(high)
    else:
        # A mean below 0 is scatter about a demand near 0, which its error still reaches above.
        value = np.maximum(value, 0.0)
        low, high = np.maximum(value - half, 0.0), value + half
    return [
        Interval(float(low[i]) * unit, float(value[i]) * unit, float(high[i]) * unit, level) for i in range(len(groups))
    ]
