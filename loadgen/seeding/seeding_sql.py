"""The statements of this package: ``sql/*.sql``, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> bytes:
    """The text of ``sql/<name>.sql``, as bytes: what psycopg takes as SQL that was not put together here."""
    return (files("loadgen.seeding") / "sql" / f"{name}.sql").read_bytes()
