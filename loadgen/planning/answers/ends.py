"""Intervals in documents."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.values import Interval


@dataclass(frozen=True)
class Ends:
    """A value with its interval; ``high`` is null for "at least"."""

    value: float
    low: float
    high: float | None

    @staticmethod
    def of(interval: Interval) -> Ends:
        """Convert an interval; an infinite high end becomes None."""
        return Ends(interval.value, interval.low, interval.high if math.isfinite(interval.high) else None)
