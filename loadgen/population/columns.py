"""Rows as typed columns: what the population hands to whoever stores it."""

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
    """Type of a column, and what its values are."""

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
    """Texts of which each row has one; −1 is NULL."""

    entries: tuple[bytes, ...]
    index: Ints

    def __len__(self) -> int:
        return len(self.index)

    def to_list(self) -> list[bytes | None]:
        """The texts row by row."""
        entries = (*self.entries, None)
        return [entries[place] for place in self.index.tolist()]


@dataclass(frozen=True)
class Column:
    """One column of some rows: numbers, text as a matrix or of a choice, or, where lengths differ much, a list."""

    name: str
    kind: Kind
    values: Ints | Text | Choice | Sequence[bytes | None]
    present: Bools | None = None
    """For a matrix: which rows are not NULL; None: all are."""
    solid: bool = False
    """Of JSON in a matrix: it has no NULs, so that all of its bytes can be stored."""

    def __len__(self) -> int:
        return len(self.values)

    def to_list(self) -> Sequence[int | bytes | None]:
        """The values one by one; text as its bytes, None is NULL."""
        if isinstance(self.values, Choice):
            return self.values.to_list()
        if not isinstance(self.values, np.ndarray):
            return list(self.values)
        if self.kind not in (Kind.TEXT, Kind.JSONB):
            return [int(value) for value in self.values.tolist()]
        texts = lines(np.asarray(self.values, np.uint8))
        if self.present is None:
            return texts
        return [text if here else None for text, here in zip(texts, self.present.tolist(), strict=True)]


@dataclass(frozen=True)
class Rows:
    """Rows of one table."""

    table: str
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns[0])
