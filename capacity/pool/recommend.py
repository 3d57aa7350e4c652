"""How many connections: the smallest pool that the sweeps showed to be as good as the best.

A connection waits for one of few cores, disks and locks. Past the pool that keeps those busy, more connections only
queue inside the server, where they also contend: throughput stays or falls, and response time grows in proportion.

What is as good as the best is measured (:mod:`capacity.pool.measured`). A connection is held while the client's
messages travel, idle for the server, so a round trip of t between application and server adds X·n·t connections, n the
round trips of a transaction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capacity.due import Due
from capacity.formatting import figure, span
from capacity.measurements import MeasuredServer, SweptScenario
from capacity.pool.limits import checks
from capacity.pool.measured import P99_MARGIN, MeasuredPool, measured_pool
from capacity.pool.setting import Deployment, PoolSetting
from capacity.recommendation import Division, Prediction, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.scalability.repeats import POOL_MARGIN, PooledLogs
from capacity.values import Input, Interval, Origin, Refusal


@dataclass(frozen=True, slots=True)
class _Range:
    """One scenario's pools: those measured as good, and with the application's round trips.

    ``least``: the smallest good one; ``most``: the largest.
    """

    measured: MeasuredPool
    least: Interval
    most: float
    hold_s: float


def recommend_pool(
    scenarios: Sequence[SweptScenario], server: MeasuredServer, setting: PoolSetting
) -> Recommendation | RefusedRecommendation:
    """The least pool that is as good as the best for every scenario swept.

    Its interval is that of the least pool; ``most`` is the largest that is as good for all. Both hang on the server,
    not on the number of users.
    """
    ranges: dict[str, _Range] = {}
    grown = _growth(server, setting)
    for scenario in scenarios:
        found = measured_pool(scenario)
        if isinstance(found, Refusal):
            return RefusedRecommendation("pool", "primary", found)
        ranges[scenario.name] = _with_round_trips(scenario, found, setting.round_trip_ms.value, grown)
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
    where = "the measured server" if setting.server is None or grown == 1 else setting.server.name
    return Recommendation(
        kind="pool",
        subject="primary",
        headline=f"{size} connections to {where}, never more than {most}",
        now=pool,
        at_horizon=pool,
        unit="connections, over all application instances",
        steps=(
            Step(
                size,
                "connections",
                Due(setting.start, setting.start, setting.start),
                "the sweeps hold for today's server",
            ),
        ),
        reason=_reason(ranges, setting, grown),
        rejected=_rejected(scenarios, ranges, server, binding, size),
        prediction=_prediction(binding, ranges[binding.name].measured.level),
        inputs=_inputs(scenarios, ranges, setting),
        checks=limits,
        division=_divide(size, setting.deployment),
        most=most,
    )


def _growth(server: MeasuredServer, setting: PoolSetting) -> float:
    """Cores of the target's server over those measured; 1 for the measured server itself."""
    if setting.target is None or setting.target.measured or setting.server is None:
        return 1.0
    return (setting.server.cores or 1.0) / server.cores if server.cores else 1.0


def _with_round_trips(scenario: SweptScenario, good: MeasuredPool, round_trip_ms: Interval, grown: float) -> _Range:
    tps = good.tps * grown
    seconds = round_trip_ms.scaled((scenario.round_trips or 1.0) / 1000)

    def held(connections: float, trip_s: float) -> float:
        return max(1.0, connections * grown) + tps * trip_s

    least = Interval(
        float(math.floor(held(good.least.low, seconds.low))),
        float(math.ceil(held(good.least.value, seconds.value) - 1e-9)),
        float(math.ceil(held(good.least.high, seconds.high) - 1e-9)),
        round_trip_ms.level,
    )
    hold_s = good.least.value * grown / tps + seconds.value
    return _Range(good, least, max(float(math.ceil(held(good.most, seconds.value) - 1e-9)), least.value), hold_s)


def _reason(ranges: Mapping[str, _Range], setting: PoolSetting, grown: float) -> str:
    each = ", ".join(f"{name} {span(r.measured.least)} up to {r.measured.most}" for name, r in ranges.items())
    reason = (
        f"Pools not worse than the best by {POOL_MARGIN:.0%} in throughput and {P99_MARGIN:.0%} in p99 with waiting: "
        f"{each}. The smallest that suits all of them leaves the least waiting inside the server."
    )
    if grown != 1:
        reason += f" Carried over by cores, {figure(grown)} times those measured: an assumption."
    trip = setting.round_trip_ms
    if trip.value.high > 0:
        reason += (
            f" Connections held while messages travel are added, at {figure(trip.value.value)} ms a round trip "
            f"({trip.origin})."
        )
    return reason


def _divide(size: int, deployment: Deployment) -> Division:
    parts = deployment.instances * deployment.pools
    if parts == 1:
        return Division(size, 1, 1, size, "one pool in one application instance; a second one would halve it")
    if size >= parts:
        each = size // parts
        what = f"{each} connections in each of {deployment.pools} pools of {deployment.instances} instances"
        return Division(size, deployment.instances, deployment.pools, each, what)
    what = (
        f"{parts} pools cannot share {size} connections: put one pooler in transaction mode before the server, and let "
        "the instances connect to it"
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
            f"{s.source}: the least within {POOL_MARGIN:.0%} of the best throughput, {P99_MARGIN:.0%} of the best p99",
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
        share = _share_of_best(binding, rule)
        seen = (
            f"; measured there: {share:.0%} of the best throughput" if share is not None else ", not a level measured"
        )
        rejected.append(
            Rejected(
                f"2 × cores = {rule} connections",
                f"a rule of thumb about hardware; this server was measured under this load instead{seen}",
                "rule_of_thumb",
            )
        )
    for smaller in [level for level in binding.levels if level < least][-1:]:
        share = _share_of_best(binding, smaller)
        why = f"carry only {share:.0%} of the best under {binding.name}"
        rejected.append(Rejected(f"{smaller} connections", why, "too_small"))
    larger: dict[int, list[str]] = {}
    for scenario in scenarios:
        if (top := scenario.levels[-1]) > size:
            larger.setdefault(top, []).append(_cost(scenario, ranges[scenario.name].measured))
    rejected += [Rejected(f"{top} connections", "; ".join(costs), "too_many") for top, costs in larger.items()]
    return tuple(rejected)


def _cost(scenario: SweptScenario, good: MeasuredPool) -> str:
    """What the largest pool measured costs: throughput where it has lost some, response time in any case."""
    top = scenario.levels[-1]
    share = _share_of_best(scenario, top)
    slow, quick = scenario.mean_response_ms(top), scenario.mean_response_ms(good.level)
    if top > good.most:
        cost = f"a fault under {scenario.name}: throughput falls to {share:.0%} of the best"
    else:
        cost = f"no more throughput than within {POOL_MARGIN:.0%} under {scenario.name}"
    if slow is not None and quick is not None:
        cost += f", and responses take {figure(slow)} ms instead of {figure(quick)} ms"
    return cost


def _share_of_best(scenario: SweptScenario, level: int) -> float | None:
    here = scenario.mean_tps(level)
    best = max(tps for n in scenario.levels if (tps := scenario.mean_tps(n)) is not None)
    return None if here is None else here / best


def _prediction(scenario: SweptScenario, size: int) -> Prediction | None:
    """Throughput with the level nearest above the least good pool over that with the largest; None without repeats."""
    from scipy.special import stdtrit

    levels = scenario.levels
    pooled = PooledLogs.of([[r.throughput_tps for r in scenario.repeats if r.level == n] for n in levels])
    top = levels[-1]
    if pooled.df < 1 or top == size:
        return None
    low, value, high = pooled.ratio(levels.index(size), len(levels) - 1, float(stdtrit(pooled.df, 0.95)))
    metric = f"throughput of {scenario.name}, every connection busy"
    return Prediction(metric, f"{top} connections", f"{size} connections", Interval(low, value, high))
