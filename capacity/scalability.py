"""How throughput grows with concurrency: what a sweep supports, and the law that explains it.

Capacity is decided by measured levels (:func:`capacity_at_objective`). The Universal Scalability Law
(:func:`fit_usl`) explains and interpolates; far outside the measured range its predictions are off by a factor of two
in published data, so it refuses them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.repeats import PooledLogs, pool_range
from capacity.values import Interval, Refusal

Floats = npt.NDArray[np.float64]

REACH = 1.25
"""Predictions are given up to this multiple of the largest load measured."""
MET_PROBABILITY = 0.95
"""A level supports the objective from this probability on."""


# --- capacity at an objective -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repeat:
    """One valid run at a level: its throughput, the objective's percentile of response time, its failed share."""

    level: int
    throughput_tps: float
    response_ms: float
    error_share: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """The greatest load carried at a level at which, and below which, the objective was met with P ≥ 0.95.

    ``level`` is where that was; its throughput can be greater than that of higher levels that met the objective too.
    ``throughput_tps`` runs from the low end of that level's throughput to the greatest high end among those levels and
    the next, failing one. ``bracketed`` is False when the highest level still met the objective and throughput still
    rose: the capacity is then "at least", its high end infinite. ``pool``: see :func:`capacity.repeats.pool_range`.
    """

    throughput_tps: Interval
    level: int
    bracketed: bool
    met_probability: dict[int, float]
    pool: tuple[int, int] | None


def capacity_at_objective(
    repeats: Sequence[Repeat], response_ms: float, error_share: float, level: float = 0.9
) -> Capacity | Refusal:
    """The load that meets "percentile of response ≤ ``response_ms``, failed share ≤ ``error_share``".

    At each load level log response is taken as normal around the level's mean, with one standard deviation between
    runs for all levels, pooled over the r runs of each: df = Σ(r − 1), P(met) = t_df((ln limit − mean) / (s/√r)).
    A level whose mean failed share exceeds its limit has P = 0. Throughput's intervals use the same pooling, on logs.
    Refuses when nothing was repeated, or the lowest level already fails.
    """
    from scipy.stats import t as student

    refusal = _unusable_repeats(repeats, response_ms)
    if refusal is not None:
        return refusal
    by_level: dict[int, list[Repeat]] = defaultdict(list)
    for repeat in repeats:
        by_level[repeat.level].append(repeat)
    levels = sorted(by_level)
    response = PooledLogs.of([[r.response_ms for r in by_level[n]] for n in levels])
    throughput = PooledLogs.of([[r.throughput_tps for r in by_level[n]] for n in levels])
    if response.df < 1:
        return Refusal(
            "too_few_repeats",
            "the difference between runs of one level: no level has two valid runs",
            "sweep with --repeats 2 or more",
        )
    met: dict[int, float] = {}
    for i, load in enumerate(levels):
        margin = math.log(response_ms) - response.means[i]
        error = response.standard_error(i)
        p = float(student.cdf(margin / error, response.df)) if error > 0 else float(margin >= 0)
        failed = float(np.mean([r.error_share for r in by_level[load]]))
        met[load] = p if failed <= error_share else 0.0
    passing = 0
    while passing < len(levels) and met[levels[passing]] >= MET_PROBABILITY:
        passing += 1
    if passing == 0:
        return Refusal(
            "objective_not_met",
            f"a level that meets the objective with P ≥ {MET_PROBABILITY:g}: the lowest, {levels[0]}, has "
            f"P = {met[levels[0]]:.2f}",
            "sweep lower levels, repeat more often, measure longer, or relax the objective",
        )
    quantile = float(student.ppf((1 + level) / 2, throughput.df))
    best = max(range(passing), key=lambda i: throughput.means[i])
    low, value, _ = throughput.interval(best, quantile)
    pool = pool_range({n: math.exp(mean) for n, mean in zip(levels, throughput.means, strict=True)})
    bracketed = passing < len(levels) or pool is not None
    seen = (throughput.interval(i, quantile)[2] for i in range(min(passing + 1, len(levels))))
    return Capacity(
        throughput_tps=Interval(low, value, max(seen) if bracketed else math.inf, level),
        level=levels[best],
        bracketed=bracketed,
        met_probability=met,
        pool=pool,
    )


def _unusable_repeats(repeats: Sequence[Repeat], response_ms: float) -> Refusal | None:
    if not repeats:
        return Refusal("no_valid_runs", "a valid run", "sweep again, with longer runs")
    if not response_ms > 0:
        return Refusal("bad_objective", "an objective above 0 ms", "correct the objective")
    for repeat in repeats:
        numbers = (repeat.throughput_tps, repeat.response_ms, repeat.error_share)
        if not all(map(math.isfinite, numbers)) or min(numbers[:2]) <= 0 or not 0 <= numbers[2] <= 1:
            return Refusal(
                "bad_measurement",
                f"throughput and response above 0 at level {repeat.level}, not {numbers}",
                "measure that level again, or leave it out",
            )
    return None


# --- the Universal Scalability Law --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usl:
    """A fit of X(N) = γN / (1 + α(N − 1) + βN(N − 1)): contention α, coherency β, throughput of one γ.

    Standard errors are in the order α, β, γ, from the residuals with ``degrees_of_freedom``.
    """

    alpha: Interval
    beta: Interval
    gamma: Interval
    standard_errors: tuple[float, float, float]
    residual_standard_error: float
    degrees_of_freedom: int
    largest_measured: float

    @property
    def peak(self) -> float | None:
        """N* = √((1 − α)/β), where throughput is highest; None without coherency cost (β = 0), or past reach."""
        if self.beta.value <= 0:
            return None
        peak = math.sqrt(max(1 - self.alpha.value, 0.0) / self.beta.value)
        return peak if peak <= REACH * self.largest_measured else None

    def throughput(self, concurrency: float) -> float | Refusal:
        """X(N). Refused past 1.25 times the largest load measured, where the law is not identified."""
        if not 0 < concurrency <= REACH * self.largest_measured:
            return Refusal(
                "not_identified",
                f"measurements near a concurrency of {concurrency:g}: the largest is {self.largest_measured:g}",
                "sweep up to that level",
            )
        parameters = np.array([self.alpha.value, self.beta.value, self.gamma.value])
        return float(_usl(parameters, np.array([concurrency]))[0])


def fit_usl(concurrency: Sequence[float], throughput: Sequence[float], level: float = 0.9) -> Usl | Refusal:
    """Least squares of the law to measured points, 0 ≤ α ≤ 1, β ≥ 0, γ > 0.

    Intervals are t quantiles times standard errors from s²(JᵀJ)⁻¹, cut at the bounds; at a bound they are only rough.
    Source: N. J. Gunther, Guerrilla Capacity Planning, 2007. Refuses unusable points and fewer than four levels.
    """
    from scipy.optimize import least_squares
    from scipy.stats import t as student

    n = np.asarray(concurrency, dtype=np.float64)
    x = np.asarray(throughput, dtype=np.float64)
    if n.ndim != 1 or n.shape != x.shape or not (np.isfinite(n).all() and np.isfinite(x).all()):
        return Refusal("bad_measurement", "a finite throughput for each concurrency", "correct the measurements")
    if (n <= 0).any() or (x <= 0).any():
        return Refusal("bad_measurement", "concurrency and throughput above 0", "correct the measurements")
    if len(np.unique(n)) < 4:
        return Refusal("too_few_levels", "at least four levels for three parameters", "sweep more levels")

    # Each parameter is solved in its own natural size: β is some 1e5 times smaller than γ.
    unit_x, unit_n = float(x.max()), float(n.max())
    size = np.array([1.0, 1.0 / unit_n, float((x / n).max())])

    def residuals(parameters: Floats) -> Floats:
        return (_usl(parameters * size, n) - x) / unit_x

    starts = ([0.01, 0.01, 1.0], [0.5, 0.001, 1.0], [0.001, 1.0, 1.0])
    bounds = ([0.0, 0.0, 1e-9], [1.0, np.inf, np.inf])
    fits = [least_squares(residuals, s, bounds=bounds, xtol=1e-14, ftol=1e-14, gtol=1e-14) for s in starts]
    best = min(fits, key=lambda fit: float(fit.cost))
    alpha, beta, gamma = (float(v) for v in best.x * size)
    df = len(n) - 3
    s = math.sqrt(2 * float(best.cost) / df)
    jacobian = np.asarray(best.jac, dtype=np.float64)
    variances = np.diag(s**2 * np.linalg.pinv(jacobian.T @ jacobian))
    errors = [float(v) for v in np.sqrt(np.maximum(variances, 0.0)) * size]
    t = float(student.ppf((1 + level) / 2, df))
    return Usl(
        alpha=Interval(max(alpha - t * errors[0], 0.0), alpha, max(min(alpha + t * errors[0], 1.0), alpha), level),
        beta=Interval(max(beta - t * errors[1], 0.0), beta, beta + t * errors[1], level),
        gamma=Interval(max(gamma - t * errors[2], 0.0), gamma, gamma + t * errors[2], level),
        standard_errors=(errors[0], errors[1], errors[2]),
        residual_standard_error=s * unit_x,
        degrees_of_freedom=df,
        largest_measured=unit_n,
    )


def _usl(parameters: Floats, n: Floats) -> Floats:
    alpha, beta, gamma = parameters
    return np.asarray(gamma * n / (1 + alpha * (n - 1) + beta * n * (n - 1)), dtype=np.float64)
