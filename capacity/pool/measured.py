"""Measured pools: the sizes that a sweep found as good as the best.

A pool of N connections is as good if its throughput X(N) is lower by at most 5 %, and its 99th percentile including the
wait for a connection longer by at most 15 %. With M clients that percentile is p99(N) + (M − N)/X(N), where the wait
follows from Little's law and M is the highest level.

The smallest such pool may lie between measured levels, and levels have errors. So the means of all levels are drawn
from their own errors, without the drift between blocks, which is common to all levels and cancels. Values between
levels are drawn too, anywhere between two curves through the levels: a monotone cubic in logarithms (Fritsch and
Carlson's), for throughput that is flat beyond a knee, and a parabola of cycle time N/X, for throughput that has a peak
between two levels, as in the Universal Scalability Law. The interval holds the central 90 % of the resulting smallest
pools. As the draws scatter about estimated means, and pools are whole numbers, it covers the true one somewhat more
often than stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.measurements import SweptScenario
from capacity.scalability.blocks import BlockedMeans, blocked_means
from capacity.scalability.repeats import POOL_MARGIN, pool_range
from capacity.uncertainty import scores, summary
from capacity.values import LEVEL, Interval, Refusal

P99_MARGIN = 0.15
"""Largest share by which the p99 of a good pool, wait for a connection included, exceeds the best."""
MOST_SIZES = 200
"""Sizes tried beside the levels: all whole numbers up to this, and as many in a geometric series beyond."""
DRAWN = 1001
"""Number of draws."""


@dataclass(frozen=True, slots=True)
class MeasuredPool:
    """Smallest (``least``) and largest (``most``) pool of one scenario that is as good as the best."""

    least: Interval
    most: int
    level: int
    """Lowest measured level not below the smallest good pool, used for a testable prediction."""
    tps: float
    """Throughput of the smallest good pool, in transactions per second."""


def measured_pool(scenario: SweptScenario) -> MeasuredPool | Refusal:
    """Find the good pools of a sweep. Refuses one with think time, without valid runs, or without a bracketed optimum.

    Without repeated levels the scatter of runs is unknown, so the interval reaches from 1 to the highest level.
    """
    if not scenario.busy:
        return Refusal(
            "pool_needs_busy_connections",
            f"a sweep of {scenario.name!r} with all connections busy; with think time a level counts users",
            f"run `loadgen sweep {scenario.name}` without think time",
        )
    if not scenario.repeats:
        return Refusal(
            "no_valid_runs", f"a valid run of {scenario.name!r}", f"run `loadgen sweep {scenario.name}` again"
        )
    good_range = pool_range({level: tps for level in scenario.levels if (tps := scenario.mean_tps(level)) is not None})
    if good_range is None:
        top = max(scenario.levels)
        return Refusal(
            "pool_not_bracketed",
            f"the number of connections at which throughput of {scenario.name!r} stops rising: it still rose up to the "
            f"highest level, {top}, or too few levels are valid",
            f"run `loadgen sweep {scenario.name}` with at least three levels, up to {4 * top}",
        )
    return _between(scenario)


def _p99_logs(scenario: SweptScenario) -> Floats:
    whole = all(level in scenario.p99_ms for level in scenario.levels)
    means = [scenario.p99_ms[n] if whole else scenario.mean_response_ms(n) for n in scenario.levels]
    return np.log(np.array(means, dtype=np.float64))


def _between(scenario: SweptScenario) -> MeasuredPool:
    levels = np.array(scenario.levels, dtype=np.float64)
    tps, response = (_means(scenario, name) for name in ("throughput_tps", "response_ms"))
    logs = np.log(np.array([scenario.mean_tps(n) for n in scenario.levels], dtype=np.float64)), _p99_logs(scenario)
    sizes = _sizes(scenario.levels)
    middle = np.full((1, 1), 0.5)
    good, throughput = _good(levels, sizes, logs[0][:, None], logs[1][:, None], middle)
    own = np.flatnonzero(good[:, 0])
    if tps is None or response is None:
        least = Interval(1.0, float(sizes[own[0]]), float(levels[-1]), LEVEL)
    else:
        means = (
            _drawn(logs[0], tps, f"pool.{scenario.name}.throughput"),
            _drawn(logs[1], response, f"pool.{scenario.name}.p99"),
        )
        shape = _uniform(f"pool.{scenario.name}.between")[None, :]
        least = summary(sizes[np.argmax(_good(levels, sizes, *means, shape)[0], axis=0)], LEVEL)
    at = int(np.searchsorted(sizes, least.value))
    level = next(n for n in scenario.levels if n >= least.value)
    return MeasuredPool(least, max(int(sizes[own[-1]]), int(least.value)), level, float(throughput[at, 0]))


def _good(levels: Floats, sizes: Floats, tps: Floats, p99: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """Sizes that are as good as the best, and their throughput; a row per size, a column per draw.

    ``tps`` and ``p99`` hold logarithms, a row per level. A ``shape`` of 0 is the cubic, 1 the parabola. Where no size
    keeps both margins, those that keep the margin of throughput count.
    """
    n, between = np.log(sizes)[:, None], _parabola(levels, sizes)
    by_cycle = n - np.log(np.maximum(between @ (levels[:, None] * np.exp(-tps)), 1e-300))
    throughput = np.exp((1 - shape) * _cubic(levels, sizes, tps) + shape * by_cycle)
    by_time = np.log(np.maximum(between @ np.exp(p99), 1e-300))
    inside = np.exp((1 - shape) * _cubic(levels, sizes, p99) + shape * by_time)
    waits = inside + 1000 * (levels[-1] - sizes)[:, None] / throughput
    enough = throughput >= (1 - POOL_MARGIN) * throughput.max(axis=0)
    both = enough & (waits <= (1 + P99_MARGIN) * waits.min(axis=0))
    return np.where(both.any(axis=0), both, enough), throughput


def _cubic(levels: Floats, sizes: Floats, logs: Floats) -> Floats:
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(np.log(levels), logs, axis=0)(np.log(sizes)), dtype=np.float64)


def _parabola(levels: Floats, sizes: Floats) -> Floats:
    """Weights of levels, a row per size, for two parabolas through three levels each; the nearer weighs more."""
    weights = np.zeros((len(sizes), len(levels)))
    for row, size in enumerate(sizes):
        right = min(max(int(np.searchsorted(levels, size)), 1), len(levels) - 1)
        share = (size - levels[right - 1]) / (levels[right] - levels[right - 1])
        parts = [(1 - share, right - 2), (share, right - 1)]
        inside = [(weight, first) for weight, first in parts if 0 <= first <= len(levels) - 3]
        for weight, first in inside:
            own_weight = 1.0 if len(inside) == 1 else weight
            for i in range(first, first + 3):
                others = [levels[j] for j in range(first, first + 3) if j != i]
                weights[row, i] += own_weight * math.prod((size - other) / (levels[i] - other) for other in others)
    return weights


def _sizes(levels: tuple[int, ...]) -> Floats:
    """Pool sizes to try: all whole numbers, and for long sweeps fewer of the large ones."""
    first, last = levels[0], levels[-1]
    beyond = np.geomspace(max(first, MOST_SIZES), max(last, MOST_SIZES), MOST_SIZES).round()
    every = {*range(first, min(last, MOST_SIZES) + 1), *(int(n) for n in beyond if n <= last), *levels}
    return np.array(sorted(every), dtype=np.float64)


def _means(scenario: SweptScenario, what: str) -> BlockedMeans | None:
    groups = [[r for r in scenario.repeats if r.level == level] for level in scenario.levels]
    return blocked_means([[(r.block, math.log(getattr(r, what))) for r in group] for group in groups])


def _drawn(logs: Floats, means: BlockedMeans, name: str) -> Floats:
    """Draws of each level's mean from its own error, as wide as Student's t with the runs' degrees of freedom."""
    from scipy.special import ndtri

    half = np.minimum(means.own_half_widths(LEVEL) / float(ndtri((1 + LEVEL) / 2)), 100.0)
    each = np.stack([scores(f"{name}.{i}")[:DRAWN] for i in range(len(logs))])
    return np.asarray(logs[:, None] + half[:, None] * each, dtype=np.float64)


def _uniform(name: str) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(scores(name)[:DRAWN]), dtype=np.float64)
