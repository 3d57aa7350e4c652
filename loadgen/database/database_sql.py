"""The statements of this package: ``sql/*.sql``, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from psycopg import sql


@cache
def statement(name: str) -> bytes:
    """The text of ``sql/<name>.sql``, as bytes: what psycopg takes as SQL that was not put together here."""
    return (files("loadgen.database") / "sql" / f"{name}.sql").read_bytes()


def composable(name: str) -> sql.SQL:
    """The text of ``sql/<name>.sql`` with places for identifiers and literals; as trusted as a literal in code."""
    return sql.SQL(statement(name).decode())
