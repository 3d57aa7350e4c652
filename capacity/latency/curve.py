"""Measured latency curve: a percentile of response time by load.

A sweep gives a percentile of response time at each level of concurrency. More load never shortens it, so the levels'
means are fitted by a rising curve (isotonic in logs, weighted by their errors); between levels it is a monotone cubic
(Fritsch and Carlson's) in log concurrency and log response time, and the interval widens there by the uncertainty of a
smooth curve through the levels (:mod:`capacity.scalability.bend`). Utilisation is throughput over the greatest of the
sweep, which needs no measurement of the server's CPU.

:mod:`capacity.latency.bounds` has bounds by queueing laws.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from capacity.arrays import Floats
from capacity.scalability.bend import MOST_LEVELS, Bend, bend
from capacity.scalability.blocks import BlockedMeans, blocked_means
from capacity.scalability.objective import MET_PROBABILITY
from capacity.values import LARGEST, LEVEL, MOST_LOG_HALF, Interval, Refusal

LEAST_LEVELS = 3

STILL_RISING = 0.02
"""Gain of throughput at the last level, beyond a standard error, above which the sweep did not reach saturation.
Assumption: a server with headroom gains far more from twice the connections."""

HALVINGS = 40
"""Bisection steps for a crossing of the curve, to a precision of 10⁻¹² of the levels' range."""


@dataclass(frozen=True, slots=True)
class LatencyRun:
    """Throughput and a percentile of response time of one valid run. ``block`` is as in ``scalability.Repeat``."""

    level: int
    block: int
    throughput_tps: float
    response_ms: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Means over the runs of one level: throughput, its share of the greatest, and the percentile of response time."""

    level: int
    throughput_tps: float
    utilisation: Interval
    response_ms: Interval


@dataclass(frozen=True, slots=True)
class Target:
    """Target utilisation of a server for an objective.

    ``utilisation`` is the greatest at which the objective is met with P ≥ 0.95, ``level`` the concurrency there;
    ``crossing`` is the utilisation at which the curve itself crosses the objective, with its interval.
    """

    utilisation: float
    level: float
    crossing: Interval
    met_everywhere: bool
    """True if all measured levels meet the objective, so that the utilisation is a lower bound."""


@dataclass(frozen=True, slots=True)
class LatencyCurve:
    """A percentile of response time by concurrency, from a sweep."""

    points: tuple[CurvePoint, ...]
    level: float
    saturated: bool
    """True if throughput no longer rises at the highest level, so that the greatest is the server's limit."""
    greatest_tps: Interval
    """Throughput of the best level, with the drift between blocks in its interval."""
    _response: BlockedMeans = field(repr=False, compare=False)
    _rising: Floats = field(repr=False, compare=False)
    _between: Callable[[Floats], Floats] = field(repr=False, compare=False)
    """Log response time by log concurrency: a rising curve through the levels."""
    _bend: Bend = field(repr=False, compare=False)

    def predict_ms(self, concurrency: float) -> Interval | Refusal:
        """Predict the percentile of one further run, in a block of its own. Refuses outside the measured levels."""
        first, last = self.points[0].level, self.points[-1].level
        if not first <= concurrency <= last:
            missing = f"a measured level beyond {concurrency:g}; the sweep has levels from {first} to {last}"
            return Refusal("not_identified", missing, f"sweep level {concurrency:g} too")
        value = float(self._between(np.log([concurrency]))[0])
        smooth, error = self._bend.at(concurrency)
        common = float(np.mean(self._response.errors**2 - self._response.own_errors**2))
        few, many = self._quantile(self._response.block_df), self._quantile(self._response.run_df)
        half = math.hypot(
            smooth - value,
            error * many,
            math.sqrt(max(common, 0.0)) * few,
            self._response.run_sd * many,
            self._response.block_sd * few,
        )
        return Interval.from_log(value, half, self.level)

    def target(self, response_ms: float) -> Target | Refusal:
        """Find the utilisation at which the percentile is at most ``response_ms``; see :class:`Target`.

        Refuses if no level meets it with P ≥ 0.95, and if throughput still rises at the highest level, since the
        server's greatest throughput is then unknown.
        """
        if not 1 / LARGEST < response_ms < LARGEST:
            return Refusal("bad_objective", f"a response time above 0 ms, not {response_ms:g}", "correct it")
        if not self.saturated:
            missing = "saturation: throughput still rises at the sweep's highest level"
            return Refusal("not_saturated", missing, "sweep higher levels")
        sure, likely, hardly = (self._crossing(math.log(response_ms), p) for p in (MET_PROBABILITY, 0.5, 0.05))
        if sure is None or likely is None or hardly is None:
            met = self._met(0, math.log(response_ms))
            missing = f"a level that meets the objective; the lowest, {self.points[0].level}, does with P = {met:.2f}"
            return Refusal("objective_not_met", missing, "sweep lower levels, or relax the objective")
        # Probabilities are interpolated linearly, the curve is not, so the sure level is kept below the crossing.
        sure = min(sure, likely)
        middle = self._utilisation(likely)
        # The errors of the crossing's concurrency and of the utilisation there are independent, so they add as squares.
        own = self._share_error(middle)
        low, high = (abs(math.log(self._utilisation(n) / middle)) for n in (sure, hardly))
        crossing = Interval(
            middle * math.exp(-math.hypot(low, own)), middle, min(middle * math.exp(math.hypot(high, own)), 1.0), LEVEL
        )
        last = len(self.points) - 1
        return Target(
            utilisation=self._utilisation(sure),
            level=sure,
            crossing=crossing,
            met_everywhere=self._met(last, math.log(response_ms)) >= MET_PROBABILITY,
        )

    def share_at(self, response_ms: Floats) -> Floats:
        """Return the utilisation at which the curve crosses each limit; 0 below the lowest level's response time.

        The curve's own interval is left out, since the limits are draws.
        """
        limits = np.log(np.maximum(response_ms, 1 / LARGEST))
        shares = np.interp(self._reach(limits), self._logs, self._shares)
        return np.asarray(np.where(limits < self._rising[0], 0.0, shares), dtype=np.float64)

    def drawn(self, between: int = 12) -> tuple[tuple[float, float], ...]:
        """Return utilisation and response time in ms along the curve, for a chart, with points ``between`` levels.

        Beyond the best level throughput falls while load does not, so the curve is vertical there.
        """
        steps = np.linspace(0, 1, between + 1, endpoint=False)
        logs = np.append((self._logs[:-1, None] + np.diff(self._logs)[:, None] * steps).ravel(), self._logs[-1])
        shares, responses = np.interp(logs, self._logs, self._shares), np.exp(self._between(logs))
        return tuple(zip(shares.tolist(), responses.tolist(), strict=True))

    @property
    def _logs(self) -> Floats:
        return np.log([point.level for point in self.points])

    def _reach(self, limits: Floats) -> Floats:
        """Log concurrency up to which the curve is at most each log limit, within the levels, by bisection."""
        logs = self._logs
        low, high = np.full_like(limits, logs[0]), np.full_like(limits, logs[-1])
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_within = self._between(middle) <= limits
            low, high = np.where(is_within, middle, low), np.where(is_within, high, middle)
        return high

    def _quantile(self, df: int) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(max(df, 1), (1 + self.level) / 2))

    def _met(self, i: int, limit: float) -> float:
        """Probability that level ``i`` meets a limit, given as a log response time."""
        margin = limit - float(self._rising[i] - self._response.means[i])
        return float(self._response.probability_below(margin)[i])

    def _crossing(self, limit: float, probability: float) -> float | None:
        """Concurrency up to which P(met) ≥ ``probability``, linear in log concurrency between levels."""
        met = [self._met(i, limit) for i in range(len(self.points))]
        if met[0] < probability:
            return None
        for i, p in enumerate(met[1:], start=1):
            if p < probability:
                share = (met[i - 1] - probability) / (met[i - 1] - p)
                x = self._logs[i - 1] + share * (self._logs[i] - self._logs[i - 1])
                # P may fall from 1 to 0 within one step; the curve gives the median crossing more precisely.
                if probability == 0.5:
                    x = min(max(float(self._reach(np.array([limit]))[0]), self._logs[i - 1]), self._logs[i])
                return float(math.exp(x))
        return float(self.points[-1].level)

    @property
    def _shares(self) -> Floats:
        """Utilisation of the levels. Beyond the peak it stays at 1: throughput falls, but the server stays as busy."""
        return np.maximum.accumulate([point.utilisation.value for point in self.points])

    def _utilisation(self, concurrency: float) -> float:
        return float(np.interp(math.log(concurrency), self._logs, self._shares))

    def _share_error(self, utilisation: float) -> float:
        """Half-width of the logarithm of a utilisation, interpolated between levels."""
        halves = [math.log(point.utilisation.value / point.utilisation.low) for point in self.points]
        return float(np.interp(utilisation, self._shares, halves))


def latency_curve(runs: Sequence[LatencyRun], level: float = LEVEL) -> LatencyCurve | Refusal:
    """Fit the latency curve of one percentile to a sweep's runs.

    Refuses unusable numbers, fewer than three or more than 128 levels, and a sweep without a repeated level.
    """
    from scipy.interpolate import PchipInterpolator
    from scipy.optimize import isotonic_regression

    if (refusal := _unusable(runs, level)) is not None:
        return refusal
    by_level: dict[int, list[LatencyRun]] = defaultdict(list)
    for run in runs:
        by_level[run.level].append(run)
    levels = sorted(by_level)
    response = blocked_means([[(r.block, math.log(r.response_ms)) for r in by_level[n]] for n in levels])
    throughput = blocked_means([[(r.block, math.log(r.throughput_tps)) for r in by_level[n]] for n in levels])
    if response is None or throughput is None:
        return Refusal(
            "too_few_repeats", "two valid runs of a level, from which the scatter follows", "repeat the sweep"
        )
    weights = 1 / np.maximum(response.own_errors**2, 1e-12)
    rising = isotonic_regression(response.means, weights=weights).x
    best = int(np.argmax(throughput.means))
    halves = response.half_widths(level)
    points = tuple(
        CurvePoint(
            n,
            math.exp(throughput.means[i]),
            _share(throughput, i, best, level),
            Interval.from_log(float(rising[i]), float(halves[i]) + abs(float(rising[i] - response.means[i])), level),
        )
        for i, n in enumerate(levels)
    )
    logs = np.log(np.array(levels, dtype=np.float64))
    before = int(np.argmax(throughput.means[:-1]))
    error = math.hypot(throughput.own_errors[-1], throughput.own_errors[before])
    return LatencyCurve(
        points=points,
        level=level,
        greatest_tps=Interval.from_log(
            float(throughput.means[best]), float(throughput.half_widths(level)[best]), level
        ),
        saturated=bool(throughput.means[-1] - throughput.means[before] - error <= math.log1p(STILL_RISING)),
        _response=response,
        _rising=rising,
        _between=PchipInterpolator(logs, rising),
        _bend=bend(np.array(levels, dtype=np.float64), rising, response.own_errors),
    )


def _unusable(runs: Sequence[LatencyRun], level: float) -> Refusal | None:
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"use {LEVEL:g}")
    for i, run in enumerate(runs, start=1):
        if not all(1 / LARGEST < value < LARGEST for value in (run.level, run.throughput_tps, run.response_ms)):
            missing = f"level, throughput and response time above 0 in run {i}, not {run}"
            return Refusal("bad_measurement", missing, "measure that run again, or leave it out")
    if (count := len({run.level for run in runs})) < LEAST_LEVELS:
        return Refusal("too_few_levels", f"at least {LEAST_LEVELS} levels; {count} given", "sweep more levels")
    if count > MOST_LEVELS:
        return Refusal("too_many_levels", f"at most {MOST_LEVELS} levels; {count} given", "leave some out")
    return None


def _share(throughput: BlockedMeans, i: int, best: int, level: float) -> Interval:
    """Throughput of a level over that of the best; drift is common to both."""
    value = float(throughput.means[i] - throughput.means[best])
    halves = throughput.own_half_widths(level)
    half = 0.0 if i == best else min(float(math.hypot(halves[i], halves[best])), MOST_LOG_HALF)
    return Interval(
        math.exp(value - half), math.exp(value), max(min(math.exp(value + half), 1.0), math.exp(value)), level
    )
