"""A recorded sweep as the measured curve of latency against load."""

from __future__ import annotations

from dataclasses import dataclass

from capacity.latency import LatencyCurve, LatencyRun, Target, latency_curve
from capacity.latency_bounds import ClosedBounds, closed_bounds
from capacity.values import Refusal
from loadgen.planning.demands import ScenarioDemand, scenario_demand
from loadgen.runs.format import PERCENTILES, SweepRecord


@dataclass(frozen=True, slots=True)
class SweptLatency:
    """What a sweep says of latency: a curve by percentile, and how busy the server may be for its objective.

    ``bounds``: what queueing for the CPU alone does at each level; empty where the server's CPU was not seen.
    """

    curves: dict[float, LatencyCurve | Refusal]
    objective_ms: float
    percentile: float
    target: Target | Refusal
    demand: ScenarioDemand | Refusal
    bounds: dict[int, ClosedBounds]


def latency_runs(sweep: SweepRecord, percentile: float) -> list[LatencyRun]:
    """The valid runs that hold enough transactions for the percentile."""
    runs = []
    for point in sweep.points:
        response_ms = point.response.percentile_ms(percentile) if point.response else None
        if point.verdict.status != "valid" or response_ms is None or point.throughput_tps is None:
            continue
        if point.throughput_tps.value > 0 and response_ms.value > 0:
            runs.append(LatencyRun(point.level, point.repeat, point.throughput_tps.value, response_ms.value))
    return runs


def swept_latency(sweep: SweepRecord, level: float = 0.9) -> SweptLatency:
    """The curves of a sweep of busy connections, and the target utilisation for its objective."""
    curves = {p: latency_curve(latency_runs(sweep, p), level) for p in PERCENTILES}
    wanted = curves[sweep.objective.percentile]
    target = wanted if isinstance(wanted, Refusal) else wanted.target(sweep.objective.response_ms)
    demand = scenario_demand(sweep)
    return SweptLatency(
        curves=curves,
        objective_ms=sweep.objective.response_ms,
        percentile=sweep.objective.percentile,
        target=target,
        demand=demand,
        bounds={} if isinstance(demand, Refusal) else _bounds(demand, sweep),
    )


def _bounds(demand: ScenarioDemand, sweep: SweepRecord) -> dict[int, ClosedBounds]:
    """By mean-value analysis from the lowest level's demand, where nothing queues: what is not CPU there is delay."""
    first = min(demand.by_level)
    cpu, hold = demand.by_level[first].cpu_s, demand.by_level[first].connection_hold_s
    if cpu is None or hold is None or cpu.value <= 0 or sweep.database.cores is None:
        return {}
    found = {}
    for n in sorted(demand.by_level):
        bounds = closed_bounds(cpu.value, sweep.database.cores, n, max(hold.value - cpu.value, 0.0))
        if not isinstance(bounds, Refusal):
            found[n] = bounds
    return found
