"""Service demand from a sweep, level by level, of one transaction of a scenario's mix.

A level's demand is D = U/X, the utilisation law of one class. It may differ between levels: a transaction's CPU grows
where processes contend, and the time that it holds a connection grows with every queue. The scatter of runs is pooled
over all levels (:mod:`capacity.scalability.blocks`), so two runs per level are enough.
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
    """Estimate the demand of a sweep's one class at each of its levels, in ascending order.

    The scatter of costs is taken as proportional where all are above 0, as absolute where some run used none. A
    resource is None if some run did not measure it. Refuses unusable numbers, several classes, and a sweep without a
    repeated level.
    """
    if (refusal := refuse_unusable([run.use for run in runs], level)) is not None:
        return refusal
    names = sorted({name for run in runs for name, tps in run.use.tps_by_class.items() if tps > 0})
    if len(names) > 1:
        missing = f"runs of a single class, not of {', '.join(names)}"
        return Refusal("several_classes", missing, "use service_demands, which separates classes")
    grouped: dict[int, list[LevelUse]] = defaultdict(list)
    for run in runs:
        grouped[run.level].append(run)
    levels = sorted(grouped)
    if len(runs) == len(levels):
        return Refusal(
            "too_few_runs", "two runs of the same level, from which the scatter of runs follows", "repeat the sweep"
        )
    groups = [grouped[n] for n in levels]
    cpu = _intervals(groups, "cpu_cores", level)
    wal = _intervals(groups, "wal_bytes_per_s", level)
    reads = _intervals(groups, "block_reads_per_s", level)
    holds = _intervals(groups, "held_connections", level)
    return {n: Demand(names[0], cpu[i], wal[i], reads[i], holds[i]) for i, n in enumerate(levels)}


def _intervals(groups: Sequence[Sequence[LevelUse]], resource: str, level: float) -> list[Interval] | list[None]:
    """Demand of one resource at each level."""
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
        # A mean below 0 is scatter about a demand near 0, so its interval still reaches above 0.
        value = np.maximum(value, 0.0)
        low, high = np.maximum(value - half, 0.0), value + half
    return [
        Interval(float(low[i]) * unit, float(value[i]) * unit, float(high[i]) * unit, level) for i in range(len(groups))
    ]
