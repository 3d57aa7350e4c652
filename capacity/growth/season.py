"""A repeating pattern: found by an F test on a detrended history, taken out, put back.

Classical decomposition: the trend is a centred moving average over one season; the pattern is the mean of what is
left (ratios or differences) by phase, shrunk towards none by 1 − 1/F, where F is its variance over that of the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats

LEAST_F = 3.0
"""Below it no pattern is used: on simulated histories without one, noise passes in under a tenth of them."""
LEAST_F_UNDECLARED = 5.0
"""The same where periods are only numbered, so that several lengths are tried."""
UNDECLARED = (12, 4, 7)
"""Lengths tried where nothing says what a period is: months, quarters and days."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``index`` by position modulo its length: factors around 1 when multiplicative, else offsets around 0."""

    index: Floats
    multiplicative: bool
    f: float
    rest: float
    """Variance of what the pattern leaves, relative to the level."""

    @property
    def length(self) -> int:
        return len(self.index)

    def removed(self, values: Floats) -> Floats:
        """Values from position 0 on without the pattern."""
        at = self.index[np.arange(len(values)) % self.length]
        return values / at if self.multiplicative else values - at

    def restored(self, values: Floats, first: int) -> Floats:
        """Values whose last axis starts at position ``first``, with the pattern back in."""
        at = self.index[(first + np.arange(values.shape[-1])) % self.length]
        return values * at if self.multiplicative else values + at


def find(values: Floats, lengths: Sequence[int], least_f: float) -> Pattern | None:
    """The pattern of ``values`` that leaves least, of any of the lengths, multiplicative or additive; None: no."""
    kinds = (True, False) if values.min() > 0 else (False,)
    made = [p for length in lengths for kind in kinds if (p := _pattern(values, length, kind)) is not None]
    good = [p for p in made if p.f >= least_f]
    return min(good, key=lambda p: p.rest) if good else None


def _pattern(values: Floats, length: int, multiplicative: bool) -> Pattern | None:
    """None where there are too few values to tell: two seasons and a third are needed."""
    if length < 2 or len(values) < 2 * length + max(2, length // 3):
        return None
    kernel = np.full(length, 1 / length)
    if length % 2 == 0:
        kernel = np.concatenate([[0.5], np.ones(length - 1), [0.5]]) / length
    trend = np.convolve(values, kernel, "valid")
    start = (len(kernel) - 1) // 2
    inner = values[start : start + len(trend)]
    left = inner / trend if multiplicative else inner - trend
    phase = (np.arange(len(trend)) + start) % length
    count = np.bincount(phase, minlength=length)
    freedom = len(left) - length
    if count.min() == 0 or freedom < max(1, length // 3):
        return None
    mean = np.bincount(phase, left, minlength=length) / count
    none = 1.0 if multiplicative else 0.0
    centred = mean / mean.mean() - 1 if multiplicative else mean - mean.mean()
    rest = float(np.sum((left - none - centred[phase]) ** 2) / freedom)
    between = float(np.sum(count * centred**2) / (length - 1))
    # A pattern without any rest is exact; the floor keeps F finite.
    f = between / max(rest, 1e-18 if multiplicative else 1e-18 * float(np.mean(values**2)))
    if f <= 1:
        return None
    level = 1.0 if multiplicative else float(trend.mean()) ** 2
    return Pattern(none + centred * (1 - 1 / f), multiplicative, f, rest / max(level, 1e-300))
