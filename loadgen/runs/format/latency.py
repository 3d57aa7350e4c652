"""Latencies of a record, and objectives for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator

from capacity.formatting import interval, number
from capacity.values import Interval
from loadgen.runs.format.ranges import AboveZero, Amount, Count

PERCENTILES: Final = (50.0, 95.0, 99.0)
"""Percentiles in a record, and hence those that an objective can name."""


def _kept(percentile: float) -> float:
    if percentile not in PERCENTILES:
        raise ValueError(f"a record keeps the percentiles {', '.join(f'{p:g}' for p in PERCENTILES)}")
    return percentile


@dataclass(frozen=True)
class Latency:
    """Percentiles of one latency in ms, with intervals by a block bootstrap over seconds; None for too few values."""

    count: Count
    mean_ms: Amount
    p50_ms: Interval | None
    p95_ms: Interval | None
    p99_ms: Interval | None
    max_ms: Amount
    censored: Count = 0
    """Number of values that are lower bounds, since the transaction was dropped or never finished."""
    censored_from_ms: Amount | None = None
    """Shortest censored latency in ms: percentiles from here on, the mean and the maximum are lower bounds."""

    def is_bound(self, value_ms: float) -> bool:
        """True if a percentile of this value is a lower bound."""
        return self.censored_from_ms is not None and value_ms >= self.censored_from_ms

    def percentile_ms(self, percentile: float) -> Interval | None:
        """Return one of the PERCENTILES. Raises KeyError for another."""
        return {50.0: self.p50_ms, 95.0: self.p95_ms, 99.0: self.p99_ms}[percentile]

    def percentile_text(self, percentile: float) -> str:
        """Format a percentile in ms with its interval; ``≥ 2,010`` where it is a lower bound."""
        value = self.percentile_ms(percentile)
        if value is not None and self.is_bound(value.value):
            return f"≥ {number(value.value)}"
        return interval(value)


@dataclass(frozen=True)
class Objective:
    """Objective: the longest response time that is met, at one percentile."""

    percentile: Annotated[float, AfterValidator(_kept)] = 95.0
    response_ms: AboveZero = 100.0

    def __str__(self) -> str:
        return f"p{self.percentile:g} ≤ {self.response_ms:g} ms"
