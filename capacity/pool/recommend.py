"""Recommendation of a pool size: the smallest pool as good as the best in the sweeps.

Connections share a few cores, disks and locks. Beyond the pool that keeps those busy, more connections only queue
inside the server, where they also contend: throughput stays or falls, and response time grows in proportion.

Which pools are as good as the best is measured (:mod:`capacity.pool.measured`). A connection is also held during round
trips to the client, when the server is idle, so at a throughput X a round trip of t between application and server adds
X·n·t connections, where n is the number of round trips in a transaction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capacity.due import Due
from capacity.formatting import counted, interval, number, share
from capacity.measurements import MeasuredServer, SweptScenario
from capacity.pool.limits import checks
from capacity.pool.measured import P99_MARGIN, MeasuredPool, measured_pool
from capacity.pool.setting import Deployment, PoolSetting
from capacity.recommendation import Division, Prediction, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.scalability.repeats import POOL_MARGIN, PooledLogs
from capacity.values import Input, Interval, Origin, Refusal


@dataclass(frozen=True, slots=True)
class _Range:
    """Smallest (``least``) and largest (``most``) good pool of one scenario, with the application's round trips."""

    measured: MeasuredPool
    least: Interval
    most: float
    hold_s: float


def recommend_pool(
    scenarios: Sequence[SweptScenario], server: MeasuredServer, setting: PoolSetting
) -> Recommendation | RefusedRecommendation:
    """Recommend the smallest pool that is as good as the best for every swept scenario. Refuses without a good sweep.

    The interval is that of the smallest pool; ``most`` is the largest that is as good for all. Both depend on the
    server, not on the number of users.
    """
    ranges: dict[str, _Range] = {}
    core_ratio = _core_ratio(server, setting)
    for scenario in scenarios:
        good_pool = measured_pool(scenario)
        if isinstance(good_pool, Refusal):
            return RefusedRecommendation("pool", "primary", good_pool)
        ranges[scenario.name] = _with_round_trips(scenario, good_pool, setting.round_trip_ms.value, core_ratio)
    if not ranges:
        missing = "a sweep of a scenario"
        return RefusedRecommendation("pool", "primary", Refusal("no_sweep", missing, "run `loadgen sweep dashboard`"))
    binding = max(scenarios, key=lambda s: ranges[s.name].least.value)
    size = round(ranges[binding.name].least.value)
    most = max(size, round(min(r.most for r in ranges.values())))
    low = round(max(r.least.low for r in ranges.values()))
    high = round(max(r.least.high for r in ranges.values()))
    pool = Interval(float(min(low, size)), float(size), float(max(size, high)))
    limits = checks(size, most, server, setting, {name: r.hold_s for name, r in ranges.items()})
    where = "the measured server" if setting.server is None or core_ratio == 1 else setting.server.name
    return Recommendation(
        kind="pool",
        subject="primary",
        headline=f"{counted(size, 'connection')} to {where}, at most {most}",
        now=pool,
        at_horizon=pool,
        unit="connections over all application instances",
        steps=(
            Step(
                size,
                "connections",
                Due(setting.start, setting.start, setting.start),
                "measured by the sweeps on today's server",
            ),
        ),
        reason=_reason(ranges, setting, core_ratio),
        rejected=_rejected(scenarios, ranges, server, binding, size),
        prediction=_prediction(binding, ranges[binding.name].measured.level),
        inputs=_inputs(scenarios, ranges, setting),
        checks=limits,
        division=_divide(size, setting.deployment),
        most=most,
    )


def _core_ratio(server: MeasuredServer, setting: PoolSetting) -> float:
    """Cores of the target's server over those of the measured server; 1 for the latter itself."""
    if setting.target is None or setting.target.measured or setting.server is None:
        return 1.0
    return (setting.server.cores or 1.0) / server.cores if server.cores else 1.0


def _with_round_trips(
    scenario: SweptScenario, good: MeasuredPool, round_trip_ms: Interval, core_ratio: float
) -> _Range:
    tps = good.tps * core_ratio
    seconds = round_trip_ms.scaled((scenario.round_trips or 1.0) / 1000)

    def held(connections: float, trip_s: float) -> float:
        return max(1.0, connections * core_ratio) + tps * trip_s

    least = Interval(
        float(math.floor(held(good.least.low, seconds.low))),
        float(math.ceil(held(good.least.value, seconds.value) - 1e-9)),
        float(math.ceil(held(good.least.high, seconds.high) - 1e-9)),
        round_trip_ms.level,
    )
    hold_s = good.least.value * core_ratio / tps + seconds.value
    return _Range(good, least, max(float(math.ceil(held(good.most, seconds.value) - 1e-9)), least.value), hold_s)


def _reason(ranges: Mapping[str, _Range], setting: PoolSetting, core_ratio: float) -> str:
    each = ", ".join(f"{name} {interval(r.measured.least)} to {r.measured.most}" for name, r in ranges.items())
    reason = (
        f"Pools with at most {POOL_MARGIN:.0%} less throughput and {P99_MARGIN:.0%} longer p99 (wait for a connection "
        f"included) than the best: {each}. The smallest that is good for all queues least inside the server."
    )
    if core_ratio != 1:
        reason += (
            f" The target's server has {number(core_ratio)} times the cores; pools are scaled by that (assumption)."
        )
    trip = setting.round_trip_ms
    if trip.value.high > 0:
        reason += (
            f" Connections held during round trips are added, at {interval(trip.value)} ms per round trip "
            f"({trip.origin})."
        )
    return reason


def _divide(size: int, deployment: Deployment) -> Division:
    parts = deployment.instances * deployment.pools
    if parts == 1:
        return Division(size, 1, 1, size, "one pool in one application instance; with a second instance, halve it")
    if size >= parts:
        each = size // parts
        pools, instances = counted(deployment.pools, "pool"), counted(deployment.instances, "application instance")
        what = f"{counted(each, 'connection')} in each of {pools} in each of {instances}"
        return Division(size, deployment.instances, deployment.pools, each, what)
    what = (
        f"{parts} pools cannot share {counted(size, 'connection')}: put one pooler in transaction mode in front of the "
        "server, and connect the instances to it"
    )
    return Division(size, deployment.instances, deployment.pools, 0, what)


def _inputs(
    scenarios: Sequence[SweptScenario], ranges: Mapping[str, _Range], setting: PoolSetting
) -> tuple[Input, ...]:
    measured = tuple(
        Input(
            f"pool.{s.name}",
            good.least,
            "connections",
            Origin.MEASURED,
            f"{s.source}: smallest within {POOL_MARGIN:.0%} of the best throughput, {P99_MARGIN:.0%} of the best p99",
        )
        for s in scenarios
        for good in [ranges[s.name].measured]
    )
    return (*measured, setting.round_trip_ms)


def _rejected(
    scenarios: Sequence[SweptScenario],
    ranges: Mapping[str, _Range],
    server: MeasuredServer,
    binding: SweptScenario,
    size: int,
) -> tuple[Rejected, ...]:
    rejected = []
    least = ranges[binding.name].measured.least.value
    if server.cores:
        rule = 2 * server.cores
        of_best = _share_of_best(binding, rule)
        at_rule = (
            f"there it had {share(of_best)} of the best throughput" if of_best is not None else "but not at that level"
        )
        rejected.append(
            Rejected(
                f"2 × cores = {rule} connections",
                f"a rule of thumb about hardware; this server was measured under this load, {at_rule}",
                "rule_of_thumb",
            )
        )
    for smaller in [level for level in binding.levels if level < least][-1:]:
        of_best = _share_of_best(binding, smaller)
        why = f"only {share(of_best)} of the best throughput under {binding.name}"
        rejected.append(Rejected(counted(smaller, "connection"), why, "too_small"))
    larger: dict[int, list[str]] = {}
    for scenario in scenarios:
        if (top := scenario.levels[-1]) > size:
            larger.setdefault(top, []).append(_cost(scenario, ranges[scenario.name].measured))
    rejected += [Rejected(f"{top} connections", "; ".join(costs), "too_many") for top, costs in larger.items()]
    return tuple(rejected)


def _cost(scenario: SweptScenario, good: MeasuredPool) -> str:
    """Cost of the largest measured pool: lost throughput, if any, and longer response times."""
    top = scenario.levels[-1]
    of_best = _share_of_best(scenario, top)
    slow, quick = scenario.mean_response_ms(top), scenario.mean_response_ms(good.level)
    if top > good.most:
        cost = f"throughput falls to {share(of_best)} of the best under {scenario.name}"
    else:
        cost = f"throughput within {POOL_MARGIN:.0%} of smaller pools' under {scenario.name}"
    if slow is not None and quick is not None:
        cost += f", and response time is {number(slow)} ms instead of {number(quick)} ms"
    return cost


def _share_of_best(scenario: SweptScenario, level: int) -> float | None:
    here = scenario.mean_tps(level)
    best = max(tps for n in scenario.levels if (tps := scenario.mean_tps(n)) is not None)
    return None if here is None else here / best


def _prediction(scenario: SweptScenario, size: int) -> Prediction | None:
    """Throughput at the level next above the smallest good pool over that at the largest; None without repeats."""
    from scipy.special import stdtrit

    levels = scenario.levels
    pooled = PooledLogs.of([[r.throughput_tps for r in scenario.repeats if r.level == n] for n in levels])
    top = levels[-1]
    if pooled.df < 1 or top == size:
        return None
    low, value, high = pooled.ratio(levels.index(size), len(levels) - 1, float(stdtrit(pooled.df, 0.95)))
    metric = f"throughput of {scenario.name} with all connections busy"
    return Prediction(metric, counted(top, "connection"), counted(size, "connection"), Interval(low, value, high))
