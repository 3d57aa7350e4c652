"""Identity of the database that a connection leads to, whatever host, name or pooler it went through.

A DSN is no proof: a pooler's entry, a DNS name or one of several hosts may lead elsewhere, and may move. The server's
system identifier, the database's own name and the instant of its mark are compared instead, on every connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import psycopg

from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/identity.sql")


Query = Callable[[bytes], Sequence[str | None] | None]
"""Runs a statement and returns its first row as text; None without a row, or if it failed with one of REFUSED."""

REFUSED: Final = frozenset({"3F000", "42501", "42883", "42P01"})
"""SQLSTATEs of a missing schema, privilege, function or table."""


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """One database of one server, the same on its streaming replicas. None is unknown, and not compared."""

    database: str
    system_identifier: str | None = None
    marked_at_us: str | None = None
    """Time of the database's mark, in microseconds since 1970."""
    found_at: str | None = field(default=None, compare=False)
    """Host and port through which it was reached, for messages; other addresses may lead to it too."""

    def __str__(self) -> str:
        at = "" if self.found_at is None else f" at {self.found_at}"
        server = "" if self.system_identifier is None else f" (system identifier {self.system_identifier})"
        return f"database {self.database}{at}{server}"

    def with_database(self, name: str) -> DatabaseIdentity:
        """Identity of another database of the same server, marked or not."""
        return replace(self, database=name, marked_at_us=None)

    def difference(self, other: DatabaseIdentity) -> str | None:
        """Describe how ``other`` differs from this database; None if it does not."""
        if self.database != other.database or _differ(self.system_identifier, other.system_identifier):
            return f"it is {other}"
        if self.marked_at_us is not None and other.marked_at_us is None:
            return "it is not marked as synthetic"
        if self.marked_at_us != other.marked_at_us and self.marked_at_us is not None:
            return "it was marked as synthetic at another time, so it is a different database of the same name"
        return None


def read_identity(query: Query, *, with_mark: bool = True) -> DatabaseIdentity:
    """Read the identity of the database that ``query`` runs in, with its mark if asked for."""
    if with_mark and (row := query(_SQL["marked_identity"].encode())) is not None:
        system_identifier, database, marked_at_us = row
        return DatabaseIdentity(str(database), system_identifier, marked_at_us)
    row = query(_SQL["identity"].encode()) or query(_SQL["current_database"].encode())
    assert row is not None, "every server knows the name of its database"
    system_identifier, database = row
    mark = query(_SQL["mark_time"].encode()) if with_mark and system_identifier is None else None
    return DatabaseIdentity(str(database), system_identifier, mark[0] if mark else None)


def query_on(conn: psycopg.Connection) -> Query:
    """Run statements on a psycopg connection, without leaving a transaction open."""

    def query(sql: bytes) -> Sequence[str | None] | None:
        try:
            with conn.transaction():
                return conn.execute(sql).fetchone()
        except psycopg.Error as error:
            if error.sqlstate in REFUSED:
                return None
            raise

    return query


def _differ(left: str | None, right: str | None) -> bool:
    return None not in (left, right) and left != right
