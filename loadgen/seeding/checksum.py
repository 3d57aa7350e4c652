"""What rows a database holds, as a few digits: the same whatever order they were loaded in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import psycopg

from loadgen.seeding.seeding_sql import statement


@dataclass(frozen=True, slots=True)
class TableChecksum:
    """Rows of a table, and 64 bits that depend on all of their values and not on their order."""

    table: str
    rows: int
    checksum: str


def checksum(conn: psycopg.Connection) -> tuple[TableChecksum, ...]:
    """Checksums of the eight tables, by name, all of one moment."""
    with conn.transaction():
        conn.execute(statement("checksum_settings"))
        found = conn.execute(statement("checksum")).fetchall()
    return tuple(TableChecksum(table, rows, high + low) for table, rows, low, high in found)


def overall(tables: tuple[TableChecksum, ...]) -> str:
    """One checksum of all tables."""
    text = "\n".join(f"{t.table} {t.rows} {t.checksum}" for t in tables)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
