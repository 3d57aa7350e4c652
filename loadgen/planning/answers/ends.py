"""A value with its interval as documents give it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.values import Interval


@dataclass(frozen=True)
class Ends:
    """A value with its interval; ``high`` null: "at least"."""

    value: float
    low: float
    high: float | None

    @staticmethod
    def of(interval: Interval) -> Ends:
        """The ends of an interval; an infinite high end becomes None."""
        return Ends(interval.value, interval.low, interval.high if math.isfinite(interval.high) else None)
