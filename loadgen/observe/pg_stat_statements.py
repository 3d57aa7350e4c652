"""What pg_stat_statements counted: the server's own word on how often each statement ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from loadgen.observe.queries import Connection, text


@dataclass(frozen=True, slots=True)
class StatementUse:
    """Totals of one normalised statement in one database, over all users."""

    queryid: int
    query: str
    """The server's text of it, with ``$n`` for constants; hidden without pg_read_all_stats."""
    calls: int
    rows: int
    total_exec_ms: float
    shared_blocks_hit: int
    shared_blocks_read: int
    shared_blocks_dirtied: int
    wal_bytes: int

    def since(self, before: StatementUse | None) -> StatementUse:
        """What came on top of ``before``; everything, if the statistics were reset in between."""
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
        """The same statement on two servers, or two texts that count as one."""
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
"""By queryid."""


def schema(connection: Connection) -> str | None:
    """Where the extension lives; None if this database lacks it."""
    found = connection.execute(text("statements_schema")).fetchone()
    return None if found is None else str(found[0])


def snapshot(connection: Connection) -> Snapshot | None:
    """The totals now. None: this database lacks the extension, the server does not load it, or we may not look.

    Statements of other users are left out without pg_read_all_stats.
    """
    place = schema(connection)
    if place is None:
        return None
    query = sql.SQL(text("statements").decode()).format(schema=sql.Identifier(place))
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(StatementUse)) as cursor:
            return {use.queryid: use for use in cursor.execute(query)}
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InsufficientPrivilege):
        return None


def between(before: Snapshot, after: Snapshot) -> tuple[StatementUse, ...]:
    """What ran between two snapshots, busiest first."""
    uses = (use.since(before.get(queryid)) for queryid, use in after.items())
    return tuple(sorted((use for use in uses if use.calls), key=lambda use: (-use.total_exec_ms, use.queryid)))


def starting_with(uses: Iterable[StatementUse], prefix: str) -> tuple[StatementUse, ...]:
    """Those whose text begins with ``prefix``, white space counting as one blank."""
    wanted = " ".join(prefix.split())
    return tuple(use for use in uses if " ".join(use.query.split()).startswith(wanted))
