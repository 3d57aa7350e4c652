"""A fitted law, and what it predicts."""

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
"""Predictions are given up to this multiple of the largest load measured."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What a sweep's levels say beside the law: their smooth deviation from it, and how runs scatter.

    ``run_half`` and ``drift_half`` are half the intervals, in logs, of a run's scatter and of a block's drift about the
    level's mean, ``t`` Student's quantile of that mean's error.
    """

    bend: Bend
    t: float
    run_half: float
    drift_half: float


class Model(StrEnum):
    """The nested laws."""

    LINEAR = "linear"
    """α = β = 0."""
    AMDAHL = "amdahl"
    """β = 0."""
    USL = "usl"


@dataclass(frozen=True, slots=True)
class Usl:
    """A fit of X(N) = γN / (1 + α(N − 1) + βN(N − 1)), with what is needed to predict from it.

    Intervals are by profile likelihood. ``model`` is the least of the nested laws that the measurements do not reject:
    β is dropped, and then α, where the larger law is not better at the 5 % level by a one-sided F test (at a bound half
    of all fits of a superfluous parameter are 0, hence one-sided); ``doubts`` are its two probabilities, α's and β's.
    Standard errors, from the curvature at the best fit, are in the order α, β, γ. ``residual_standard_error`` is that
    of one run: a throughput, or where spreads were given a multiple of them.
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
    """Of N*, with the peak; its high end is infinite where the fit hardly falls. None without a peak."""
    identified: bool
    """False when throughput may peak at a load that the data do not settle: past reach, or not told from none."""
    drift: float
    """Half the interval that the drift of a further block of runs adds to a prediction, as a share of it."""
    _profile: Profile = field(repr=False, compare=False)
    _spreads: tuple[Floats, Floats] = field(repr=False, compare=False)
    _t: float = field(repr=False, compare=False)
    _levels: Levels | None = field(default=None, repr=False, compare=False)

    @property
    def law(self) -> Law:
        """The fitted law, which answers up to the reach of the measurements."""
        return Law(self.alpha.value, self.beta.value, self.gamma.value, REACH * self.largest_measured)

    @property
    def peak(self) -> float | None:
        """N* = √((1 − α)/β), where throughput is highest; None where β's interval touches 0, or past reach."""
        return self.peak_interval.value if self.peak_interval is not None else None

    def throughput(self, concurrency: float) -> float | Refusal:
        """X(N). Refused past 1.25 times the largest load measured, where the law is not identified."""
        return self.law.throughput(concurrency)

    def predict(self, concurrency: float) -> Interval | Refusal:
        """The throughput of one further run at a concurrency. Refused where :meth:`throughput` is.

        Of points by themselves: the law, its own interval, and a run's scatter about it. Of a sweep whose levels were
        repeated: the law bent to where the levels lie (:mod:`capacity.scalability.bend`), since between levels they
        say more than any law does. Errors add as independent ones do, and with them :attr:`drift`.
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
