"""Activity ranks of users, which decide both the stored rows and the users that a scenario picks.

Rank 1 is the most active. Ranks are scattered over ids by a keyed bijection, so that neighbours in the heap are not
neighbours in activity, and no table of N entries is needed in either direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from capacity.arrays import Floats, Ints
from loadgen.population.streams import Part, Stream, Uniforms

YCSB_SKEW = 0.99
"""The usual skew of requests over records (Cooper et al. 2010, YCSB)."""

_ROUNDS = 4  # Luby and Rackoff 1988: four rounds of a Feistel network are a good permutation
MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_BATCH = 1 << 20


class ActivityRanks:
    """The bijection rank ↔ user id over 1 … users, derived from ``seed`` alone.

    A Feistel network permutes the smallest power of four that holds all users, and is applied again while its result
    is out of range (cycle walking, Black and Rogaway 2002), fewer than four times on average.
    """

    def __init__(self, users: int, seed: int) -> None:
        if users < 1:
            raise ValueError(f"there are ranks for at least one user, not {users}")
        self.users = users
        self.half_bits = max(1, -(-(users - 1).bit_length() // 2))
        self.keys = Stream(seed, Part.RANKS).words(_ROUNDS)
        """Keys of the network, one 64-bit word a round."""
        self._rounds = [self._scrambled(key) for key in self.keys]

    def user_of(self, ranks: Ints) -> Ints:
        """User ids (1 … users) of these ranks."""
        return self._walk(ranks, inverse=False)

    def rank_of(self, users: Ints) -> Ints:
        """Ranks of these users."""
        return self._walk(users, inverse=True)

    def draw_users(self, rng: Uniforms, size: int, theta: float = YCSB_SKEW) -> Ints:
        """Draw users as requests do: Zipf over ranks."""
        return self.user_of(zipf_ranks(rng, self.users, theta, size))

    def longest_walk(self) -> int:
        """Most applications of the network that any rank needs, by trying all of them."""
        longest = 1
        for first in range(0, self.users, _BATCH):
            state = np.arange(first, min(first + _BATCH, self.users))
            steps = 0
            while state.size:
                state = self._permute(state, inverse=False)
                state = state[state >= self.users]
                steps += 1
            longest = max(longest, steps)
        return longest

    def _walk(self, numbers: Ints, *, inverse: bool) -> Ints:
        state = self._permute(np.asarray(numbers, np.int64) - 1, inverse=inverse)
        outside = np.flatnonzero(state >= self.users)
        while outside.size:
            state[outside] = self._permute(state[outside], inverse=inverse)
            outside = outside[state[outside] >= self.users]
        return state + 1

    def _permute(self, state: Ints, *, inverse: bool) -> Ints:
        left, right = state >> self.half_bits, state & ((1 << self.half_bits) - 1)
        if inverse:
            for scrambled in reversed(self._rounds):
                left, right = right ^ scrambled.take(left), left
        else:
            for scrambled in self._rounds:
                left, right = right, left ^ scrambled.take(right)
        return (left << self.half_bits) | right

    def _scrambled(self, key: np.uint64) -> Ints:
        """Table of a round's function over all halves of a number, of which there are few."""
        mixed = (np.arange(1 << self.half_bits, dtype=np.uint64) + key) * MIX
        mixed ^= mixed >> np.uint64(32)
        mixed *= MIX
        return (mixed >> np.uint64(29)).astype(np.int64) & ((1 << self.half_bits) - 1)


@dataclass(frozen=True)
class RejectionBounds:
    """Constants of rejection-inversion: areas from ``low`` to ``high``; a rank less than ``sure`` above is accepted."""

    low: float
    high: float
    sure: float

    @staticmethod
    @cache
    def of(users: int, theta: float) -> RejectionBounds:
        """Compute the constants. Raises ValueError unless users ≥ 1 and theta ≥ 0."""
        if users < 1 or theta < 0:
            raise ValueError(f"Zipf ranks need users ≥ 1 and theta ≥ 0, not {users} and {theta}")
        low = _integral(np.array([1.5]), theta)[0] - 1.0
        high = _integral(np.array([users + 0.5]), theta)[0]
        sure = 2.0 - _inverse(_integral(np.array([2.5]), theta) - 2.0**-theta, theta)[0]
        return RejectionBounds(float(low), float(high), float(sure))


def zipf_ranks(rng: Uniforms, users: int, theta: float, size: int) -> Ints:
    """Draw ranks 1 … users with P(k) ∝ k^−theta, any theta ≥ 0, in memory proportional to ``size``.

    Rejection-inversion (Hörmann and Derflinger 1996): draw from the integral of x^−theta, round, and accept with
    the ratio of the bar's mass to its area; at least about 70 % are accepted at any theta and users.
    """
    bounds = RejectionBounds.of(users, theta)
    low, high, sure = bounds.low, bounds.high, bounds.sure
    ranks = np.empty(size, np.int64)
    missing = np.arange(size)
    while missing.size:
        area = high + rng.random(missing.size) * (low - high)
        x = _inverse(area, theta)
        k = np.clip(np.rint(x), 1, users)
        accepted = (k - x <= sure) | (area >= _integral(k + 0.5, theta) - k**-theta)
        ranks[missing[accepted]] = k[accepted]
        missing = missing[~accepted]
    return ranks


def _integral(x: Floats, theta: float) -> Floats:
    """The integral ∫₁ˣ t^−theta dt, also near theta = 1, where it is a logarithm."""
    log_x = np.log(x)
    exponent = (1 - theta) * log_x
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(log_x * np.where(np.abs(exponent) > 1e-12, np.expm1(exponent) / exponent, 1.0))


def _inverse(area: Floats, theta: float) -> Floats:
    """The x whose :func:`_integral` is ``area``."""
    exponent = np.maximum((1 - theta) * area, -1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.exp(area * np.where(np.abs(exponent) > 1e-12, np.log1p(exponent) / exponent, 1.0)))
