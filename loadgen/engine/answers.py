"""What is sent to a session in one go, and what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loadgen.engine.failures import DatabaseError
from loadgen.engine.wire import DECODERS, Value

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from loadgen.engine.statements import Statement

Query = tuple["Statement | bytes", Sequence[bytes | None]]
"""A statement with its binary parameters, or a command (BEGIN, COMMIT) without any."""

Row = tuple[Value, ...]


@dataclass(slots=True)
class Answers:
    """What came of queries, in order, as far as they were answered."""

    results: list[PGresult] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    """Rows returned, or rows changed by a statement that returns none; 0 for a command."""
    times: list[float] = field(default_factory=list)
    """When each was answered, monotonic; empty of a pipeline, whose answers come together."""


def first_row(result: PGresult) -> Row | None:
    """The first row, decoded for a draw; None when there is none. Raises DatabaseError for a type it cannot read."""
    if result.ntuples == 0:
        return None
    values: list[Value] = []
    for column in range(result.nfields):
        raw = result.get_value(0, column)
        decode = DECODERS.get(result.ftype(column))
        if decode is None:
            name = (result.fname(column) or b"?").decode()
            raise DatabaseError("42804", f"column {name!r}: no draw can read type {result.ftype(column)}; cast it")
        values.append(None if raw is None else decode(raw))
    return tuple(values)
