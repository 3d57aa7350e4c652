"""Intervals by profile likelihood: all values whose best fit is not significantly worse than the best of all.

A value θ is in the interval if S(θ) − S ≤ t²s², where S(θ) is the least sum of squares with θ fixed, S that of the best
fit, s² the variance about it and t Student's quantile. Where the law is linear in θ this is the classical t interval.
The interval ends at a parameter's bound, where a bootstrap fails, since its draws pile up there.
Source: D. M. Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications, 1988, chapter 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from capacity.arrays import Floats
from capacity.scalability.solve import Pin, Points, Solution, columns, solve

STEPS_OUT = 40
"""Steps from the best fit, each at least 1.5 times the last, before an end counts as unbounded."""
PRECISION = 1e-5
"""Precision of an end, relative to its distance from the best fit."""
ENOUGH = 1e-12
"""Tolerance of a fit with a fixed value (``settled`` of :func:`solve`), far below what would move an end."""

MOST_GROUPS = 2_000
"""Most levels of a profile; more are grouped. For a range of 100,000 groups are half a percent wide, and ends wrong by
less than a hundredth of the interval (tested)."""

At = Callable[[float, Floats], Solution]
"""Function that finds the best fit with a value fixed, starting at the parts of a fit nearby."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The measurements and their best fit by the full law. ``allowance`` is t²s², the allowed excess of squares."""

    points: Points
    best: Solution
    allowance: float

    @classmethod
    def of(cls, points: Points, best: Solution, allowance: float) -> Profile:
        """Make a profile; more than 2,000 levels are grouped by ln N, which bounds the cost.

        Groups average the residuals of the best fit, not throughput, which keeps the law's curvature inside a group.
        """
        if len(points.n) <= MOST_GROUPS:
            return cls(points, best, allowance)
        place = np.log(points.n)
        width = (place[-1] - place[0]) / (MOST_GROUPS - 1)
        _, at = np.unique(np.floor((place - place[0]) / width), return_inverse=True)
        weight = np.asarray(np.bincount(at, points.weight), dtype=np.float64)

        def mean(values: Floats) -> Floats:
            return np.asarray(np.bincount(at, points.weight * values) / weight, dtype=np.float64)

        n, left = mean(points.n), mean(points.x - points.n / (columns(points.n) @ best.parts))
        groups = Points(n, n / (columns(n) @ best.parts) + left, weight)
        return cls(groups, Solution(best.parts, float(weight @ left**2)), allowance)

    def alpha(self, value: float) -> tuple[float, float]:
        """Return the ends of α's interval around its estimate."""
        n, (u, v, c) = self.points.n, self.best.parts

        def at(alpha: float, start: Floats) -> Solution:
            return solve(
                self.points, np.stack([1 + alpha * (n - 1), n * (n - 1)], axis=-1), start=start, settled=ENOUGH
            )

        return self._ends(value, 1.0, at, np.array([u + v, c]))

    def beta(self, value: float) -> tuple[float, float]:
        """Return the ends of β's interval."""
        n = self.points.n

        def at(beta: float, start: Floats) -> Solution:
            more = beta * n * (n - 1)
            return solve(self.points, np.stack([1 + more, n + more], axis=-1), start=start, settled=ENOUGH)

        return self._ends(value, math.inf, at, self.best.parts[:2])

    def throughput(self, concurrency: float, value: float) -> tuple[float, float]:
        """Return the ends of the interval of X(N), which is γ at N = 1."""
        row = columns(np.array([concurrency]))[0]

        def at(x: float, start: Floats) -> Solution:
            if x <= 0:
                return Solution(start, math.inf)
            return solve(self.points, columns(self.points.n), Pin(concurrency, x, row), start, ENOUGH)

        return self._ends(value, math.inf, at, self.best.parts)

    def bend(self, value: float) -> tuple[float, float]:
        """Return the ends of the interval of β/(1 − α) = 1/N*², which is 0 where throughput has no peak."""
        n = self.points.n

        def at(bend: float, start: Floats) -> Solution:
            return solve(self.points, np.stack([1 + bend * n * (n - 1), n], axis=-1), start=start, settled=ENOUGH)

        return self._ends(value, math.inf, at, self.best.parts[:2])

    def _ends(self, value: float, most: float, at: At, start: Floats) -> tuple[float, float]:
        if self.allowance <= 0:
            return value, value
        scale = value or 1.0 / float(self.points.n.max()) ** 2
        down = self._end(value, 0.0, -scale / 16, at, start)
        up = self._end(value, most, scale / 16, at, start)
        return min(down, value), max(up, value)

    def _end(self, value: float, bound: float, step: float, at: At, start: Floats) -> float:
        """The value between ``value`` and ``bound`` where the allowance is used up; the bound if it never is."""
        from scipy.optimize import brentq

        near = start

        @cache  # the root finder evaluates its two given ends again
        def excess(theta: float) -> float:
            nonlocal near
            if theta == value:
                return -1.0  # the best fit itself, which a descent may miss by rounding
            solution = at(theta, near)
            if math.isfinite(solution.squares):
                near = solution.parts
            # The square root makes it nearly linear around the best fit, where the root finder then converges fast.
            worse = max(solution.squares - self.best.squares, 0.0)
            return min(math.sqrt(worse / self.allowance), 1e3) - 1

        if value == bound or (math.isfinite(bound) and excess(bound) <= 0):
            return bound
        near = start
        inside = value
        for _ in range(STEPS_OUT):
            outside = _towards(value + step, bound)
            if (exceeded := excess(outside)) > 0:
                break
            inside, step = outside, step * min(max(1.1 / (1 + exceeded), 1.5), 50) if exceeded > -1 else step * 50
        else:
            return bound
        return float(brentq(excess, inside, outside, xtol=abs(outside - value) * PRECISION, rtol=1e-13))


def _towards(theta: float, bound: float) -> float:
    """``theta``, or the bound if ``theta`` is beyond it."""
    return min(theta, bound) if bound > 0 else max(theta, bound)


def standard_errors(points: Points, parts: Floats, variance: float) -> tuple[float, float, float]:
    """Return standard errors of α, β and γ by s²(JᵀWJ)⁻¹; by a pseudo-inverse if they are not identified."""
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
