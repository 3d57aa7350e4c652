"""The values that every module of this package takes and gives: numbers with interval and origin, sizes, refusals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

MOST_LOG_HALF: Final = 300.0
"""Half the width, in logarithms, from which on an interval says no more: e³⁰⁰ either way, and its ends are numbers."""
LEVEL: Final = 0.9
"""Of an interval unless another is asked for: the probability with which it covers the truth."""


class Origin(StrEnum):
    """Where a number comes from. Printed beside it, always."""

    MEASURED = "measured"
    DERIVED = "derived"
    ASSUMPTION = "assumption"
    SYNTHETIC = "synthetic"
    """Read from a database that this tool filled: true of the copy, not of production."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the interval that covers the truth with probability ``level``.

    Raises ValueError unless low ≤ value ≤ high, all finite but ``high``, which may be +inf ("at least").
    """

    low: float
    value: float
    high: float
    level: float = LEVEL

    # Read by whoever serialises with pydantic: JSON has no infinity, and null would not come back.
    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_inf_nan": "strings"}

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.value)):
            raise ValueError(f"an interval needs a finite low and value, not {self.low}, {self.value}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} lies outside its interval {self.low} to {self.high}")
        if not 0 < self.level < 1:
            raise ValueError(f"a level lies between 0 and 1, not {self.level}")

    @staticmethod
    def exact(value: float) -> Interval:
        """A value counted rather than estimated."""
        return Interval(value, value, value)

    @staticmethod
    def of_log(value: float, half: float, level: float) -> Interval:
        """The interval of a quantity whose natural logarithm is ``value`` ± ``half``; cut where it is no number."""
        half = min(half, MOST_LOG_HALF)
        return Interval(math.exp(value - half), math.exp(value), math.exp(value + half), level)

    def scaled(self, factor: float) -> Interval:
        """The interval of ``factor`` times the quantity; factor ≥ 0."""
        return Interval(self.low * factor, self.value * factor, self.high * factor, self.level)


@dataclass(frozen=True, slots=True)
class Input:
    """A number that went into the plan, where it comes from, and whether it was measured."""

    name: str
    value: Interval
    unit: str
    origin: Origin
    source: str


@dataclass(frozen=True)
class TableSize:
    """Measured bytes of one table. ``column_bytes``: of the columns that were looked at, as stored.

    Raises ValueError for numbers that no table has.
    """

    name: str
    rows: int
    heap_bytes: int
    toast_bytes: int
    index_bytes: int
    column_bytes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = (self.rows, self.heap_bytes, self.toast_bytes, self.index_bytes, *self.column_bytes.values())
        if not 0 <= min(numbers) <= max(numbers) < 2**63:
            raise ValueError(f"table {self.name!r} needs rows and bytes of 0 or more, within 64 bits")

    @property
    def total_bytes(self) -> int:
        return self.heap_bytes + self.toast_bytes + self.index_bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer: a code for programs, the missing measurement, and how to get it."""

    code: str
    missing: str
    do: str
