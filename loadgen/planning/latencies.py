"""Latency curves of a recorded sweep, with bounds by queueing laws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.latency import (
    ClosedBounds,
    LatencyCurve,
    LatencyRun,
    Target,
    closed_bounds,
    latency_curve,
    open_response_ms,
)
from capacity.values import LEVEL, Refusal
from loadgen.planning.demands import ScenarioDemand, scenario_demand
from loadgen.runs.format.latency import PERCENTILES
from loadgen.runs.format.sweep import SweepRecord

OPEN_SHARES: Final = tuple(step / 50 for step in range(1, 50))
"""Shares of the greatest throughput at which Erlang's C is computed."""


@dataclass(frozen=True, slots=True)
class SweptLatency:
    """Latency curves of a sweep by percentile, and the target utilisation for its objective.

    ``bounds`` are those of queueing for the CPU alone at each level; empty where the server's CPU was not measured.
    """

    curves: dict[float, LatencyCurve | Refusal]
    objective_ms: float
    percentile: float
    target: Target | Refusal
    demand: ScenarioDemand | Refusal
    bounds: dict[int, ClosedBounds]
    arrivals_ms: tuple[tuple[float, float], ...] = ()
    """Share of the greatest throughput, and the objective's percentile in ms for open arrivals that queue for the CPU
    alone, by Erlang's C. Empty where ``bounds`` are."""


def latency_runs(sweep: SweepRecord, percentile: float) -> list[LatencyRun]:
    """Return the valid runs with enough transactions for the percentile."""
    runs = []
    for point in sweep.points:
        response_ms = point.response.percentile_ms(percentile) if point.response else None
        if point.verdict.status != "valid" or response_ms is None or point.throughput_tps is None:
            continue
        if point.throughput_tps.value > 0 and response_ms.value > 0:
            runs.append(LatencyRun(point.level, point.repeat, point.throughput_tps.value, response_ms.value))
    return runs


def swept_latency(sweep: SweepRecord, level: float = LEVEL) -> SweptLatency:
    """Fit the curves of a sweep of busy connections, and find the target utilisation for its objective."""
    curves = {p: latency_curve(latency_runs(sweep, p), level) for p in PERCENTILES}
    curve = curves[sweep.objective.percentile]
    target = curve if isinstance(curve, Refusal) else curve.target(sweep.objective.response_ms)
    demand = scenario_demand(sweep)
    return SweptLatency(
        curves=curves,
        objective_ms=sweep.objective.response_ms,
        percentile=sweep.objective.percentile,
        target=target,
        demand=demand,
        bounds={} if isinstance(demand, Refusal) else _bounds(demand, sweep),
        arrivals_ms=()
        if isinstance(demand, Refusal) or isinstance(curve, Refusal)
        else _arrivals(demand, sweep, curve),
    )


def _arrivals(demand: ScenarioDemand, sweep: SweepRecord, curve: LatencyCurve) -> tuple[tuple[float, float], ...]:
    """Erlang's C with the CPU demand at the planned level; all other time is a delay without queue."""
    cores, at_rest = sweep.database.cores, demand.by_level[min(demand.by_level)]
    cpu, rest, hold = demand.demand.cpu_s, at_rest.cpu_s, at_rest.connection_hold_s
    if cpu is None or rest is None or hold is None or cpu.value <= 0 or cores is None:
        return ()
    most = max(point.throughput_tps for point in curve.points)
    other_ms = 1000 * max(hold.value - rest.value, 0.0)
    found = []
    for share in OPEN_SHARES:
        said = open_response_ms(share * most * cpu.value / cores, cores, 1000 * cpu.value, sweep.objective.percentile)
        if not isinstance(said, Refusal):
            found.append((share, said + other_ms))
    return tuple(found)


def _bounds(demand: ScenarioDemand, sweep: SweepRecord) -> dict[int, ClosedBounds]:
    """Mean-value analysis with the lowest level's demand; its time besides CPU is a delay without queue."""
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
