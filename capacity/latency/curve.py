"""Latency against load: the measured curve that decides, and the laws of queueing as bounds beside it.

A sweep gives a percentile of response at each level of concurrency. More load never makes it shorter, so the means of
levels are drawn to a rising curve (isotonic in logs, each level weighing by what it is known to); between levels a
cubic goes on rising (Fritsch and Carlson's) in log concurrency and log response, and the interval widens there by what
the levels do not tell of a smooth curve (:mod:`capacity.scalability.bend`). Utilisation is throughput over the greatest
that the sweep reached, which needs no look at the server's CPU.

Bounds by the laws of queueing stand beside it in :mod:`capacity.latency.bounds`.
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
from capacity.values import LEVEL, MOST_LOG_HALF, Interval, Refusal

LEAST_LEVELS = 3
MET_PROBABILITY = 0.95
"""From it on an objective counts as met, as in :mod:`capacity.scalability`."""
STILL_RISING = 0.02
"""Throughput of the last level over the best before it, by more than a standard error: more, and the sweep did not
reach what the server can do. Assumption; a server with room left gains far more from a doubling of connections."""
LARGEST = 1e50
HALVINGS = 40
"""Of the levels' range, to find where the curve crosses: a part in 10¹² of it."""


@dataclass(frozen=True, slots=True)
class LatencyRun:
    """One valid run: throughput and a percentile of its response time. ``block`` as in ``scalability.Repeat``."""

    level: int
    block: int
    throughput_tps: float
    response_ms: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A measured level: its share of the greatest throughput, and the percentile of response, means of its runs."""

    level: int
    throughput_tps: float
    utilisation: Interval
    response_ms: Interval


@dataclass(frozen=True, slots=True)
class Target:
    """How busy a server may be for an objective to be met.

    ``utilisation`` is the greatest at which it is met with P ≥ 0.95, ``level`` the concurrency there; ``crossing``
    is where the curve itself crosses the objective, with its interval.
    """

    utilisation: float
    level: float
    crossing: Interval
    met_everywhere: bool
    """No level measured misses it: the answer is "at least"."""


@dataclass(frozen=True, slots=True)
class LatencyCurve:
    """One percentile of response against concurrency, from a sweep."""

    points: tuple[CurvePoint, ...]
    level: float
    saturated: bool
    """Throughput no longer rose at the end: the greatest measured is what the server can do."""
    greatest_tps: Interval
    """Throughput of the best level, with the drift between blocks in its interval."""
    _response: BlockedMeans = field(repr=False, compare=False)
    _rising: Floats = field(repr=False, compare=False)
    _between: Callable[[Floats], Floats] = field(repr=False, compare=False)
    """Log response at log concurrencies: through the levels, and rising between them."""
    _bend: Bend = field(repr=False, compare=False)

    def response_ms(self, concurrency: float) -> Interval | Refusal:
        """The mean of runs at a concurrency within those measured; refused outside of them."""
        return self._at(concurrency, further_run=False)

    def predict_ms(self, concurrency: float) -> Interval | Refusal:
        """The same of one further run, which scatters, and drifts as a block of its own does; refused likewise."""
        return self._at(concurrency, further_run=True)

    def target(self, response_ms: float) -> Target | Refusal:
        """How busy the server may be for the percentile to be at most ``response_ms``; see :class:`Target`.

        Refuses where no level meets it with P ≥ 0.95, and where throughput still rose at the last level, so that
        nothing tells what share of the server's own the load was.
        """
        if not 1 / LARGEST < response_ms < LARGEST:
            return Refusal("bad_objective", f"a response time above 0 ms, not {response_ms:g}", "correct it")
        if not self.saturated:
            missing = "throughput that no longer rises: the sweep ended below what the server can do"
            return Refusal("not_saturated", missing, "sweep higher levels")
        sure, likely, hardly = (self._crossing(math.log(response_ms), p) for p in (MET_PROBABILITY, 0.5, 0.05))
        if sure is None or likely is None or hardly is None:
            met = self._met(0, math.log(response_ms))
            missing = f"a level that meets it: at the lowest, {self.points[0].level}, P is {met:.2f}"
            return Refusal("objective_not_met", missing, "sweep lower levels, or relax the objective")
        # Probabilities are taken as linear between levels, the curve is not: what is sure ends before it crosses.
        sure = min(sure, likely)
        middle = self._utilisation(likely)
        # Where it crosses, and how well the share there is known: independent, so halves add as squares of logs.
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
        """Utilisation at which the curve crosses each limit: 0 below the lowest level's response, the greatest beyond.

        The curve itself, without its interval: for limits that are themselves drawn.
        """
        limits = np.log(np.maximum(response_ms, 1 / LARGEST))
        shares = np.interp(self._reach(limits), self._logs, self._shares)
        return np.asarray(np.where(limits < self._rising[0], 0.0, shares), dtype=np.float64)

    def drawn(self, between: int = 12) -> tuple[tuple[float, float], ...]:
        """For a picture: utilisation and response in ms along the curve that decides, so many points between levels.

        Past the best level throughput falls and load does not, so that the curve goes straight up there.
        """
        steps = np.linspace(0, 1, between + 1, endpoint=False)
        logs = np.append((self._logs[:-1, None] + np.diff(self._logs)[:, None] * steps).ravel(), self._logs[-1])
        shares, responses = np.interp(logs, self._logs, self._shares), np.exp(self._between(logs))
        return tuple(zip(shares.tolist(), responses.tolist(), strict=True))

    @property
    def _logs(self) -> Floats:
        return np.log([point.level for point in self.points])

    def _at(self, concurrency: float, *, further_run: bool) -> Interval | Refusal:
        first, last = self.points[0].level, self.points[-1].level
        if not first <= concurrency <= last:
            missing = f"a measured level beyond {concurrency:g}: the sweep went from {first} to {last}"
            return Refusal("not_identified", missing, f"sweep {concurrency:g} too")
        value = float(self._between(np.log([concurrency]))[0])
        smooth, error = self._bend.at(concurrency)
        common = float(np.mean(self._response.errors**2 - self._response.own_errors**2))
        half = math.hypot(
            smooth - value,
            error * self._quantile(self._response.run_df),
            math.sqrt(max(common, 0.0)) * self._quantile(self._response.block_df),
        )
        if further_run:
            runs = self._response.run_sd * self._quantile(self._response.run_df)
            blocks = self._response.block_sd * self._quantile(self._response.block_df)
            half = math.hypot(half, runs, blocks)
        return Interval.of_log(value, half, self.level)

    def _reach(self, limits: Floats) -> Floats:
        """The inverse: log concurrency up to which the curve keeps to each log limit, by halving; within the levels."""
        logs = self._logs
        low, high = np.full_like(limits, logs[0]), np.full_like(limits, logs[-1])
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            kept = self._between(middle) <= limits
            low, high = np.where(kept, middle, low), np.where(kept, high, middle)
        return high

    def _quantile(self, df: int) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(max(df, 1), (1 + self.level) / 2))

    def _met(self, i: int, limit: float) -> float:
        """Probability that level ``i`` meets it."""
        margin = limit - float(self._rising[i] - self._response.means[i])
        return float(self._response.probability_below(margin)[i])

    def _crossing(self, limit: float, probability: float) -> float | None:
        """The concurrency up to which P(met) ≥ ``probability``, linear in log concurrency between levels."""
        met = [self._met(i, limit) for i in range(len(self.points))]
        if met[0] < probability:
            return None
        for i, p in enumerate(met[1:], start=1):
            if p < probability:
                share = (met[i - 1] - probability) / (met[i - 1] - p)
                x = self._logs[i - 1] + share * (self._logs[i] - self._logs[i - 1])
                # Where P falls from sure to never within one step, it is the curve that tells where.
                if probability == 0.5:
                    x = min(max(float(self._reach(np.array([limit]))[0]), self._logs[i - 1]), self._logs[i])
                return float(math.exp(x))
        return float(self.points[-1].level)

    @property
    def _shares(self) -> Floats:
        """Of the levels. Past the peak throughput falls, and load does not: the server is as busy as at its best."""
        return np.maximum.accumulate([point.utilisation.value for point in self.points])

    def _utilisation(self, concurrency: float) -> float:
        return float(np.interp(math.log(concurrency), self._logs, self._shares))

    def _share_error(self, utilisation: float) -> float:
        """Half-width, of the logarithm, of the share of a level so busy."""
        halves = [math.log(point.utilisation.value / point.utilisation.low) for point in self.points]
        return float(np.interp(utilisation, self._shares, halves))


def latency_curve(runs: Sequence[LatencyRun], level: float = LEVEL) -> LatencyCurve | Refusal:
    """The curve of one percentile through a sweep's runs, all of it in the units of ``response_ms``.

    Refuses unusable numbers, fewer than three or more than 128 levels, and runs none of which was repeated.
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
            "too_few_repeats", "two valid runs of a level: nothing tells how runs scatter", "repeat the sweep"
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
            Interval.of_log(float(rising[i]), float(halves[i]) + abs(float(rising[i] - response.means[i])), level),
        )
        for i, n in enumerate(levels)
    )
    logs = np.log(np.array(levels, dtype=np.float64))
    before = int(np.argmax(throughput.means[:-1]))
    error = math.hypot(throughput.own_errors[-1], throughput.own_errors[before])
    return LatencyCurve(
        points=points,
        level=level,
        greatest_tps=Interval.of_log(float(throughput.means[best]), float(throughput.half_widths(level)[best]), level),
        saturated=bool(throughput.means[-1] - throughput.means[before] - error <= math.log1p(STILL_RISING)),
        _response=response,
        _rising=rising,
        _between=PchipInterpolator(logs, rising),
        _bend=bend(np.array(levels, dtype=np.float64), rising, response.own_errors),
    )


def _unusable(runs: Sequence[LatencyRun], level: float) -> Refusal | None:
    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"take {LEVEL:g}")
    for i, run in enumerate(runs, start=1):
        if not all(1 / LARGEST < value < LARGEST for value in (run.level, run.throughput_tps, run.response_ms)):
            missing = f"level, throughput and response above 0 in run {i}, not {run}"
            return Refusal("bad_measurement", missing, "measure that run again, or leave it out")
    if (count := len({run.level for run in runs})) < LEAST_LEVELS:
        return Refusal("too_few_levels", f"at least {LEAST_LEVELS} levels, there are {count}", "sweep more levels")
    if count > MOST_LEVELS:
        return Refusal("too_many_levels", f"at most {MOST_LEVELS} levels, there are {count}", "leave some out")
    return None


def _share(throughput: BlockedMeans, i: int, best: int, level: float) -> Interval:
    """A level's throughput over the best one's; drift is common to both."""
    value = float(throughput.means[i] - throughput.means[best])
    halves = throughput.own_half_widths(level)
    half = 0.0 if i == best else min(float(math.hypot(halves[i], halves[best])), MOST_LOG_HALF)
    return Interval(
        math.exp(value - half), math.exp(value), max(min(math.exp(value + half), 1.0), math.exp(value)), level
    )
