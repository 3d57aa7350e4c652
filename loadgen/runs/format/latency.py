"""Latencies as a record keeps them, and what those of a load must be for it to count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator

from capacity.values import Interval
from loadgen.runs.format.ranges import AboveZero, Amount, Count

PERCENTILES: Final = (50.0, 95.0, 99.0)
"""Those that a record keeps, and hence those that an objective can name."""


def _kept(percentile: float) -> float:
    if percentile not in PERCENTILES:
        raise ValueError(f"a record keeps the percentiles {', '.join(f'{p:g}' for p in PERCENTILES)}")
    return percentile


@dataclass(frozen=True)
class Latency:
    """Percentiles of one latency in milliseconds; intervals by a block bootstrap over seconds. None: too few."""

    count: Count
    mean_ms: Amount
    p50_ms: Interval | None
    p95_ms: Interval | None
    p99_ms: Interval | None
    max_ms: Amount
    censored: Count = 0
    """Of ``count``, those that are only known to have taken longer than was recorded: dropped, or never finished."""
    censored_from_ms: Amount | None = None
    """The shortest of them; percentiles from here on, the mean and the maximum are lower bounds, "at least"."""

    def is_bound(self, value_ms: float) -> bool:
        """Whether a percentile of this value is only a lower bound."""
        return self.censored_from_ms is not None and value_ms >= self.censored_from_ms

    def percentile_ms(self, percentile: float) -> Interval | None:
        """One of the PERCENTILES that are kept. Raises KeyError for another."""
        return {50.0: self.p50_ms, 95.0: self.p95_ms, 99.0: self.p99_ms}[percentile]


@dataclass(frozen=True)
class Objective:
    """The response time that a load must meet to count, at one percentile."""

    percentile: Annotated[float, AfterValidator(_kept)] = 95.0
    response_ms: AboveZero = 100.0

    def __str__(self) -> str:
        return f"p{self.percentile:g} ≤ {self.response_ms:g} ms"
