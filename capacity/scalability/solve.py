"""Least squares for the scalability law, exact at its bounds.

With the denominator D(N) = u + vN + cN(N − 1), the law is X = N/D with γ = 1/(u + v), α = v/(u + v) and β = c/(u + v).
The bounds 0 ≤ α ≤ 1, β ≥ 0 then mean u, v, c ≥ 0, and D is linear in them. A Gauss–Newton step is a quadratic programme
in at most three non-negative unknowns, solved by trying every subset of unknowns above 0. A parameter that the
measurements do not support is exactly 0, not a small number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from capacity.arrays import Floats

STEPS = 100
HALVINGS = 30
SETTLED = 1e-18
"""Relative fall of the sum of squares below which a step is the last."""
UNSEEN = 1e-14
"""Share of the sum of squares below which an expected fall is rounding, so that the step is taken unchecked."""
ROUNDING = 1e-29
"""Share of the measurements' own sum of squares below which a fall is rounding."""
NOTHING = 1e-9
"""Share of D below which a part of it, at all points, is rounding and set to 0."""


@dataclass(frozen=True, slots=True)
class Points:
    """Mean throughput by ascending concurrency, each with an error of 1/√weight times a common deviation."""

    n: Floats
    x: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Pin:
    """Constraint that the law has a given ``throughput`` at the concurrency ``n``, whose columns are ``row``."""

    n: float
    throughput: float
    row: Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients of the denominator's columns, and the weighted residual sum of squares."""

    parts: Floats
    squares: float


def columns(n: Floats) -> Floats:
    """Return the columns 1, N and N(N − 1) of the full law."""
    return np.stack([np.ones_like(n), n, n * (n - 1)], axis=-1)


def solve(
    points: Points, design: Floats, pin: Pin | None = None, start: Floats | None = None, settled: float = SETTLED
) -> Solution:
    """Find p ≥ 0 that minimise Σ weight·(x − N/(design·p))², with the pinned throughput if there is one.

    The descent begins at ``start``, or at the least squares of D·x = N; it ends when a step would reduce the sum of
    squares by less than the share ``settled``. With a pin g at N₀ the model is g·(N/N₀)·D(N₀)/D(N), which does not
    depend on the scale of p; D(N₀) = N₀/g fixes that scale.
    """
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
    # Scaled so that D and throughput are near 1, whatever the units of the measurements.
    unit = float(points.x.max())
    root = np.sqrt(points.weight)
    x, scaled = points.x / unit, design / scale
    problem = _Problem(x * root, points.n * root, scaled, _rescaled(pin, scale, unit))
    first = _linearised(points.n, x, root, scaled) if start is None else start * scale * unit
    # A step that overflows has an infinite sum of squares and is halved.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        best = problem.descend(first, settled)
    parts = best.parts / (scale * unit)
    share = (design * parts / np.maximum(design @ parts, 1e-300)[:, None]).max(axis=0, initial=0.0)
    return Solution(np.where(share > NOTHING, parts, 0.0), best.squares * unit**2)


def _rescaled(pin: Pin | None, scale: Floats, unit: float) -> Pin | None:
    return None if pin is None else Pin(pin.n, pin.throughput / unit, pin.row / scale)


def _linearised(n: Floats, x: Floats, root: Floats, design: Floats) -> Floats:
    """Start of the descent: least squares of D·x = N, with rows weighted by the error of x."""
    rows = design * (x**2 / n * root)[:, None]
    return non_negative(rows.T @ rows, rows.T @ (x * root))


@dataclass(frozen=True, slots=True)
class _Problem:
    """Throughputs and concurrencies times √weight, so that sums of squares need no weights."""

    x: Floats
    n: Floats
    design: Floats
    pin: Pin | None

    def descend(self, parts: Floats, settled: float) -> Solution:
        """Gauss–Newton descent with halved steps; all points keep p ≥ 0, since that set is convex."""
        parts = self._scaled(parts if np.isfinite(self._at(parts).squares) else np.ones_like(parts))
        here = self._at(parts)
        rounding = ROUNDING * float(self.x @ self.x)
        for _ in range(STEPS):
            jacobian = self._jacobian(here, parts)
            normal, fall = jacobian.T @ jacobian, here.left @ jacobian
            if self.pin is not None:
                row = self.pin.row * np.sqrt(max(float(np.trace(normal)), 1e-300)) * self.pin.throughput / self.pin.n
                normal = normal + row[:, None] * row
            towards = non_negative(normal, fall + normal @ parts) - parts
            expected = 2 * float(fall @ towards)
            if expected <= max(settled * here.squares, rounding):
                return Solution(parts + towards, min(here.squares, self._at(parts + towards).squares))
            step = 1.0
            for _ in range(HALVINGS):
                there = self._at(parts + step * towards)
                if there.squares < here.squares or expected <= UNSEEN * here.squares:
                    break
                step /= 2
            else:
                break
            parts = self._scaled(parts + step * towards)
            here = there if self.pin is None else self._at(parts)
        return Solution(parts, here.squares)

    def _scaled(self, parts: Floats) -> Floats:
        if self.pin is None:
            return parts
        return parts * (self.pin.n / self.pin.throughput / float(self.pin.row @ parts))

    def _at(self, parts: Floats) -> _Fit:
        denominator = self.design @ parts
        model = self.n / denominator
        if self.pin is not None:
            pinned = float(self.pin.row @ parts)
            model = model * (self.pin.throughput / self.pin.n * pinned if pinned > 0 else np.inf)
        left = self.x - model
        squares = float(left @ left)
        return _Fit(denominator, model, left, squares if math.isfinite(squares) else math.inf)

    def _jacobian(self, fit: _Fit, parts: Floats) -> Floats:
        jacobian = self.design * (-fit.model / fit.denominator)[:, None]
        if self.pin is not None:
            jacobian = jacobian + fit.model[:, None] * (self.pin.row / float(self.pin.row @ parts))
        return np.asarray(jacobian, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Fit:
    """The model's values at some parameters, and its residuals."""

    denominator: Floats
    model: Floats
    left: Floats
    squares: float


def non_negative(normal: Floats, gradient: Floats) -> Floats:
    """Return the p ≥ 0 that minimises ½pᵀHp − gᵀp, for a positive semidefinite H of a few unknowns.

    It is the unconstrained minimum if that is ≥ 0, else the best minimum with some unknowns at 0.
    """
    # In Python's floats, since for three unknowns numpy's overhead per call dominates.
    rows, aims = normal.tolist(), gradient.tolist()
    count = len(aims)
    best, least = [0.0] * count, 0.0
    for support in _SUPPORTS[count]:
        minimum = _solved([[rows[i][j] for j in support] for i in support], [aims[i] for i in support])
        if minimum is None or min(minimum) < 0:
            continue
        value = -0.5 * sum(aims[i] * part for i, part in zip(support, minimum, strict=True))
        if value < least:
            best, least = [0.0] * count, value
            for i, part in zip(support, minimum, strict=True):
                best[i] = part
            if len(support) == count:
                break
    return np.array(best)


_SUPPORTS = [
    [support for size in range(count, 0, -1) for support in combinations(range(count), size)] for count in range(4)
]
"""Subsets of unknowns above 0, by number of unknowns, the full set first."""


def _solved(matrix: list[list[float]], aims: list[float]) -> list[float] | None:
    """Gaussian elimination without pivoting, since the matrix is positive; None if it is singular."""
    first, pivot = matrix[0], matrix[0][0]
    if not pivot > 0:
        return None
    if len(aims) == 1:
        return [aims[0] / pivot]
    rest, rest_aims = [], []
    for row, aim in zip(matrix[1:], aims[1:], strict=True):
        factor = row[0] / pivot
        rest.append([a - factor * b for a, b in zip(row[1:], first[1:], strict=True)])
        rest_aims.append(aim - factor * aims[0])
    solution = _solved(rest, rest_aims)
    if solution is None:
        return None
    return [(aims[0] - sum(a * b for a, b in zip(first[1:], solution, strict=True))) / pivot, *solution]
