"""Service demand: what one transaction of each class costs the server.

The utilisation law U = X·D joins what a run used, U, to what it did, X. A run of one class alone gives its demand as a
ratio; runs of mixtures give them together, as the D ≥ 0 that explain all runs best.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.values import LEVEL, Interval, Refusal

MOST_CONDITION = 30.0
"""Condition number of the runs, columns of length 1, from which classes count as collinear (Belsley, Kuh, Welsch)."""
SMALLEST_SHARE = 1e-3
"""Of the greatest use in any run: a use below it is known no better, and tells nothing of the scatter (assumption)."""
LARGEST = 1e50


@dataclass(frozen=True, slots=True)
class RunUse:
    """What one run did and used, on average over its window, less what the idle server uses. None: not measured."""

    tps_by_class: Mapping[str, float]
    cpu_cores: float | None = None
    """CPU seconds a second: utilisation times cores."""
    wal_bytes_per_s: float | None = None
    block_reads_per_s: float | None = None
    held_connections: float | None = None
    """Connections inside a transaction."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one transaction costs. None: some run did not measure it, or too few runs used any."""

    transaction: str
    cpu_s: Interval | None
    wal_bytes: Interval | None
    block_reads: Interval | None
    connection_hold_s: Interval | None


def service_demands(runs: Sequence[RunUse], level: float = LEVEL) -> tuple[Demand, ...] | Refusal:
    """Demands of the classes by name, from runs of one class, of mixtures, or of both.

    Least squares of U = Σ X·D over D ≥ 0, errors taken as proportional to U (runs of an hour and of a minute scatter by
    shares, not by seconds); intervals by profile likelihood with Student's t, so that one ends at 0 where the data do;
    degrees of freedom are the runs that used any less the classes that cost any. Assumes demands that do not change
    with load: repeat runs at the load that is planned for. Refuses unusable numbers, no more runs than classes, and
    classes that rose and fell together.
    Source: utilisation law, P. J. Denning and J. P. Buzen, ACM Computing Surveys 10, 1978; collinearity, D. A.
    Belsley, E. Kuh and R. E. Welsch, Regression Diagnostics, 1980.
    """
    if (refusal := refuse_unusable(runs, level)) is not None:
        return refusal
    names = sorted({name for run in runs for name, tps in run.tps_by_class.items() if tps > 0})
    if len(runs) <= len(names):
        return Refusal(
            "too_few_runs",
            f"more runs than classes: {len(runs)} runs for {len(names)} ({', '.join(names)})",
            "run each class alone, twice",
        )
    tps = np.array([[run.tps_by_class.get(name, 0.0) for name in names] for run in runs])
    found = []
    for values in (
        [run.cpu_cores for run in runs],
        [run.wal_bytes_per_s for run in runs],
        [run.block_reads_per_s for run in runs],
        [run.held_connections for run in runs],
    ):
        answer = unit_uses(tps, values, names, level)
        if isinstance(answer, Refusal):
            return answer
        found.append(answer)
    if all(answer[0] is None for answer in found):
        return Refusal(
            "no_use",
            "a resource whose use all runs measured, and enough of them show",
            "measure CPU, WAL, reads or connections",
        )
    return tuple(Demand(name, *(column[i] for column in found)) for i, name in enumerate(names))


def cores_used(demands: Sequence[Demand], tps_by_class: Mapping[str, float]) -> Interval | Refusal:
    """The utilisation law forwards: CPU cores that a mixture keeps busy, Σ X·D.

    Ends are those of all demands at once, which is wider than their joint error. Refuses a class without a demand.
    """
    known = {demand.transaction: demand.cpu_s for demand in demands}
    low = value = high = 0.0
    level = LEVEL
    for name, tps in tps_by_class.items():
        cpu_s = known.get(name)
        if cpu_s is None:
            return Refusal("class_not_run", f"the CPU demand of {name!r}", f"run {name!r} alone, twice")
        if not 0 <= tps < LARGEST:
            return Refusal("bad_measurement", f"a rate of {name!r} of 0 or more, not {tps:g}", "correct it")
        low, value, high = low + tps * cpu_s.low, value + tps * cpu_s.value, high + tps * cpu_s.high
        level = cpu_s.level
    return Interval(low, value, high, level)


def refuse_unusable(runs: Sequence[RunUse], level: float) -> Refusal | None:
    """Refuses runs that tell no demand whatever is done with them; None where they may."""
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"take {LEVEL:g}")
    if not runs:
        return Refusal("no_valid_runs", "a run", "run each class alone, twice")
    for i, run in enumerate(runs, start=1):
        uses = (run.cpu_cores, run.wal_bytes_per_s, run.block_reads_per_s, run.held_connections)
        numbers = [*run.tps_by_class.values(), *(use for use in uses if use is not None)]
        if not all(0 <= number < LARGEST for number in numbers) or not sum(run.tps_by_class.values()) > 1 / LARGEST:
            missing = f"rates and uses of 0 or more, and a rate above 0, in run {i}, not {run}"
            return Refusal("bad_measurement", missing, "measure that run again, or leave it out")
    return None


def unit_uses(
    tps: Floats, values: Sequence[float | None], names: Sequence[str], level: float
) -> list[Interval] | list[None] | Refusal:
    """D ≥ 0 of each class in use = Σ rate·D, a row of ``tps`` for each use; the kernel of :func:`service_demands`.

    None where a use is not known, or too few of them show; refuses classes that are collinear.
    """
    from scipy.special import stdtrit

    use = np.array([math.nan if value is None else value for value in values])
    if np.isnan(use).any():
        return [None] * len(names)
    if not use.any():
        return [Interval(0.0, 0.0, 0.0, level) for _ in names]
    # In units of the greatest use, and of the greatest rate of each class, all figures are near 1.
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
    scale = [float(one) for one in unit / size]
    return [
        Interval(low * scale[i], float(best[i]) * scale[i], high * scale[i], level)
        for i in range(len(names))
        for low, high in [_profile(rows, aim, i, float(best[i]), squares, allowance)]
    ]


def _collinear(rows: Floats, names: Sequence[str]) -> Refusal | None:
    """Classes most of whose variance comes from directions in which the runs hardly differ."""
    columns = rows / np.linalg.norm(rows, axis=0)
    values, vectors = np.linalg.eigh(columns.T @ columns)
    values = np.maximum(values, 1e-14 * values[-1])
    weak = values < values[-1] / MOST_CONDITION**2
    if not weak.any():
        return None
    variances = vectors**2 / values
    inflation = variances.sum(axis=1)
    shares = variances[:, weak].sum(axis=1) / inflation
    # At least two: nothing is collinear alone.
    among = np.argsort(-shares)[: max(2, int((shares > 0.5).sum()))]
    worst = max(among, key=lambda i: inflation[i])
    together = ", ".join(sorted(names[i] for i in among))
    return Refusal(
        "collinear_classes",
        f"runs in which the shares of {together} differ: theirs rose and fell together (variance inflation "
        f"{inflation[worst]:,.0f})",
        f"run {names[worst]!r} alone, or in a clearly different share",
    )


def _non_negative(rows: Floats, aim: Floats) -> tuple[Floats, float]:
    from scipy.optimize import nnls

    found, norm = nnls(rows, aim)
    return np.asarray(found, dtype=np.float64), float(norm) ** 2


def _profile(rows: Floats, aim: Floats, i: int, value: float, squares: float, allowance: float) -> tuple[float, float]:
    """Where the best fit with demand ``i`` held is worse by the allowance; that is convex in it, so found outwards."""
    from scipy.optimize import brentq

    if allowance <= 1e-20 * float(aim @ aim):
        return value, value
    others = np.delete(rows, i, axis=1)

    def excess(held: float) -> float:
        left = aim - held * rows[:, i]
        at = _non_negative(others, left)[1] if others.shape[1] else float(left @ left)
        return math.sqrt(max(at - squares, 0.0) / allowance) - 1

    high = value + math.sqrt(allowance) / float(np.linalg.norm(rows[:, i]))
    while excess(high) <= 0:
        high = value + 2 * (high - value)
    low = 0.0 if excess(0.0) <= 0 else float(brentq(excess, 0.0, value, xtol=1e-9 * value))
    return min(low, value), max(float(brentq(excess, value, high, xtol=1e-9 * high)), value)
