"""What the numbers of a record can be: checked where it is read, so that an error names its field."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

MOST: Final = 2**63 - 1
"""What a bigint of the server holds."""
MOST_USERS: Final = 1_000_000
MOST_REPEATS: Final = 1_000
"""Of a load, and of a sweep's level: more than any option takes."""

Count = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Users = Annotated[int, Field(ge=1, le=MOST_USERS)]
"""Users or busy connections, as of a sweep's level."""
Repeat = Annotated[int, Field(ge=0, lt=MOST_REPEATS)]
Repeats = Annotated[int, Field(ge=1, le=MOST_REPEATS)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
"""Milliseconds, seconds, cores, bytes a transaction."""
AboveZero = Annotated[float, Field(gt=0, le=MOST)]
