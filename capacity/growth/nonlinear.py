"""Nonlinear least squares for curves, with standard errors of the parameters.

Levenberg and Marquardt's method with analytic derivatives; at the optimum the parameters' covariance is
s² (JᵀJ)⁻¹ with s² the residual sum of squares over n − p. Checked against NIST's certified values (Rat42).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.arrays import Floats

Curve = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Function of (parameters, x) that returns values, and their derivatives with a column per parameter."""

_ITERATIONS = 200
_ENOUGH = 1e-14
"""Relative change of the parameters at which the optimum is reached."""
_SAME, _POLISH = 1 + 1e-13, 5
"""Tolerance of the sum of squares, and number of steps to take within it, where rounding hides any improvement."""


@dataclass(frozen=True, slots=True)
class CurveFit:
    """Result of a fit: parameters, their standard errors, and the residual sum of squares."""

    parameters: tuple[float, ...]
    standard_errors: tuple[float, ...]
    squares: float


def fit_curve(curve: Curve, x: npt.ArrayLike, y: npt.ArrayLike, start: tuple[float, ...]) -> CurveFit | None:
    """Fit a curve from ``start``; None if it does not converge or the parameters are not identified.

    Needs more values than parameters.
    """
    at, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    parameters = np.asarray(start, dtype=np.float64)
    damping, polished = 1e-3, 0
    with np.errstate(all="ignore"):
        fitted, slopes = curve(parameters, at)
        squares = float(np.sum((values - fitted) ** 2))
        for _ in range(_ITERATIONS):
            lengths = np.sqrt(np.sum(slopes**2, axis=0))
            if not (np.isfinite(squares) and np.isfinite(lengths).all() and lengths.min() > 0):
                return None
            scaled = np.vstack([slopes / lengths, np.sqrt(damping) * np.eye(len(parameters))])
            target = np.concatenate([values - fitted, np.zeros(len(parameters))])
            step = np.linalg.lstsq(scaled, target)[0] / lengths
            new_parameters = parameters + step
            new_fitted, new_slopes = curve(new_parameters, at)
            new_squares = float(np.sum((values - new_fitted) ** 2))
            small = bool(np.all(np.abs(step) <= _ENOUGH * np.abs(new_parameters)))
            polished += squares < new_squares <= squares * _SAME
            if new_squares <= squares * (_SAME if polished <= _POLISH else 1.0):
                parameters, fitted, slopes, squares = new_parameters, new_fitted, new_slopes, new_squares
                damping = max(damping / 10, 1e-20)
            else:
                damping *= 10
            if small or damping > 1e12:
                break
        triangle = np.linalg.qr(slopes, mode="r")
        if np.abs(np.diag(triangle)).min() < 1e-14 * np.abs(triangle).max():
            return None
        inverse = np.linalg.inv(triangle)
        variance = squares / (len(values) - len(parameters))
        errors = np.sqrt(variance * np.sum(inverse**2, axis=1))
    return CurveFit(tuple(parameters.tolist()), tuple(errors.tolist()), squares)


def logistic(b: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Logistic curve b₁ / (1 + exp(b₂ − b₃ x))."""
    power = np.exp(b[1] - b[2] * x)
    share = 1 / (1 + power)
    fall = b[0] * power * share**2
    return b[0] * share, np.stack([share, -fall, fall * x], axis=1)


def gompertz(b: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Gompertz curve b₁ exp(−exp(b₂ − b₃ x))."""
    power = np.exp(b[1] - b[2] * x)
    share = np.exp(-power)
    fall = b[0] * share * power
    return b[0] * share, np.stack([share, -fall, fall * x], axis=1)
