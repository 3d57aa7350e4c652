"""Intervals by profile likelihood: all values at which the best fit that has them is not worse than chance allows.

A value θ belongs to the interval while S(θ) − S ≤ t²s², S(θ) being the least sum of squares with that value held, S
that of the best fit, s² the variance about it and t Student's quantile: the classical t interval where the law is
linear in θ, and as far as S(θ) itself says where it is not. At a bound it ends there. A bootstrap fails in that place:
its draws pile up on the bound.
Source: D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, 1988, chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capacity.scalability.solve import Floats, Pin, Points, Solution, columns, solve

STEPS_OUT = 40
"""From the best fit, each at least half as long again, before an end counts as unbounded."""
PRECISION = 1e-5
"""Of an end, relative to its distance from the best fit."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The measurements and their best fit by the full law. ``allowance``: t²s², how much worse a fit may be."""

    points: Points
    best: Solution
    allowance: float

    def alpha(self, value: float) -> tuple[float, float]:
        """Ends of α's interval about its estimate."""
        return self._ends(value, 0.0, 1.0, self._at_alpha)

    def beta(self, value: float) -> tuple[float, float]:
        """Ends of β's."""
        return self._ends(value, 0.0, math.inf, self._at_beta)

    def throughput(self, concurrency: float, value: float) -> tuple[float, float]:
        """Of X(N); at N = 1 that is γ."""

        def at(x: float) -> float:
            if x <= 0:
                return math.inf
            pin = Pin(concurrency, x, columns(np.array([concurrency]))[0])
            return solve(self.points, columns(self.points.n), pin, self.best.parts).squares

        return self._ends(value, 0.0, math.inf, at)

    def bend(self, value: float) -> tuple[float, float]:
        """Of β/(1 − α) = 1/N*²: 0 where throughput has no peak."""
        return self._ends(value, 0.0, math.inf, self._at_bend)

    def _at_alpha(self, alpha: float) -> float:
        n = self.points.n
        return solve(self.points, np.stack([1 + alpha * (n - 1), n * (n - 1)], axis=-1)).squares

    def _at_beta(self, beta: float) -> float:
        n = self.points.n
        return solve(self.points, np.stack([1 + beta * n * (n - 1), n + beta * n * (n - 1)], axis=-1)).squares

    def _at_bend(self, bend: float) -> float:
        n = self.points.n
        return solve(self.points, np.stack([1 + bend * n * (n - 1), n], axis=-1)).squares

    def _ends(self, value: float, least: float, most: float, at: Callable[[float], float]) -> tuple[float, float]:
        if self.allowance <= 0:
            return value, value
        scale = value or 1.0 / float(self.points.n.max()) ** 2
        down = self._end(value, least, -scale / 16, at)
        up = self._end(value, most, scale / 16, at)
        return min(down, value), max(up, value)

    def _end(self, value: float, bound: float, step: float, at: Callable[[float], float]) -> float:
        """The place between ``value`` and ``bound`` where the allowance is used up; the bound, if it never is."""
        from scipy.optimize import brentq

        def excess(theta: float) -> float:
            if theta == value:
                return -1.0  # the best fit itself, which a descent from elsewhere may miss by rounding
            # The root makes it straight near the best fit, which a root finder likes.
            worse = max(at(theta) - self.best.squares, 0.0)
            return min(math.sqrt(worse / self.allowance), 1e3) - 1

        if value == bound or (math.isfinite(bound) and excess(bound) <= 0):
            return bound
        inside = value
        for _ in range(STEPS_OUT):
            outside = _towards(value + step, bound)
            if (found := excess(outside)) > 0:
                break
            inside, step = outside, step * min(max(1.1 / (1 + found), 1.5), 50) if found > -1 else step * 50
        else:
            return bound
        return float(brentq(excess, inside, outside, xtol=abs(outside - value) * PRECISION, rtol=1e-13))


def _towards(theta: float, bound: float) -> float:
    """``theta``, or the bound where that lies before it."""
    return min(theta, bound) if bound > 0 else max(theta, bound)


def standard_errors(points: Points, parts: Floats, variance: float) -> tuple[float, float, float]:
    """Of α, β and γ, by s²(JᵀWJ)⁻¹ in these parameters; pseudo-inverse where the points do not tell them apart."""
    n = points.n
    gamma = 1 / float(parts[0] + parts[1])
    d = columns(n) @ parts * gamma
    x = gamma * n / d
    jacobian = np.stack([-x * (n - 1) / d, -x * n * (n - 1) / d, x / gamma], axis=-1)
    size = np.maximum(np.abs(jacobian).max(axis=0), 1e-300)
    scaled = jacobian / size
    information = scaled.T @ (scaled * points.weight[:, None])
    errors = np.sqrt(np.maximum(np.diag(variance * np.linalg.pinv(information)), 0.0)) / size
    return float(errors[0]), float(errors[1]), float(errors[2])
