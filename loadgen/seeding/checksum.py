"""Checksums of a database's rows, independent of the order in which they were loaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import psycopg

from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/tables.sql")


@dataclass(frozen=True, slots=True)
class TableChecksum:
    """Rows of a table, and a 64-bit checksum of their values that does not depend on their order."""

    table: str
    rows: int
    checksum: str


def checksum(conn: psycopg.Connection) -> tuple[TableChecksum, ...]:
    """Checksums of the eight tables in one snapshot, sorted by name."""
    with conn.transaction():
        conn.execute(_SQL["checksum_settings"])
        sums = conn.execute(_SQL["checksum"]).fetchall()
    return tuple(TableChecksum(table, rows, high + low) for table, rows, low, high in sums)


def overall(tables: tuple[TableChecksum, ...]) -> str:
    """One checksum of all tables."""
    text = "\n".join(f"{t.table} {t.rows} {t.checksum}" for t in tables)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
