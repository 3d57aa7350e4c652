"""How many connections: the smallest pool that the sweeps showed to be as good as the best.

A connection waits for one of few cores, disks and locks. Past the pool that keeps those busy, more connections only
queue inside the server, where they also contend: throughput stays or falls, and response time grows in proportion.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from capacity.measured import MeasuredServer, SweptScenario
from capacity.plan import Due, Input, Prediction, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.prose import figure
from capacity.repeats import POOL_MARGIN, PooledLogs, pool_range
from capacity.values import Interval, Origin, Refusal


def recommend_pool(
    scenarios: Sequence[SweptScenario], server: MeasuredServer, start: dt.date
) -> Recommendation | RefusedRecommendation:
    """The least pool that is as good as the best for every scenario swept.

    Its interval: the true least lies above the next smaller level measured, and the pool may be as large as the
    smallest of the largest equally good ones. It hangs on the server, not on the number of users.
    """
    ranges: dict[str, tuple[int, int]] = {}
    for scenario in scenarios:
        found = _range(scenario)
        if isinstance(found, Refusal):
            return RefusedRecommendation("pool", "primary", found)
        ranges[scenario.name] = found
    if not ranges:
        missing = "a sweep of a scenario"
        return RefusedRecommendation("pool", "primary", Refusal("no_sweep", missing, "run `loadgen sweep dashboard`"))
    binding = max(scenarios, key=lambda s: ranges[s.name][0])
    size = ranges[binding.name][0]
    most = max(size, min(high for _, high in ranges.values()))
    smaller = [level for level in binding.levels if level < size]
    pool = Interval((max(smaller) if smaller else 0) + 1, size, most)
    each = ", ".join(f"{name} {low} to {high}" for name, (low, high) in ranges.items())
    margin = f"{POOL_MARGIN:.0%}"
    return Recommendation(
        kind="pool",
        subject="primary",
        headline=f"{size} connections to the measured server, never more than {most}",
        now=pool,
        at_horizon=pool,
        unit="connections, over all application instances",
        steps=(Step(size, "connections", Due(start, start, start), "the sweeps hold for today's server"),),
        reason=(
            f"Pools not worse than the best by {margin} in throughput: {each}. The smallest that suits all of them "
            "leaves the least waiting inside the server."
        ),
        rejected=_rejected(scenarios, ranges, server, binding),
        prediction=_prediction(binding, size),
        inputs=tuple(
            Input(
                f"pool.{s.name}",
                Interval(ranges[s.name][0], ranges[s.name][0], ranges[s.name][1]),
                "connections",
                Origin.MEASURED,
                f"{s.source}: throughput within {margin} of the best",
            )
            for s in scenarios
        ),
    )


def _range(scenario: SweptScenario) -> tuple[int, int] | Refusal:
    if not scenario.busy:
        return Refusal(
            "pool_needs_busy_connections",
            f"a sweep of {scenario.name!r} in which every connection is busy: with think time a level counts users",
            f"run `loadgen sweep {scenario.name}` without think time",
        )
    if not scenario.repeats:
        return Refusal(
            "no_valid_runs", f"a valid run of {scenario.name!r}", f"run `loadgen sweep {scenario.name}` again"
        )
    found = pool_range({level: tps for level in scenario.levels if (tps := scenario.mean_tps(level)) is not None})
    if found is None:
        top = max(scenario.levels)
        return Refusal(
            "pool_not_bracketed",
            f"the pool at which {scenario.name!r} stops gaining throughput: it still gained up to the highest level, "
            f"{top}, or too few levels are valid",
            f"run `loadgen sweep {scenario.name}` with at least three levels, up to {4 * top}",
        )
    return found


def _rejected(
    scenarios: Sequence[SweptScenario],
    ranges: Mapping[str, tuple[int, int]],
    server: MeasuredServer,
    binding: SweptScenario,
) -> tuple[Rejected, ...]:
    rejected = []
    size = ranges[binding.name][0]
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
            )
        )
    for smaller in [level for level in binding.levels if level < size][-1:]:
        share = _share_of_best(binding, smaller)
        rejected.append(Rejected(f"{smaller} connections", f"carry only {share:.0%} of the best under {binding.name}"))
    larger: dict[int, list[str]] = {}
    for scenario in scenarios:
        if (top := scenario.levels[-1]) > size:
            larger.setdefault(top, []).append(_cost(scenario, ranges[scenario.name], size))
    rejected += [Rejected(f"{top} connections", "; ".join(costs)) for top, costs in larger.items()]
    return tuple(rejected)


def _cost(scenario: SweptScenario, good: tuple[int, int], size: int) -> str:
    """What the largest pool measured costs: throughput where it has lost some, response time in any case."""
    top = scenario.levels[-1]
    share = _share_of_best(scenario, top)
    slow, quick = scenario.mean_response_ms(top), scenario.mean_response_ms(size)
    if top > good[1]:
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
    """Throughput with the recommended pool over that with the largest measured; None without repeats."""
    from scipy.stats import t as student

    levels = scenario.levels
    pooled = PooledLogs.of([[r.throughput_tps for r in scenario.repeats if r.level == n] for n in levels])
    top = levels[-1]
    if pooled.df < 1 or top == size:
        return None
    low, value, high = pooled.ratio(levels.index(size), len(levels) - 1, float(student.ppf(0.95, pooled.df)))
    metric = f"throughput of {scenario.name}, every connection busy"
    return Prediction(metric, f"{top} connections", f"{size} connections", Interval(low, value, high))
