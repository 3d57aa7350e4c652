"""SQL statements of this package, read once from ``sql/*.sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> bytes:
    """The text of ``sql/<name>.sql``, as bytes, which psycopg accepts as trusted SQL."""
    return (files("loadgen.seeding") / "sql" / f"{name}.sql").read_bytes()
