"""Counts of pg_stat_statements, and their growth between two snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from loadgen.observe.queries import Connection
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/statements.sql")


@dataclass(frozen=True, slots=True)
class StatementUse:
    """Totals of one normalised statement in one database, over all users."""

    queryid: int
    query: str
    """Normalised text, with ``$n`` for constants; hidden without pg_read_all_stats."""
    calls: int
    rows: int
    total_exec_ms: float
    shared_blocks_hit: int
    shared_blocks_read: int
    shared_blocks_dirtied: int
    wal_bytes: int

    def since(self, before: StatementUse | None) -> StatementUse:
        """Growth since ``before``; the totals themselves if the statistics were reset in between."""
        if before is None or before.calls > self.calls:
            return self
        return StatementUse(
            self.queryid,
            self.query,
            self.calls - before.calls,
            self.rows - before.rows,
            self.total_exec_ms - before.total_exec_ms,
            self.shared_blocks_hit - before.shared_blocks_hit,
            self.shared_blocks_read - before.shared_blocks_read,
            self.shared_blocks_dirtied - before.shared_blocks_dirtied,
            self.wal_bytes - before.wal_bytes,
        )

    def plus(self, other: StatementUse) -> StatementUse:
        """Sum of two uses: of a statement on two servers, or of two texts that count as one."""
        return StatementUse(
            self.queryid,
            self.query,
            self.calls + other.calls,
            self.rows + other.rows,
            self.total_exec_ms + other.total_exec_ms,
            self.shared_blocks_hit + other.shared_blocks_hit,
            self.shared_blocks_read + other.shared_blocks_read,
            self.shared_blocks_dirtied + other.shared_blocks_dirtied,
            self.wal_bytes + other.wal_bytes,
        )


Snapshot = Mapping[int, StatementUse]
"""Totals by queryid."""


def schema(connection: Connection) -> str | None:
    """Schema of the extension; None if this database lacks it."""
    row = connection.execute(_SQL["statements_schema"]).fetchone()
    return None if row is None else str(row[0])


def snapshot(connection: Connection) -> Snapshot | None:
    """Read the totals; None if the database lacks the extension, the server does not load it, or access is denied.

    Statements of other users are left out without pg_read_all_stats.
    """
    place = schema(connection)
    if place is None:
        return None
    query = sql.SQL(_SQL["statements"]).format(schema=sql.Identifier(place))
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(StatementUse)) as cursor:
            return {use.queryid: use for use in cursor.execute(query)}
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InsufficientPrivilege):
        return None


def between(before: Snapshot, after: Snapshot) -> tuple[StatementUse, ...]:
    """Statements that ran between two snapshots, busiest first."""
    uses = (use.since(before.get(queryid)) for queryid, use in after.items())
    return tuple(sorted((use for use in uses if use.calls), key=lambda use: (-use.total_exec_ms, use.queryid)))
