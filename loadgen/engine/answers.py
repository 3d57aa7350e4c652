"""Queries sent to a session together, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Union

from loadgen.engine.failures import DatabaseError
from loadgen.engine.wire import DECODERS, Value

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from loadgen.engine.scenario_sql import Statement

Query = Union["Statement", bytes]
"""A statement, or a command (BEGIN, COMMIT) without parameters."""

Parameters = Sequence[bytes | None]
"""Parameters of a query in binary format; None is SQL's NULL."""

Row = tuple[Value, ...]


class Answers:
    """Answers to queries in order, as far as they came; ``results`` only with ``keep``."""

    __slots__ = ("counts", "keep", "results", "times")

    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.results: list[PGresult] = []
        self.counts: list[int] = []
        """Rows returned, or rows changed by a statement that returns none; 0 for a command."""
        self.times: list[float] = []
        """Monotonic times of sending the first query and of each answer; of a pipeline, whose answers come together,
        the first alone."""


def first_row(result: PGresult) -> Row | None:
    """Decode the first row for a draw; None when there is none. Raises DatabaseError for a type without decoder."""
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
