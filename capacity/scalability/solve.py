"""Least squares for the law, exact at its bounds.

With the denominator written as D(N) = u + vN + cN(N − 1), the law is X = N/D, γ = 1/(u + v), α = v/(u + v) and
β = c/(u + v): the bounds 0 ≤ α ≤ 1, β ≥ 0 say that u, v, c ≥ 0, and D is linear in them. A Gauss–Newton step is then a
quadratic programme in at most three non-negative unknowns, solved by looking at every set of those above 0. What the
measurements do not support comes out as 0 itself, not as a small number.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEPS = 100
HALVINGS = 30
SETTLED = 1e-16
"""Relative fall of the sum of squares below which a step is the last."""
ROUNDING = 1e-29
"""The same as a share of the measurements' own sum of squares."""
NOTHING = 1e-9
"""A part of D that is nowhere more than this share of it is rounding, and taken as 0."""


@dataclass(frozen=True, slots=True)
class Points:
    """Mean throughput by concurrency, ascending and distinct, each known to 1/√weight times a common deviation."""

    n: Floats
    x: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Pin:
    """The demand that the law gives ``throughput`` at a concurrency whose columns are ``row``."""

    n: float
    throughput: float
    row: Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """Parts of the denominator, one a column, and the weighted sum of squares left."""

    parts: Floats
    squares: float


def columns(n: Floats) -> Floats:
    """1, N and N(N − 1): those of the full law."""
    return np.stack([np.ones_like(n), n, n * (n - 1)], axis=-1)


def solve(points: Points, design: Floats, pin: Pin | None = None, start: Floats | None = None) -> Solution:
    """Parts p ≥ 0 that minimise Σ weight·(x − N/(design·p))², at the pinned throughput if there is one.

    Pinned, the model is g·(N/N₀)·D(N₀)/D(N), in which the scale of p means nothing; D(N₀) = N₀/g then sets it.
    """
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
    # In these units D and throughput are near 1, whatever the units of the measurements are.
    unit = float(points.x.max())
    problem = _Problem(points.n, points.x / unit, points.weight, design / scale, _rescaled(pin, scale, unit))
    starts = [problem.linearised()]
    if start is not None:
        starts.append(start * scale * unit)
    best = min((problem.descend(s) for s in starts), key=lambda found: found.squares)
    parts = best.parts / (scale * unit)
    share = (design * parts / np.maximum(design @ parts, 1e-300)[:, None]).max(axis=0, initial=0.0)
    return Solution(np.where(share > NOTHING, parts, 0.0), best.squares * unit**2)


def _rescaled(pin: Pin | None, scale: Floats, unit: float) -> Pin | None:
    return None if pin is None else Pin(pin.n, pin.throughput / unit, pin.row / scale)


@dataclass(frozen=True, slots=True)
class _Problem:
    n: Floats
    x: Floats
    weight: Floats
    design: Floats
    pin: Pin | None

    def linearised(self) -> Floats:
        """The start: D·x = N in least squares, each row weighted as its error in x is."""
        rows = self.design * (self.x**2 / self.n)[:, None] * np.sqrt(self.weight)[:, None]
        parts = non_negative(rows.T @ rows, rows.T @ (self.x * np.sqrt(self.weight)))
        return parts

    def descend(self, parts: Floats) -> Solution:
        """Gauss–Newton with halved steps; every point on the way has p ≥ 0, since that set is convex."""
        parts = self._scaled(parts if np.isfinite(self._squares(parts)) else np.ones_like(parts))
        squares = self._squares(parts)
        rounding = ROUNDING * float(np.sum(self.weight * self.x**2))
        for _ in range(STEPS):
            model, jacobian = self._model(parts), self._jacobian(parts)
            aim = self.x - model + jacobian @ parts
            weighted = jacobian * self.weight[:, None]
            normal, gradient = jacobian.T @ weighted, weighted.T @ aim
            if self.pin is not None:
                row = self.pin.row * np.sqrt(max(float(np.trace(normal)), 1e-300)) * self.pin.throughput / self.pin.n
                normal = normal + np.outer(row, row)
                gradient = gradient + row * (row @ parts)
            towards = non_negative(normal, gradient) - parts
            if 2 * float((gradient - normal @ parts) @ towards) <= max(SETTLED * squares, rounding):
                return Solution(parts + towards, min(squares, self._squares(parts + towards)))
            step = 1.0
            for _ in range(HALVINGS):
                there = self._squares(parts + step * towards)
                if there < squares:
                    break
                step /= 2
            else:
                break
            parts, squares = self._scaled(parts + step * towards), there
        return Solution(parts, squares)

    def _scaled(self, parts: Floats) -> Floats:
        if self.pin is None:
            return parts
        return parts * (self.pin.n / self.pin.throughput / float(self.pin.row @ parts))

    def _model(self, parts: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            model = self.n / (self.design @ parts)
            if self.pin is not None:
                model = model * (self.pin.throughput / self.pin.n * float(self.pin.row @ parts))
        return np.asarray(model, dtype=np.float64)

    def _jacobian(self, parts: Floats) -> Floats:
        model = self._model(parts)[:, None]
        jacobian = -model * self.design / (self.design @ parts)[:, None]
        if self.pin is not None:
            jacobian = jacobian + model * self.pin.row / float(self.pin.row @ parts)
        return np.asarray(jacobian, dtype=np.float64)

    def _squares(self, parts: Floats) -> float:
        if self.pin is not None and not self.pin.row @ parts > 0:
            return np.inf
        with np.errstate(invalid="ignore", over="ignore"):
            squares = float(np.sum(self.weight * (self.x - self._model(parts)) ** 2))
        return squares if np.isfinite(squares) else np.inf


def non_negative(normal: Floats, gradient: Floats) -> Floats:
    """The p ≥ 0 that minimises ½pᵀHp − gᵀp, for a positive semidefinite H of a few unknowns.

    The minimum without bounds, where it keeps to them; else the best of those with some unknowns at 0.
    """
    count = len(gradient)
    best, least = np.zeros(count), 0.0
    for size in range(count, 0, -1):
        for support in combinations(range(count), size):
            chosen = np.ix_(support, support)
            try:
                found = np.linalg.solve(normal[chosen], gradient[list(support)])
            except np.linalg.LinAlgError:
                continue
            value = -0.5 * float(gradient[list(support)] @ found)
            if (found >= 0).all() and value < least:
                best, least = np.zeros(count), value
                best[list(support)] = found
        if size == count and least < 0:
            break
    return best
