"""Capacity: the greatest load up to which measured levels met the objective."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.formatting import share
from capacity.scalability.blocks import BlockedMeans, blocked_means
from capacity.scalability.repeats import pool_range
from capacity.values import LARGEST, LEVEL, Interval, Refusal

MET_PROBABILITY = 0.95
"""Least probability at which a level meets the objective."""
MOST_HINGES = 64
"""Most hinges of the fitted shape; with more levels, there is one at every second or third level."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One run at a level: throughput, the objective's percentile of response time, and its error rate.

    Throughput and response time are 0 for a run with too many errors, since they are meaningless then. Runs of one
    ``block`` were made close together, one at each level; 0 for all if that is unknown.
    """

    level: int
    throughput_tps: float
    response_ms: float
    error_share: float
    block: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """Greatest throughput of a level at which, and below which, the objective was met with P ≥ 0.95.

    ``level`` is that level; higher levels may meet the objective too, with less throughput. ``throughput_tps`` reaches
    from the greatest low end of such levels to the greatest high end of those levels and the next one, which fails.
    ``bracketed`` is False if the highest level met the objective and throughput still rose: the capacity is then a
    lower bound, its high end infinite. ``pool`` is that of :func:`capacity.scalability.repeats.pool_range`.
    """

    throughput_tps: Interval
    level: int
    bracketed: bool
    met_probability: dict[int, float]
    pool: tuple[int, int] | None


def capacity_at_objective(
    repeats: Sequence[Repeat], response_ms: float, error_share: float, level: float = LEVEL
) -> Capacity | Refusal:
    """Find the capacity for "percentile of response time ≤ ``response_ms``, error rate ≤ ``error_share``".

    Logs of response time and throughput follow level + block + run (:mod:`capacity.scalability.blocks`), so intervals
    include the drift between blocks. P(met) is Student's distribution at (ln limit − mean) / its error; a level whose
    mean error rate exceeds its limit has P = 0 and is not used otherwise. The greatest of several noisy means is biased
    upwards; so throughputs are shrunk towards the shape of every scalability law, a cycle time N/X convex in N, each
    within its own error, and the greatest is averaged with the levels that do not differ from it significantly.

    Refuses unusable numbers, a sweep without a repeated level, and a lowest level that already fails.
    """
    refusal = _unusable(repeats, response_ms, error_share, level)
    if refusal is not None:
        return refusal
    all_levels = sorted({repeat.level for repeat in repeats})
    failed = {n: float(np.mean([r.error_share for r in repeats if r.level == n])) for n in all_levels}
    if failed[all_levels[0]] > error_share:
        return Refusal(
            "too_many_errors",
            f"a level that meets the objective; the lowest, {all_levels[0]}, has an error rate of "
            f"{share(failed[all_levels[0]])}, and {share(error_share)} is allowed",
            "fix the errors, sweep lower levels, or allow more errors",
        )
    by_load: dict[int, list[Repeat]] = defaultdict(list)
    for repeat in repeats:
        if failed[repeat.level] <= error_share and repeat.throughput_tps > 0:
            by_load[repeat.level].append(repeat)
    levels = sorted(by_load)
    response = blocked_means([[(r.block, math.log(r.response_ms)) for r in by_load[n]] for n in levels])
    throughput = blocked_means([[(r.block, math.log(r.throughput_tps)) for r in by_load[n]] for n in levels])
    if response is None or throughput is None:
        return Refusal(
            "too_few_repeats",
            "a level with two valid runs, from which the scatter of runs follows",
            "sweep with --repeats 2 or more",
        )
    probable = response.probability_below(math.log(response_ms))
    met = dict.fromkeys(all_levels, 0.0) | {load: float(probable[i]) for i, load in enumerate(levels)}
    passing = 0
    while passing < len(all_levels) and met[all_levels[passing]] >= MET_PROBABILITY:
        passing += 1
    if passing == 0:
        return Refusal(
            "objective_not_met",
            f"a level that meets the objective with P ≥ {MET_PROBABILITY:g}; the lowest, {levels[0]}, has "
            f"P = {met[levels[0]]:.2f}",
            "sweep lower levels, use more repeats or longer runs, or relax the objective",
        )
    means = _shaped(np.asarray(levels, dtype=np.float64), throughput, level)
    half = throughput.half_widths(level)
    best = int(np.argmax(means[:passing]))
    most = _most(means, throughput, level)[:passing]
    # A level that lost runs has a wide interval, but the low end of a lower level holds for it too.
    surely = max(value - half[int(np.argmax(means[: i + 1]))] for i, value in enumerate(most))
    pool = pool_range({n: math.exp(mean) for n, mean in zip(levels, means, strict=True)})
    bracketed = passing < len(all_levels) or pool is not None
    return Capacity(
        throughput_tps=Interval(
            math.exp(surely),
            math.exp(most[-1]),
            _antilog(max((means + half)[: passing + 1])) if bracketed else math.inf,
            level,
        ),
        level=levels[best],
        bracketed=bracketed,
        met_probability=met,
        pool=pool,
    )


def _most(means: Floats, throughput: BlockedMeans, level: float) -> Floats:
    """Greatest log throughput up to each level, averaged with lower levels that do not differ significantly.

    The greatest of several similar means is biased upwards by most of their error; their mean is not.
    """
    own = throughput.own_half_widths(level)
    below = means[:, None] - means[None, :]
    alike = (below >= 0) & (below <= np.hypot(own[:, None], own[None, :]))
    return np.maximum.accumulate(np.where(alike, means[None, :], 0.0).sum(axis=1) / alike.sum(axis=1))


def _shaped(loads: Floats, throughput: BlockedMeans, level: float) -> Floats:
    """Log throughputs shrunk towards a convex cycle time N/X = u + vN + Σ cₖ(N − Nₖ)₊ with u, v, cₖ ≥ 0.

    In queueing networks and in the Universal Scalability Law the cycle time is convex. No level moves by more than its
    own error at ``level``.
    """
    from scipy.optimize import nnls

    if len(loads) < 3 or not (throughput.own_errors > 0).all():
        return throughput.means
    inner = loads[1:-1][:: -(-len(loads) // MOST_HINGES)]
    hinges = np.maximum(loads[:, None] - inner[None, :], 0.0)
    design = np.hstack([np.ones_like(loads)[:, None], loads[:, None], hinges])
    # Relative errors of the cycle time are those of throughput.
    rows = design * (np.exp(throughput.means) / loads / throughput.own_errors)[:, None]
    size = rows.max(axis=0)
    parts, _ = nnls(rows / size, 1 / throughput.own_errors)
    shape = np.log(loads) - np.log(design @ (parts / size))
    allowed = throughput.own_half_widths(level)
    return np.asarray(np.clip(shape, throughput.means - allowed, throughput.means + allowed), dtype=np.float64)


def _antilog(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf


def _unusable(repeats: Sequence[Repeat], response_ms: float, error_share: float, level: float) -> Refusal | None:
    if not repeats:
        return Refusal("no_valid_runs", "at least one valid run", "sweep again with longer runs")
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"use {LEVEL:g}")
    if not 0 < response_ms < math.inf:
        return Refusal("bad_objective", "an objective above 0 ms", "correct the objective")
    for repeat in repeats:
        numbers = (repeat.throughput_tps, repeat.response_ms, repeat.error_share)
        failed = numbers[:2] == (0, 0) and numbers[2] > error_share
        sensible = failed or all(1 / LARGEST < number < LARGEST for number in numbers[:2])
        if not sensible or repeat.level < 1 or not 0 <= numbers[2] <= 1:
            return Refusal(
                "bad_measurement",
                f"throughput and response time above 0, an error rate and a level of 1 or more, not {repeat}",
                "measure that level again, or leave it out",
            )
    return None
