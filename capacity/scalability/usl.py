"""A fitted scalability law and its predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from capacity.arrays import Floats
from capacity.scalability.bend import Bend
from capacity.scalability.law import Law
from capacity.scalability.profile import Profile
from capacity.values import MOST_LOG_HALF, Interval, Refusal

REACH = 1.25
"""Limit of predictions, as a multiple of the largest measured load."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Smooth deviation of a sweep's levels from the law, and scatter of its runs.

    ``run_half`` and ``drift_half`` are the half-widths, in logs, of a run's scatter and of a block's drift around the
    level's mean; ``t`` is Student's quantile for that mean's error.
    """

    bend: Bend
    t: float
    run_half: float
    drift_half: float


class Model(StrEnum):
    """Nested scalability laws, from the simplest to the full one."""

    LINEAR = "linear"
    """Linear growth: α = β = 0."""
    AMDAHL = "amdahl"
    """Amdahl's law: β = 0."""
    USL = "usl"


@dataclass(frozen=True, slots=True)
class Usl:
    """A fit of X(N) = γN / (1 + α(N − 1) + βN(N − 1)), with its predictions.

    Intervals are by profile likelihood. ``model`` is the smallest nested law that the measurements do not reject: β,
    and then α, is dropped if the larger law is not better at the 5 % level by a one-sided F test (one-sided, since half
    of all fits of a superfluous parameter end at its bound 0); ``doubts`` are the test's p-values for α and β. Standard
    errors, from the curvature at the best fit, are in the order α, β, γ. ``residual_standard_error`` is that of one
    run: a throughput, or a multiple of the spreads if they were given.
    """

    alpha: Interval
    beta: Interval
    gamma: Interval
    model: Model
    doubts: tuple[float, float]
    standard_errors: tuple[float, float, float]
    residual_standard_error: float
    degrees_of_freedom: int
    largest_measured: float
    peak_interval: Interval | None
    """Interval of the peak N*, with an infinite high end where throughput hardly falls; None without a peak."""
    identified: bool
    """True if the data identify the peak, or show that there is none within reach."""
    drift: float
    """Half-width that the drift of a further block adds to a prediction, as a share of it."""
    _profile: Profile = field(repr=False, compare=False)
    _spreads: tuple[Floats, Floats] = field(repr=False, compare=False)
    _t: float = field(repr=False, compare=False)
    _levels: Levels | None = field(default=None, repr=False, compare=False)

    @property
    def law(self) -> Law:
        """The fitted law, limited to the reach of the measurements."""
        return Law(self.alpha.value, self.beta.value, self.gamma.value, REACH * self.largest_measured)

    @property
    def peak(self) -> float | None:
        """Concurrency N* = √((1 − α)/β) of the highest throughput; None if β's interval includes 0, or beyond reach."""
        return self.peak_interval.value if self.peak_interval is not None else None

    def throughput(self, concurrency: float) -> float | Refusal:
        """Return X(N). Refuses beyond 1.25 times the largest measured load, where the law is not identified."""
        return self.law.throughput(concurrency)

    def predict(self, concurrency: float) -> Interval | Refusal:
        """Predict the throughput of one further run at a concurrency. Refuses what :meth:`throughput` refuses.

        For single points the prediction is the law, with its interval and a run's scatter. For a sweep with repeated
        levels it is the law plus the levels' smooth deviation (:mod:`capacity.scalability.bend`), which predicts better
        between levels than any law. Errors, :attr:`drift` included, add as independent ones.
        """
        value = self.law.throughput(concurrency)
        if isinstance(value, Refusal):
            return value
        if self._levels is not None:
            return self._follow(self._levels, concurrency, value)
        low, high = self._profile.throughput(concurrency, value)
        spread = float(np.interp(concurrency, *self._spreads))
        scatter = math.hypot(self._t * self.residual_standard_error * spread, self.drift * value)
        return Interval(
            max(value - math.hypot(value - low, scatter), 0.0),
            value,
            value + math.hypot(high - value, scatter),
            self.gamma.level,
        )

    def _follow(self, levels: Levels, concurrency: float, by_law: float) -> Interval:
        deviation, error = levels.bend.at(concurrency)
        half = min(math.hypot(levels.t * error, levels.run_half, levels.drift_half), MOST_LOG_HALF)
        value = by_law * math.exp(deviation)
        return Interval(value * math.exp(-half), value, value * math.exp(half), self.gamma.level)
