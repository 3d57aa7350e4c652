"""Random streams keyed by (seed, part, chunk): any chunk can be drawn alone, in any order, by any process.

NumPy guarantees that ``SeedSequence`` and the raw output of a bit generator never change (NEP 19), but not the
distributions of ``Generator``. So only raw 64-bit words are taken from NumPy, and every distribution is an inverse
transform computed here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capacity.arrays import Bools, Floats, Ints

Words = NDArray[np.uint64]


class Part(IntEnum):
    """Purpose of a stream. Numbers must not change their meaning: they are part of every stream's key."""

    RANKS = 1
    CALENDAR = 2
    FAMILIES = 3
    FANOUTS = 4
    BALANCES = 5
    PROFILES = 6
    GOALS = 7
    EDUCATION = 8
    ESTATE = 9
    ACHIEVEMENTS = 10
    PROGRESS = 11
    USERS = 12
    CHAT = 13
    MARKETS = 14
    VOCABULARY = 15
    DOCUMENTS = 16
    VISITS = 17
    NOTES = 18
    AGEING = 19


ALL_CHUNKS = 2**32 - 1
"""Number of the stream that all chunks share, in place of a chunk's."""


class Uniforms(Protocol):
    """Source of random numbers in [0, 1), such as a ``numpy.random.Generator`` or a :class:`Stream`."""

    def random(self, size: int, /) -> Floats:
        """``size`` numbers in [0, 1)."""


class Stream:
    """Draws of one (seed, part, chunk). The order of calls is part of the model: to change it needs a new version."""

    def __init__(self, seed: int, part: Part, chunk: int = 0) -> None:
        self._bits = np.random.PCG64DXSM(np.random.SeedSequence(seed, spawn_key=(int(part), chunk)))

    def words(self, size: int) -> Words:
        """Raw 64-bit words."""
        return self._bits.random_raw(size)

    def random(self, size: int) -> Floats:
        """Uniform numbers in the open interval (0, 1): the middles of 2^53 equal cells."""
        return (self.words(size) >> np.uint64(11)).astype(np.float64) * 2.0**-53 + 2.0**-54

    def table(self, rows: int, columns: int) -> Floats:
        """Uniform numbers of shape (rows, columns)."""
        return self.random(rows * columns).reshape(rows, columns)

    def integers(self, below: int | Ints, size: int) -> Ints:
        """Uniform integers in 0 … below − 1; ``below`` may be an array of shape (size,)."""
        return (self.random(size) * below).astype(np.int64)

    def normals(self, size: int) -> Floats:
        """Standard normal numbers."""
        return normal_quantile(self.random(size))

    def chance(self, probability: float | Floats, size: int) -> Bools:
        """Booleans, each True with the given probability."""
        return np.asarray(self.random(size) < probability)


def poisson_quantile(u: Floats, mean: Floats, most: int) -> Ints:
    """The smallest k ≤ ``most`` with F(k) ≥ u of a Poisson distribution; shapes of ``u`` and ``mean`` agree."""
    counts = np.zeros(u.shape, np.int64)
    term = np.exp(-mean)
    below = term.copy()
    for k in range(1, most + 1):
        counts += u > below
        term = term * mean / k
        below += term
    return counts


def choose(u: Floats, weights: Floats) -> Ints:
    """Indexes drawn by inversion with ``weights`` of shape (k,) or (rows, k)."""
    edges = np.cumsum(weights, axis=-1)
    edges = edges / edges[..., -1:]
    return np.asarray(np.minimum((u[:, None] >= edges).sum(axis=1), weights.shape[-1] - 1), np.int64)


def in_order(latent: Floats, *strata: NDArray[np.generic]) -> Ints:
    """Indexes that sort by the last stratum, …, the first, then ``latent``.

    Equals ``np.lexsort``, but three times as fast. Strata are whole numbers from 0 to 65,535.
    """
    order = np.argsort(latent, kind="stable")
    for stratum in strata:
        order = order[np.argsort(stratum[order].astype(np.uint16), kind="stable")]  # 16 bits make it a radix sort
    return order


def stratified(latent: Floats, jitter: Floats, *strata: NDArray[np.generic]) -> Floats:
    """Uniform numbers that keep the order of ``latent`` and fill every stratum evenly (Latin hypercube, Stein 1987).

    Within each combination of ``strata`` the k-th smallest of n latent values becomes (k + jitter) / n. Rank
    correlation between variables is kept, and a sample of any size is close to its marginal distribution.
    """
    order = in_order(latent, *strata)
    changes = np.zeros(len(order), bool)
    for stratum in strata:
        sorted_stratum = stratum[order]
        changes[1:] |= sorted_stratum[1:] != sorted_stratum[:-1]
    group = np.cumsum(changes)
    sizes = np.bincount(group, minlength=1)
    firsts = np.cumsum(sizes) - sizes
    uniform = np.empty(len(order))
    uniform[order] = (np.arange(len(order)) - firsts[group] + jitter) / sizes[group]
    return uniform


# Wichura 1988, algorithm AS 241 (PPND16): relative accuracy about 1e-16.
_CENTRE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_NEAR = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def normal_quantile(u: Floats) -> Floats:
    """Inverse of the standard normal distribution function, 0 < u < 1."""
    q = u - 0.5
    centre = np.asarray(q * _ratio(_CENTRE, 0.180625 - q * q))
    outer = np.flatnonzero(np.abs(q) > 0.425)
    if outer.size:
        v, sign = u.ravel()[outer], np.sign(q.ravel()[outer])
        r = np.sqrt(-np.log(np.minimum(v, 1 - v)))
        far = r > 5
        tail = _ratio(_NEAR, r - 1.6)
        tail[far] = _ratio(_FAR, r[far] - 5)
        centre.reshape(-1)[outer] = sign * tail
    return centre


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    """Ratio of two polynomials, constant term first, by Horner's rule."""
    above, below = (np.full_like(x, c[-1]) for c in coefficients)
    for a, b in zip(coefficients[0][-2::-1], coefficients[1][-2::-1], strict=True):
        above *= x
        above += a
        below *= x
        below += b
    above /= below
    return above
