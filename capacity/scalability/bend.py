"""Smooth deviation of measured levels from a law, so that predictions between levels follow the measurements.

No law of three parameters has the sharp knee of a machine with two cores. In logarithms the levels are
``y(x) = law(x) + m + d(x) + error`` with x = log N, a constant m and a smooth d: a Gaussian process with Matérn's
kernel of order 3/2, variance τ² and length ℓ. τ and ℓ are averaged over a grid, weighted by their restricted
likelihood, so that levels on the law leave it unchanged, and the interval includes the uncertainty of τ and ℓ.
Source: C. E. Rasmussen and C. K. I. Williams, Gaussian Processes for Machine Learning, 2006, sections 2.7 and 5.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats

SIZES = np.geomspace(1e-3, 1.0, 20)
"""Values of τ, from a thousandth to e-fold, with equal prior weights (assumption)."""
LENGTHS = np.geomspace(0.5, 2.8, 6)
"""Values of ℓ in log N, from a factor of 1.6 in N to one of 16, with equal prior weights (assumption)."""
LEAST_ERROR = 1e-6
"""Least error of a level's mean, in logs, so that the covariance matrix stays invertible."""
MOST_LEVELS = 128


@dataclass(frozen=True, slots=True)
class Bend:
    """Deviations of levels from the law, in logs, for each pair of the grid; the pairs' weights add up to 1.

    Shapes: ``x`` (levels), ``means`` (pairs), ``pulls``, ``sums`` (pairs × levels), ``inverse`` (pairs × levels ×
    levels), ``certainty``, ``weight`` (pairs).
    """

    x: Floats
    means: Floats
    """Constant m of each pair, by generalised least squares."""
    pulls: Floats
    """Product K⁻¹(y − m)."""
    sums: Floats
    """Product K⁻¹1."""
    inverse: Floats
    certainty: Floats
    """Precision of m, 1ᵀK⁻¹1."""
    weight: Floats

    def at(self, concurrency: float) -> tuple[float, float]:
        """Return the deviation of a mean from the law, in logs, and its standard error, at a concurrency ≥ 1."""
        kernel = _kernel(np.array([math.log(concurrency)]), self.x)[:, 0]
        value = self.means + np.sum(kernel * self.pulls, axis=1)
        explained = np.einsum("gi,gij,gj->g", kernel, self.inverse, kernel)
        unsure = (1 - np.sum(kernel * self.sums, axis=1)) ** 2 / self.certainty
        variance = np.maximum(_VARIANCES - explained + unsure, 0.0)
        mean = float(self.weight @ value)
        return mean, math.sqrt(float(self.weight @ (variance + (value - mean) ** 2)))


_VARIANCES = np.repeat(SIZES**2, len(LENGTHS))
_SCALES = np.tile(LENGTHS, len(SIZES))


def bend(loads: Floats, deviations: Floats, errors: Floats) -> Bend:
    """Fit the deviation from each level's load, its mean's deviation from the law in logs, and the mean's error."""
    x = np.log(loads)
    noise = np.diag(np.maximum(errors, LEAST_ERROR) ** 2)
    inverse = np.asarray(np.linalg.inv(_kernel(x, x) + noise), dtype=np.float64)
    sums = np.asarray(inverse.sum(axis=2))
    certainty = np.asarray(sums.sum(axis=1))
    means = sums @ deviations / certainty
    left = deviations - means[:, None]
    pulls = np.asarray(np.einsum("gij,gj->gi", inverse, left))
    likelihood = 0.5 * (np.linalg.slogdet(inverse)[1] - np.log(certainty) - np.sum(left * pulls, axis=1))
    weight = np.asarray(np.exp(likelihood - likelihood.max()), dtype=np.float64)
    return Bend(x, means, pulls, sums, inverse, certainty, weight / weight.sum())


def _kernel(x: Floats, y: Floats) -> Floats:
    """Covariances of d, with shape pairs × len(x) × len(y)."""
    r = np.abs(x[:, None] - y[None, :]) * math.sqrt(3) / _SCALES[:, None, None]
    return np.asarray(_VARIANCES[:, None, None] * (1 + r) * np.exp(-r))
