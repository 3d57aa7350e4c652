"""SQL statements of this package, read once from ``sql/*.sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def statement(name: str) -> bytes:
    """The text of ``sql/<name>.sql``, as bytes, which psycopg accepts as trusted SQL."""
    return (files("loadgen.database") / "sql" / f"{name}.sql").read_bytes()


def composable(name: str) -> sql.SQL:
    """The text of ``sql/<name>.sql`` with placeholders for identifiers and literals."""
    return sql.SQL(statement(name).decode())
