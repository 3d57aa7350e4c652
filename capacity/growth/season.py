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
"""Least F of a pattern: noise exceeds it in less than a tenth of simulated histories without season."""
LEAST_F_UNDECLARED = 5.0
"""Least F where periods are only numbered, so that several lengths are tried."""
UNDECLARED = (12, 4, 7)
"""Lengths tried where the unit of a period is unknown: for months, quarters and days."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A seasonal pattern. ``index`` by phase holds factors around 1 if multiplicative, else offsets around 0."""

    index: Floats
    multiplicative: bool
    f: float
    rest: float
    """Residual variance, relative to the level."""

    @property
    def length(self) -> int:
        return len(self.index)

    def removed(self, values: Floats) -> Floats:
        """Remove the pattern from values that start at position 0."""
        at = self.index[np.arange(len(values)) % self.length]
        return values / at if self.multiplicative else values - at

    def restored(self, values: Floats, first: int) -> Floats:
        """Put the pattern back into values whose last axis starts at position ``first``."""
        at = self.index[(first + np.arange(values.shape[-1])) % self.length]
        return values * at if self.multiplicative else values + at


def find(values: Floats, lengths: Sequence[int], least_f: float) -> Pattern | None:
    """Find the pattern with the least residual variance, of any length, multiplicative or additive; None if none."""
    kinds = (True, False) if values.min() > 0 else (False,)
    patterns = [p for length in lengths for kind in kinds if (p := _pattern(values, length, kind)) is not None]
    accepted = [p for p in patterns if p.f >= least_f]
    return min(accepted, key=lambda p: p.rest) if accepted else None


def _pattern(values: Floats, length: int, multiplicative: bool) -> Pattern | None:
    """Pattern of one length; None with fewer values than two and a third seasons, or with F ≤ 1."""
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
    # The floor keeps F finite where the pattern is exact.
    f = between / max(rest, 1e-18 if multiplicative else 1e-18 * float(np.mean(values**2)))
    if f <= 1:
        return None
    level = 1.0 if multiplicative else float(trend.mean()) ** 2
    return Pattern(none + centred * (1 - 1 / f), multiplicative, f, rest / max(level, 1e-300))
