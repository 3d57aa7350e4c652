"""Rows as typed columns: what the population hands to whoever stores it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.population.streams import Ints

US_PER_S: Final = 1_000_000


class Kind(Enum):
    """Type of a column, and what its values are."""

    BIGINT = auto()
    """int64."""
    TEXT = auto()
    """str, or None."""
    ASCII = auto()
    """Text as bytes already."""
    JSONB = auto()
    """JSON text as bytes, or None."""
    TIMESTAMPTZ = auto()
    """int64 microseconds of the Unix epoch."""
    DATE = auto()
    """int64 days of the Unix epoch."""
    CENTS = auto()
    """int64 hundredths of a numeric(…, 2), not below zero."""


@dataclass(frozen=True)
class Column:
    """One column of some rows."""

    name: str
    kind: Kind
    values: Ints | Sequence[str | None] | Sequence[bytes | None]


@dataclass(frozen=True)
class Rows:
    """Rows of one table."""

    table: str
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns[0].values)


def rfc3339(moments_us: Ints) -> list[str]:
    """Moments in microseconds of the Unix epoch as text, to the second, UTC."""
    seconds = (moments_us // US_PER_S).astype("datetime64[s]")
    text: NDArray[np.str_] = np.datetime_as_string(seconds, timezone="UTC")
    return [str(moment) for moment in text.tolist()]
