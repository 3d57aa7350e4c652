"""Fit of the Universal Scalability Law to measured throughputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from capacity.arrays import Floats
from capacity.scalability.law import Law
from capacity.scalability.profile import Profile, standard_errors
from capacity.scalability.solve import Points, columns, solve
from capacity.scalability.usl import REACH, Model, Usl
from capacity.values import LEVEL, Interval, Refusal

LEAST_LEVELS = 4
"""Least levels: one more than the law has parameters."""
DOUBT = 0.05
"""Significance level of the F test by which a parameter of the law is kept."""
EXACT = 1e-9
"""Share of the throughput below which a deviation counts as rounding, so that the points lie on the law."""
TINY = 1e-50
"""Least measurement, and the inverse of the greatest, so that no square overflows."""


def fit_usl(
    concurrency: Sequence[float],
    throughput: Sequence[float],
    level: float = LEVEL,
    spreads: Sequence[float] | None = None,
) -> Usl | Refusal:
    """Fit the law to measured points by least squares, with 0 ≤ α ≤ 1, β ≥ 0, γ > 0.

    Points come in any order; several at one concurrency are its runs. ``spreads`` are the points' standard deviations
    up to a common factor (default: all equal). The variance is that about the law; if the runs of one load agree better
    with each other than with the law (F test, 5 %), it is that of the loads' means, with fewer degrees of freedom.
    Refuses unusable points, fewer than four levels, and throughput that falls so fast that γ is unbounded.
    Source: N. J. Gunther, Guerrilla Capacity Planning, 2007.
    """
    from scipy.special import fdtri, stdtrit

    n, x = np.asarray(concurrency, dtype=np.float64), np.asarray(throughput, dtype=np.float64)
    spread = np.ones_like(n) if spreads is None else np.asarray(spreads, dtype=np.float64)
    if (refusal := unusable(n, x, spread, level)) is not None:
        return refusal
    points, within, pure_df = _grouped(n, x, spread)
    design = columns(points.n)
    fits = [solve(points, design[:, :size]) for size in (1, 2)]
    # The smaller laws are special cases of the full law, whose fit must not be worse than theirs.
    inner = min(fits, key=lambda fit: fit.squares)
    within_it = np.append(inner.parts, np.zeros(3 - len(inner.parts)))
    best = min((solve(points, design, start=start) for start in (None, within_it)), key=lambda fit: fit.squares)
    if best.parts[0] + best.parts[1] <= 0:
        missing = "throughput at low concurrency; it falls so fast that that of concurrency 1 is unknown"
        return Refusal("not_identified", missing, "measure a concurrency of 1")
    df = len(points.n) - 3 + pure_df
    variance, misfit_df = (best.squares + within) / df, len(points.n) - 3
    if pure_df and best.squares / misfit_df > fdtri(misfit_df, pure_df, 1 - DOUBT) * within / pure_df:
        variance, df = best.squares / misfit_df, misfit_df
    if variance <= (EXACT * float(x.max())) ** 2 * float(points.weight.min()):
        variance = 0.0
    doubts = (
        _doubt(fits[0].squares - fits[1].squares, variance, df),
        _doubt(fits[1].squares - best.squares, variance, df),
    )
    t = float(stdtrit(df, (1 + level) / 2))
    profile = Profile.of(points, best, t * t * variance)
    u, v, c = (float(part) for part in best.parts)
    law = Law(min(v / (u + v), 1.0), c / (u + v), 1 / (u + v), REACH * float(points.n[-1]))
    beta = Interval(*_around(law.beta, profile.beta(law.beta)), level)
    alpha_low, alpha, alpha_high = _around(law.alpha, profile.alpha(law.alpha))
    peak, identified = _peak(law, beta, profile)
    order = np.argsort(n)
    return Usl(
        alpha=Interval(alpha_low, alpha, min(alpha_high, 1.0), level),
        beta=beta,
        gamma=Interval(*_around(law.gamma, profile.throughput(1.0, law.gamma)), level),
        model=Model.USL if doubts[1] < DOUBT else Model.AMDAHL if doubts[0] < DOUBT else Model.LINEAR,
        doubts=doubts,
        standard_errors=standard_errors(points, best.parts, variance),
        residual_standard_error=math.sqrt(variance),
        degrees_of_freedom=df,
        largest_measured=float(points.n[-1]),
        peak_interval=peak,
        identified=identified,
        drift=0.0,
        _profile=profile,
        _spreads=(n[order], spread[order]),
        _t=t,
    )


def unusable(n: Floats, x: Floats, spread: Floats, level: float) -> Refusal | None:
    """Refuse points that no law can be fitted to; return None for others."""

    def bad(missing: str) -> Refusal:
        return Refusal("bad_measurement", missing, "correct the measurements, or leave out those that are not")

    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"use {LEVEL:g}")
    if n.ndim != 1 or n.shape != x.shape or n.shape != spread.shape:
        return bad("one throughput for each concurrency, and one spread each if spreads are given")
    for values, expected, is_valid in (
        (n, "a concurrency of 1 or more", n >= 1),
        (x, "a throughput above 0", x > TINY),
    ):
        invalid = np.flatnonzero(~(is_valid & (values < 1 / TINY)))
        if len(invalid):
            return bad(f"{expected} at point {invalid[0] + 1}, not {values[invalid[0]]:g}")
    if not ((spread > TINY) & (spread < 1 / TINY)).all():
        return bad("a spread above 0 for each point")
    if (levels := len(np.unique(n))) < LEAST_LEVELS:
        return Refusal(
            "too_few_levels",
            f"at least {LEAST_LEVELS} levels for three parameters; {levels} given",
            "sweep more levels",
        )
    return None


def _grouped(n: Floats, x: Floats, spread: Floats) -> tuple[Points, float, int]:
    """Weighted means by level, the sum of squares within levels, and its degrees of freedom."""
    levels, at = np.unique(n, return_inverse=True)
    weight = 1 / spread**2
    total = np.asarray(np.bincount(at, weight), dtype=np.float64)
    mean = np.asarray(np.bincount(at, weight * x), dtype=np.float64) / total
    within = float(np.sum(weight * (x - mean[at]) ** 2))
    return Points(levels, mean, total), within, len(n) - len(levels)


def _doubt(fall: float, variance: float, df: int) -> float:
    """Probability that a superfluous parameter reduces the sum of squares by as much as ``fall``."""
    from scipy.special import fdtrc

    if fall <= 0:
        return 0.5
    return 0.5 * float(fdtrc(1, df, fall / variance)) if variance > 0 else 0.0


def _peak(law: Law, beta: Interval, profile: Profile) -> tuple[Interval | None, bool]:
    """Interval of the peak, None without one, and whether the data decide if there is a peak."""
    if law.beta == 0 or beta.low == 0:
        bend = law.beta / (1 - law.alpha) if law.alpha < 1 else math.inf
        if math.isinf(bend):
            return None, False
        _, high = profile.bend(bend)
        return None, high * law.reach**2 < 1
    if law.peak is None:
        return None, False
    if law.alpha == 1:
        return Interval(1.0, 1.0, 1.0, beta.level), True
    low, high = profile.bend(law.beta / (1 - law.alpha))
    ends = (max(1 / math.sqrt(high), 1.0), law.peak, max(1 / math.sqrt(low), 1.0) if low > 0 else math.inf)
    return Interval(min(ends), law.peak, max(ends), beta.level), True


def _around(value: float, ends: tuple[float, float]) -> tuple[float, float, float]:
    return min(ends[0], value), value, max(ends[1], value)
