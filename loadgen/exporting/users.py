"""Choice of users in pgbench's expressions, by the same law over the same users as the engine's.

pgbench's random_zipfian takes no exponent below 1.001, and its permute is another bijection than that of the stored
rows. So both are written out: unrolled rejection-inversion over ranks, and the Feistel network of
``population.activity``, with 64-bit products computed in parts, because overflow of pgbench's signed integers is an
error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log
from typing import Final

import numpy as np

from loadgen.exporting.syntax import choice
from loadgen.population.activity import MIX, ActivityRanks, RejectionBounds

DISTRIBUTION_ERROR: Final = 1e-9
"""Largest total variation distance of the ranks from Zipf's law, which accepting the last try causes."""
_LOGARITHMIC: Final = 1e-8
"""Below this |1 − theta| the law is drawn as if theta were 1: the power would lose more digits in pgbench's doubles."""
_SUMMED_RANKS: Final = 1_000_000
"""Ranks whose excess is summed one by one; above, a bar and the area under the curve agree to 1e-12."""
_LOW_WORD: Final = 0xFFFFFFFF
HOT_RANKS: Final = 512
"""Ranks with a table of users: at 5,000 users three quarters of the draws then skip the network's 4 to 14 µs."""


@dataclass(frozen=True)
class UserDraw:
    """pgbench commands that draw users of one population."""

    ranks: ActivityRanks
    theta: float
    tries: int
    """Number of draws of a rank, the last of which is always accepted."""
    walk: int
    """Number of applications of the network after which every rank is within 1 … users."""

    @staticmethod
    def of(users: int, seed: int, theta: float) -> UserDraw:
        """Draw for the population of ``users`` and ``seed``. Iterates once over all of its ranks.

        Raises ValueError unless users ≥ 1 and theta ≥ 0.
        """
        ranks = ActivityRanks(users, seed)
        rejected = rejected_share(users, theta)
        tries = 1 if rejected <= DISTRIBUTION_ERROR else ceil(log(DISTRIBUTION_ERROR) / log(rejected))
        return UserDraw(ranks, theta, tries, ranks.longest_walk())

    @property
    def error(self) -> float:
        """Bound of the total variation distance from the engine's choice: the probability that no try is accepted.

        Very near theta = 1 plus the error of drawing with theta = 1: k^−theta by a factor within users^(1 − theta).
        """
        gap = abs(1.0 - self.theta)
        nearby = gap * log(self.ranks.users) if gap < _LOGARITHMIC else 0.0
        return float(rejected_share(self.ranks.users, self.theta) ** self.tries) + nearby

    def commands(self, name: str, *, quick: bool = True) -> Iterator[str]:
        """Commands that set the variable ``name`` to a user, 1 … users; more of them, but faster, if ``quick``."""
        yield from self._rank()
        hot = min(HOT_RANKS, self.ranks.users) if quick else 0
        if hot:
            users = self.ranks.user_of(np.arange(1, hot + 1)).tolist()
            yield f"\\if :rank <= {hot}"
            yield f"\\set {name} {choice('rank', users, 1)}"
            yield "\\else"
        if hot < self.ranks.users:
            yield from self._user(name)
        if hot:
            yield "\\endif"

    def _rank(self) -> Iterator[str]:
        users = self.ranks.users
        if self.theta == 0.0 or users == 1:
            yield f"\\set rank random(1, {users})"
            return
        bounds = RejectionBounds.of(users, self.theta)
        for n in range(self.tries):
            if n:
                yield f"\\if :place - :x > {bounds.sure!r} and :area < {self._bar_start('place')}"
            yield (
                f"\\set area {bounds.high!r} + random(0, 9007199254740991) / 9007199254740992.0"
                f" * ({bounds.low - bounds.high!r})"
            )
            yield f"\\set x {self._inverse('area')}"
            yield f"\\set place least(greatest(int(:x), 1), {users})"
        yield from ["\\endif"] * (self.tries - 1)
        yield "\\set rank :place"

    def _bar_start(self, rank: str) -> str:
        """Least area at which a rank is accepted: the integral to its right edge, less its own mass."""
        gap = 1.0 - self.theta
        if abs(gap) < _LOGARITHMIC:
            return f"ln(:{rank} + 0.5) - 1.0 / :{rank}"
        return f"(pow(:{rank} + 0.5, {gap!r}) - 1.0) / ({gap!r}) - pow(:{rank}, {-self.theta!r})"

    def _inverse(self, area: str) -> str:
        gap = 1.0 - self.theta
        if abs(gap) < _LOGARITHMIC:
            return f"exp(:{area})"
        return f"pow(1.0 + ({gap!r}) * :{area}, {1 / gap!r})"

    def _user(self, name: str) -> Iterator[str]:
        """Apply the network until the number is in range, by nested conditions, since pgbench has no loops."""
        bits = int(self.ranks.half_bits)
        mask = (1 << bits) - 1
        yield f"\\set {name} :rank - 1"
        for n in range(self.walk):
            if n:
                yield f"\\if :{name} >= {self.ranks.users}"
            yield f"\\set a :{name} >> {bits}"
            yield f"\\set b :{name} & {mask}"
            for key, (changed, by) in zip(self.ranks.keys.tolist(), (("a", "b"), ("b", "a")) * 2, strict=True):
                yield from _round(changed, by, int(key), bits)
            yield f"\\set {name} (:a << {bits}) | :b"
        yield from ["\\endif"] * (self.walk - 1)
        yield f"\\set {name} :{name} + 1"


def _round(changed: str, by: str, key: int, bits: int) -> Iterator[str]:
    """One round of the network: ``changed`` ^= scramble(``by``, key).

    scramble is bits 29 … 29 + bits of x · MIX with x = m ^ (m >> 32) and m = (by + key) · MIX, all modulo 2^64. Its
    first product is taken as two words of 32 bits, ``low`` and ``high``; of the second only 29 + bits are needed.
    """
    mix = int(MIX)
    mix_low, mix_high = mix & _LOW_WORD, mix >> 32
    of_key = key * mix & (2**64 - 1)
    upper = max(0, (1 << bits >> 3) - 1)  # bits 32 … 29 + bits of the second product, as a mask
    middle = (1 << (13 + bits)) - 1  # bits 16 … 29 + bits
    yield f"\\set low :{by} * {mix_low} + {of_key & _LOW_WORD}"
    yield f"\\set high (:{by} * {mix_high} + {of_key >> 32} + (:low >> 32)) & {_LOW_WORD}"
    yield f"\\set low (:low # :high) & {_LOW_WORD}"
    product = f":low * {mix_low & 0xFFFF} + ((:low * {mix_low >> 16} & {middle}) << 16)"
    if upper:
        product += (
            f" + ((((:low & {upper}) * {mix_high & upper} + (:high & {upper}) * {mix_low & upper}) & {upper}) << 32)"
        )
    yield f"\\set {changed} :{changed} # ((({product}) >> 29) & {(1 << bits) - 1})"


def rejected_share(users: int, theta: float) -> float:
    """Probability that rejection-inversion rejects a draw: 1 − Σ k^−theta over the area that it draws from."""
    if theta == 0.0 or users == 1:
        return 0.0
    bounds = RejectionBounds.of(users, theta)
    summed = min(users, _SUMMED_RANKS)
    mass = float((np.arange(1.0, summed + 1) ** -theta).sum())
    area = RejectionBounds.of(summed, theta).high - bounds.low
    return max(0.0, (area - mass) / (bounds.high - bounds.low))
