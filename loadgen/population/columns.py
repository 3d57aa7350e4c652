"""Rows as typed columns, the interface between the population and its storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np

from capacity.arrays import Bools, Ints
from loadgen.population.text import Text, lines

US_PER_S: Final = 1_000_000


class Kind(Enum):
    """Type of a column in the database and of its values here."""

    BIGINT = auto()
    """int64."""
    TEXT = auto()
    """Text."""
    JSONB = auto()
    """JSON text."""
    TIMESTAMPTZ = auto()
    """int64 microseconds of the Unix epoch."""
    DATE = auto()
    """int64 days of the Unix epoch."""
    CENTS = auto()
    """int64 hundredths of a numeric(…, 2), not below zero."""


@dataclass(frozen=True)
class Choice:
    """A choice of texts by index in each row; −1 is NULL."""

    entries: tuple[bytes, ...]
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    def to_list(self) -> list[bytes | None]:
        """Texts of the rows."""
        entries = (*self.entries, None)
        return [entries[place] for place in self.index.tolist()]


@dataclass(frozen=True)
class Column:
    """A column: numbers, text as a matrix or a choice, or a list where lengths differ much."""

    name: str
    kind: Kind
    values: Ints | Text | Choice | Sequence[bytes | None]
    present: Bools | None = None
    """Rows of a matrix that are not NULL; None if all are."""
    solid: bool = False
    """True if JSON in a matrix has no NULs, so that all of its bytes can be stored."""

    def __len__(self) -> int:
        return len(self.values)

    def to_list(self) -> Sequence[int | bytes | None]:
        """Values of the rows; text as bytes, NULL as None."""
        if isinstance(self.values, Choice):
            return self.values.to_list()
        if not isinstance(self.values, np.ndarray):
            return list(self.values)
        if self.kind not in (Kind.TEXT, Kind.JSONB):
            return [int(value) for value in self.values.tolist()]
        texts = lines(np.asarray(self.values, np.uint8))
        if self.present is None:
            return texts
        return [text if present else None for text, present in zip(texts, self.present.tolist(), strict=True)]


@dataclass(frozen=True)
class Rows:
    """Rows of one table."""

    table: str
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns[0])
