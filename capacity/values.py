"""Values shared by all modules of this package: intervals, inputs with their origin, table sizes, refusals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

MOST_LOG_HALF: Final = 300.0
"""Greatest half-width of an interval of logarithms: e³⁰⁰ either way says nothing, and its ends are still finite."""
LARGEST: Final = 1e50
"""Greatest measurement that is used, and the inverse of the least; others are errors, and would overflow."""
LEVEL: Final = 0.9
"""Default level of an interval: the probability that it covers the true value."""


class Origin(StrEnum):
    """Origin of a number, always printed beside it."""

    MEASURED = "measured"
    DERIVED = "derived"
    ASSUMPTION = "assumption"
    SYNTHETIC = "synthetic"
    """Read from a database that this tool seeded: true of that database, not of production."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and the interval that covers the true value with probability ``level``.

    Raises ValueError unless low ≤ value ≤ high, all finite but ``high``, which may be +inf ("at least").
    """

    low: float
    value: float
    high: float
    level: float = LEVEL

    # For pydantic: JSON has no infinity, and null would not be read back as one.
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
        """Return the interval without width of a value that was counted, not estimated."""
        return Interval(value, value, value)

    @staticmethod
    def from_log(value: float, half: float, level: float) -> Interval:
        """Return the interval of a quantity whose natural logarithm is ``value`` ± ``half``; its ends stay finite."""
        half = min(half, MOST_LOG_HALF)
        return Interval(math.exp(value - half), math.exp(value), math.exp(value + half), level)

    def scaled(self, factor: float) -> Interval:
        """Return the interval of ``factor`` times the quantity; factor ≥ 0."""
        return Interval(self.low * factor, self.value * factor, self.high * factor, self.level)


@dataclass(frozen=True, slots=True)
class Input:
    """A number that the plan is made from, and where it comes from."""

    name: str
    value: Interval
    unit: str
    origin: Origin
    source: str


@dataclass(frozen=True)
class TableSize:
    """Measured size of one table. ``column_bytes`` holds the stored bytes of the columns that were measured.

    Raises ValueError for sizes that are negative or exceed 64 bits.
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
    """The reason why there is no answer: a code for programs, what is missing, and what to do about it."""

    code: str
    missing: str
    do: str
