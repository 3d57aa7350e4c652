"""Capacity: the load up to which measured levels met the objective."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.scalability.blocks import BlockedMeans, blocked_means
from capacity.scalability.repeats import pool_range
from capacity.values import LEVEL, Interval, Refusal

MET_PROBABILITY = 0.95
"""A level supports the objective from this probability on."""
MOST_HINGES = 64
"""Places where the shape may bend; with more levels, at every second, or third, …"""
LARGEST = 1e50
"""Of any measurement, and its inverse the least: what lies beyond is a slip, and would overflow."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One run at a level: its throughput, the objective's percentile of response time, its failed share.

    The first two are 0 of a run in which too many failed: what was left then measures nothing.
    ``block``: runs of one block were made close together, each level once; 0 for all where that is not known.
    """

    level: int
    throughput_tps: float
    response_ms: float
    error_share: float
    block: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """The greatest load carried at a level at which, and below which, the objective was met with P ≥ 0.95.

    ``level`` is where that was; its throughput can be greater than that of higher levels that met the objective too.
    ``throughput_tps`` runs from the greatest low end that such a level has to the greatest high end among those levels
    and the next, failing one. ``bracketed`` is False when the highest level still met the objective and throughput
    still rose: the capacity is then "at least", its high end infinite. ``pool``: see
    :func:`capacity.scalability.repeats.pool_range`.
    """

    throughput_tps: Interval
    level: int
    bracketed: bool
    met_probability: dict[int, float]
    pool: tuple[int, int] | None


def capacity_at_objective(
    repeats: Sequence[Repeat], response_ms: float, error_share: float, level: float = LEVEL
) -> Capacity | Refusal:
    """The load that meets "percentile of response ≤ ``response_ms``, failed share ≤ ``error_share``".

    Logs of response and of throughput follow level + block + run (:mod:`capacity.scalability.blocks`), so intervals
    hold the drift between blocks. P(met) is Student's distribution at (ln limit − mean) / its error; a level whose mean
    failed share exceeds its limit has P = 0, and nothing else of it counts. The greatest of several noisy means is on
    average too great; hence throughputs are drawn to the shape that every law of scalability has, cycle time N/X convex
    in N, none further than its own noise allows, and levels that their noise does not tell from the best count with it.

    Refuses unusable numbers, runs none of which was repeated, and a lowest level that already fails.
    """
    refusal = _unusable(repeats, response_ms, error_share, level)
    if refusal is not None:
        return refusal
    asked = sorted({repeat.level for repeat in repeats})
    failed = {n: float(np.mean([r.error_share for r in repeats if r.level == n])) for n in asked}
    if failed[asked[0]] > error_share:
        return Refusal(
            "too_many_errors",
            f"a level that meets the objective: the lowest, {asked[0]}, failed {failed[asked[0]]:.3%} of its "
            f"transactions, and {error_share:.3%} may fail",
            "correct what fails, sweep lower levels, or allow more errors",
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
            "the difference between runs of one level: no level has two valid runs",
            "sweep with --repeats 2 or more",
        )
    probable = response.probability_below(math.log(response_ms))
    met = dict.fromkeys(asked, 0.0) | {load: float(probable[i]) for i, load in enumerate(levels)}
    passing = 0
    while passing < len(asked) and met[asked[passing]] >= MET_PROBABILITY:
        passing += 1
    if passing == 0:
        return Refusal(
            "objective_not_met",
            f"a level that meets the objective with P ≥ {MET_PROBABILITY:g}: the lowest, {levels[0]}, has "
            f"P = {met[levels[0]]:.2f}",
            "sweep lower levels, repeat more often, measure longer, or relax the objective",
        )
    means = _shaped(np.asarray(levels, dtype=np.float64), throughput, level)
    half = throughput.half_widths(level)
    best = int(np.argmax(means[:passing]))
    most = _most(means, throughput, level)[:passing]
    # A level that lost runs has a wide interval; what a level below it is sure to carry is carried all the same.
    surely = max(value - half[int(np.argmax(means[: i + 1]))] for i, value in enumerate(most))
    pool = pool_range({n: math.exp(mean) for n, mean in zip(levels, means, strict=True)})
    bracketed = passing < len(asked) or pool is not None
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
    """The greatest log throughput up to each level, none greater than its mean with those not told from it below it.

    The greatest of several means that are alike is too great by most of their error; the mean of all of them is not.
    """
    own = throughput.own_half_widths(level)
    below = means[:, None] - means[None, :]
    alike = (below >= 0) & (below <= np.hypot(own[:, None], own[None, :]))
    return np.maximum.accumulate(np.where(alike, means[None, :], 0.0).sum(axis=1) / alike.sum(axis=1))


def _shaped(loads: Floats, throughput: BlockedMeans, level: float) -> Floats:
    """Log throughputs drawn towards a convex cycle time N/X = u + vN + Σ cₖ(N − Nₖ)₊, all of u, v, cₖ ≥ 0.

    In queueing networks, and in the Universal Scalability Law, the cycle time is convex. Where a measured level says
    otherwise by more than its own error at ``level``, the measurement has the last word.
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
        return Refusal("no_valid_runs", "a valid run", "sweep again, with longer runs")
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"take {LEVEL:g}")
    if not 0 < response_ms < math.inf:
        return Refusal("bad_objective", "an objective above 0 ms", "correct the objective")
    for repeat in repeats:
        numbers = (repeat.throughput_tps, repeat.response_ms, repeat.error_share)
        failed = numbers[:2] == (0, 0) and numbers[2] > error_share
        sensible = failed or all(1 / LARGEST < number < LARGEST for number in numbers[:2])
        if not sensible or repeat.level < 1 or not 0 <= numbers[2] <= 1:
            return Refusal(
                "bad_measurement",
                f"throughput and response above 0, and a failed share, at a level of 1 or more, not {repeat}",
                "measure that level again, or leave it out",
            )
    return None
