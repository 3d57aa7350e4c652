"""SQL statements of this package, each in its ``.sql`` file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]


@cache
def text(name: str) -> bytes:
    """Read ``sql/<name>.sql``."""
    return (files("loadgen.observe") / "sql" / f"{name}.sql").read_bytes()


def text_for(name: str, server_version: int) -> bytes | None:
    """Read the newest ``sql/<name>_<major>.sql`` not newer than the server; None when all are.

    ``server_version`` is libpq's, 180003 for 18.3.
    """
    majors = sorted(
        int(file.name.removeprefix(f"{name}_").removesuffix(".sql"))
        for file in (files("loadgen.observe") / "sql").iterdir()
        if file.name.startswith(f"{name}_") and file.name.endswith(".sql")
    )
    fitting = [major for major in majors if major <= server_version // 10000]
    return text(f"{name}_{fitting[-1]}") if fitting else None
