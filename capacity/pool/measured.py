"""Which pools a sweep showed to be as good as the best.

A pool of N is as good when its throughput X(N) is not lower by more than 5 %, and the 99th percentile with waiting not
longer by more than 15 %: with M clients it is p99(N) + (M − N)/X(N), the wait for one of N connections by Little's law,
M the most that were measured.

The least such pool lies between measured levels, and the levels scatter. So the means of all levels are drawn together:
each from its own error, without the drift between blocks, which is common to all levels and cancels between them. What
lies between levels is drawn too, anywhere between two curves that both go through them: a cubic of the logarithms that
never leaves what its two levels span (Fritsch and Carlson's), where throughput stays flat past a knee, and a parabola
of cycle time N/X, where it has a peak between two levels, as the Universal Scalability Law has. The interval holds the
central 90 % of the least pools that follow. The draws scatter about means that scatter themselves, and pools are whole
numbers: so it covers the true one rather more often than it says.
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
"""A pool is as good as the best when its p99, waiting included, is not longer by more than this share."""
MOST_SIZES = 200
"""Of pools looked at, beside the levels: all whole numbers up to it, and as many in a geometric row beyond."""
DRAWN = 1001


@dataclass(frozen=True, slots=True)
class MeasuredPool:
    """Connections of one scenario. ``least``: of the pools as good as the best, the smallest; ``most``: the largest."""

    least: Interval
    most: int
    level: int
    """The lowest measured level that is no smaller than the least pool's middle: what can be tested."""
    tps: float
    """Throughput of the least pool."""


def measured_pool(scenario: SweptScenario) -> MeasuredPool | Refusal:
    """Refuses a sweep with think time, without valid runs, or one that does not bracket the best pool.

    Without a repeated level the interval reaches from one connection to the highest level: nothing tells the scatter.
    """
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
        drawn = (
            _drawn(logs[0], tps, f"pool.{scenario.name}.throughput"),
            _drawn(logs[1], response, f"pool.{scenario.name}.p99"),
        )
        shape = _uniform(f"pool.{scenario.name}.between")[None, :]
        least = summary(sizes[np.argmax(_good(levels, sizes, *drawn, shape)[0], axis=0)], LEVEL)
    at = int(np.searchsorted(sizes, least.value))
    level = next(n for n in scenario.levels if n >= least.value)
    return MeasuredPool(least, max(int(sizes[own[-1]]), int(least.value)), level, float(throughput[at, 0]))


def _good(levels: Floats, sizes: Floats, tps: Floats, p99: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """Which sizes are as good as the best, a column per draw, and their throughput. Logs of levels, a row each.

    ``shape`` 0: the cubic; 1: the parabola. Where no size keeps both margins, those that keep that of throughput.
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
    """Weights of levels, a row per size: of the two parabolas through three levels each, the nearer weighs more."""
    weights = np.zeros((len(sizes), len(levels)))
    for row, size in enumerate(sizes):
        right = min(max(int(np.searchsorted(levels, size)), 1), len(levels) - 1)
        share = (size - levels[right - 1]) / (levels[right] - levels[right - 1])
        parts = [(1 - share, right - 2), (share, right - 1)]
        inside = [(weight, first) for weight, first in parts if 0 <= first <= len(levels) - 3]
        for weight, first in inside:
            of = 1.0 if len(inside) == 1 else weight
            for i in range(first, first + 3):
                others = [levels[j] for j in range(first, first + 3) if j != i]
                weights[row, i] += of * math.prod((size - other) / (levels[i] - other) for other in others)
    return weights


def _sizes(levels: tuple[int, ...]) -> Floats:
    """Pools to look at: every whole number, and for long sweeps a row that thins out."""
    first, last = levels[0], levels[-1]
    beyond = np.geomspace(max(first, MOST_SIZES), max(last, MOST_SIZES), MOST_SIZES).round()
    every = {*range(first, min(last, MOST_SIZES) + 1), *(int(n) for n in beyond if n <= last), *levels}
    return np.array(sorted(every), dtype=np.float64)


def _means(scenario: SweptScenario, what: str) -> BlockedMeans | None:
    groups = [[r for r in scenario.repeats if r.level == level] for level in scenario.levels]
    return blocked_means([[(r.block, math.log(getattr(r, what))) for r in group] for group in groups])


def _drawn(logs: Floats, means: BlockedMeans, name: str) -> Floats:
    """Draws of each level's mean from its own error, as wide as Student's t of the runs' degrees of freedom."""
    from scipy.special import ndtri

    half = np.minimum(means.own_half_widths(LEVEL) / float(ndtri((1 + LEVEL) / 2)), 100.0)
    each = np.stack([scores(f"{name}.{i}")[:DRAWN] for i in range(len(logs))])
    return np.asarray(logs[:, None] + half[:, None] * each, dtype=np.float64)


def _uniform(name: str) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(scores(name)[:DRAWN]), dtype=np.float64)
