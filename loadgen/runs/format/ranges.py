"""Ranges of the numbers of a record, checked as it is read, so that an error names its field."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

MOST: Final = 2**63 - 1
"""Greatest bigint of PostgreSQL."""
MOST_USERS: Final = 1_000_000
MOST_REPEATS: Final = 1_000
"""Most repeats of a rate or of a sweep's level: more than any option allows."""

Count = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Users = Annotated[int, Field(ge=1, le=MOST_USERS)]
"""Users or busy connections."""
Repeat = Annotated[int, Field(ge=0, lt=MOST_REPEATS)]
Repeats = Annotated[int, Field(ge=1, le=MOST_REPEATS)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
"""A measure: milliseconds, seconds, cores, bytes a transaction."""
AboveZero = Annotated[float, Field(gt=0, le=MOST)]
