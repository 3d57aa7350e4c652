"""Service demand of one transaction of each class.

By the utilisation law U = X·D, a run of one class gives its demand as the ratio of use U to throughput X; runs of
mixtures give the demands of all classes as the D ≥ 0 that fit all runs best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.formatting import counted
from capacity.values import LARGEST, LEVEL, Interval, Refusal

MOST_CONDITION = 30.0
"""Condition number of the runs, columns of length 1, above which classes are collinear (Belsley, Kuh, Welsch)."""
SMALLEST_SHARE = 1e-3
"""Share of the greatest use in any run below which a use does not inform on the scatter (assumption)."""


@dataclass(frozen=True, slots=True)
class RunUse:
    """Mean throughput and resource use of one run, less that of the idle server; None where not measured."""

    tps_by_class: Mapping[str, float]
    cpu_cores: float | None = None
    """Busy cores: utilisation times number of cores."""
    wal_bytes_per_s: float | None = None
    block_reads_per_s: float | None = None
    held_connections: float | None = None
    """Mean number of connections in a transaction."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Service demand of one transaction. None where some run did not measure it, or too few runs used any."""

    transaction: str
    cpu_s: Interval | None
    wal_bytes: Interval | None
    block_reads: Interval | None
    connection_hold_s: Interval | None


def service_demands(runs: Sequence[RunUse], level: float = LEVEL) -> tuple[Demand, ...] | Refusal:
    """Estimate the demands of all classes, sorted by name, from runs of one class, of mixtures, or of both.

    Least squares of U = Σ X·D over D ≥ 0 with errors proportional to U; intervals by profile likelihood with Student's
    t, so they end at 0 where the data do; degrees of freedom are the runs with any use less the classes with any
    demand. Assumes that demands do not change with load, so repeat runs at the planned load. Refuses unusable numbers,
    no more runs than classes, and collinear classes.
    Source: utilisation law, P. J. Denning and J. P. Buzen, ACM Computing Surveys 10, 1978; collinearity, D. A.
    Belsley, E. Kuh and R. E. Welsch, Regression Diagnostics, 1980.
    """
    if (refusal := refuse_unusable(runs, level)) is not None:
        return refusal
    names = sorted({name for run in runs for name, tps in run.tps_by_class.items() if tps > 0})
    if len(runs) <= len(names):
        return Refusal(
            "too_few_runs",
            f"more runs than classes; {counted(len(runs), 'run')} for {len(names)} ({', '.join(names)})",
            "run each class alone, twice",
        )
    tps = np.array([[run.tps_by_class.get(name, 0.0) for name in names] for run in runs])
    by_resource = []
    for values in (
        [run.cpu_cores for run in runs],
        [run.wal_bytes_per_s for run in runs],
        [run.block_reads_per_s for run in runs],
        [run.held_connections for run in runs],
    ):
        demands = unit_uses(tps, values, names, level)
        if isinstance(demands, Refusal):
            return demands
        by_resource.append(demands)
    if all(demands[0] is None for demands in by_resource):
        return Refusal(
            "no_use",
            "a resource that all runs measured and enough of them used",
            "measure CPU, WAL, block reads or connections",
        )
    return tuple(Demand(name, *(column[i] for column in by_resource)) for i, name in enumerate(names))


def cores_used(demands: Sequence[Demand], tps_by_class: Mapping[str, float]) -> Interval | Refusal:
    """Return the cores that a mixture keeps busy by the utilisation law, Σ X·D.

    The ends are the sums of all demands' ends, wider than their joint error. Refuses a class without a demand.
    """
    known = {demand.transaction: demand.cpu_s for demand in demands}
    low = value = high = 0.0
    level = LEVEL
    for name, tps in tps_by_class.items():
        cpu_s = known.get(name)
        if cpu_s is None:
            return Refusal("class_not_run", f"the CPU demand of {name!r}", f"run {name!r} alone, twice")
        if not 0 <= tps < LARGEST:
            return Refusal("bad_measurement", f"a throughput of {name!r} of 0 or more, not {tps:g}", "correct it")
        low, value, high = low + tps * cpu_s.low, value + tps * cpu_s.value, high + tps * cpu_s.high
        level = cpu_s.level
    return Interval(low, value, high, level)


def refuse_unusable(runs: Sequence[RunUse], level: float) -> Refusal | None:
    """Refuse runs from which no demand can follow; return None for others."""
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"use {LEVEL:g}")
    if not runs:
        return Refusal("no_valid_runs", "at least one run", "run each class alone, twice")
    for i, run in enumerate(runs, start=1):
        uses = (run.cpu_cores, run.wal_bytes_per_s, run.block_reads_per_s, run.held_connections)
        numbers = [*run.tps_by_class.values(), *(use for use in uses if use is not None)]
        if not all(0 <= number < LARGEST for number in numbers) or not sum(run.tps_by_class.values()) > 1 / LARGEST:
            missing = f"throughputs and uses of 0 or more, and a throughput above 0, in run {i}, not {run}"
            return Refusal("bad_measurement", missing, "measure that run again, or leave it out")
    return None


def unit_uses(
    tps: Floats, values: Sequence[float | None], names: Sequence[str], level: float
) -> list[Interval] | list[None] | Refusal:
    """Estimate D ≥ 0 of each class in use = Σ rate·D, with a row of ``tps`` for each use, for one resource.

    Demands are None where a use is unknown, or too few are above 0. Refuses collinear classes.
    """
    from scipy.special import stdtrit

    use = np.array([math.nan if value is None else value for value in values])
    if np.isnan(use).any():
        return [None] * len(names)
    if not use.any():
        return [Interval(0.0, 0.0, 0.0, level) for _ in names]
    # Scaled by the greatest use and by the greatest rate of each class, all numbers are near 1.
    unit, size = float(use.max()), tps.max(axis=0)
    weight = 1 / np.maximum(use / unit, SMALLEST_SHARE)
    rows, aim = tps / size * weight[:, None], use / unit * weight
    if (refusal := _collinear(rows, names)) is not None:
        return refusal
    best, squares = _non_negative(rows, aim)
    telling = use > SMALLEST_SHARE * unit
    df = int(telling.sum()) - int((best > 0).sum())
    if df < 1:
        return [None] * len(names)
    variance = float(np.sum((aim - rows @ best)[telling] ** 2)) / df
    allowance = float(stdtrit(df, (1 + level) / 2)) ** 2 * variance
    scale = [float(ratio) for ratio in unit / size]
    return [
        Interval(low * scale[i], float(best[i]) * scale[i], high * scale[i], level)
        for i in range(len(names))
        for low, high in [_profile(rows, aim, i, float(best[i]), squares, allowance)]
    ]


def _collinear(rows: Floats, names: Sequence[str]) -> Refusal | None:
    """Refusal of classes whose variance is mostly in directions in which the runs hardly differ; else None."""
    columns = rows / np.linalg.norm(rows, axis=0)
    values, vectors = np.linalg.eigh(columns.T @ columns)
    values = np.maximum(values, 1e-14 * values[-1])
    weak = values < values[-1] / MOST_CONDITION**2
    if not weak.any():
        return None
    variances = vectors**2 / values
    inflation = variances.sum(axis=1)
    shares = variances[:, weak].sum(axis=1) / inflation
    # At least two, since a single class is not collinear.
    among = np.argsort(-shares)[: max(2, int((shares > 0.5).sum()))]
    worst = max(among, key=lambda i: inflation[i])
    together = ", ".join(sorted(names[i] for i in among))
    return Refusal(
        "collinear_classes",
        f"runs in which {together} have different shares; theirs rose and fell together (variance inflation "
        f"{inflation[worst]:,.0f})",
        f"run {names[worst]!r} alone, or with a clearly different share",
    )


def _non_negative(rows: Floats, aim: Floats) -> tuple[Floats, float]:
    from scipy.optimize import nnls

    solution, norm = nnls(rows, aim)
    return np.asarray(solution, dtype=np.float64), float(norm) ** 2


def _profile(rows: Floats, aim: Floats, i: int, value: float, squares: float, allowance: float) -> tuple[float, float]:
    """Values of demand ``i`` at which the best fit is worse by the allowance; the excess is convex in it."""
    from scipy.optimize import brentq

    if allowance <= 1e-20 * float(aim @ aim):
        return value, value
    others = np.delete(rows, i, axis=1)

    def excess(demand: float) -> float:
        left = aim - demand * rows[:, i]
        squares_there = _non_negative(others, left)[1] if others.shape[1] else float(left @ left)
        return math.sqrt(max(squares_there - squares, 0.0) / allowance) - 1

    high = value + math.sqrt(allowance) / float(np.linalg.norm(rows[:, i]))
    while excess(high) <= 0:
        high = value + 2 * (high - value)
    low = 0.0 if excess(0.0) <= 0 else float(brentq(excess, 0.0, value, xtol=1e-9 * value))
    return min(low, value), max(float(brentq(excess, value, high, xtol=1e-9 * high)), value)
