"""The application's schema: numbered files in ``schema/``, each applied once in a transaction of its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import psycopg

from loadgen.database.statements import statement
from loadgen.errors import EnvironmentFault

OLDEST_SERVER: Final = 150000
"""PostgreSQL 15: views with security_invoker, and CREATE DATABASE … STRATEGY."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``schema/``. ``version`` is its name without the suffix."""

    version: str
    sql: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql).hexdigest()

    @property
    def statements(self) -> tuple[str, ...]:
        """Its statements without their comments; for files that hold no other semicolons than those between them."""
        text = re.sub(r"--.*", "", self.sql.decode())
        return tuple(" ".join(found.split()) for found in text.split(";") if found.strip())


def _read() -> tuple[Migration, ...]:
    found = (item for item in (files("loadgen.database") / "schema").iterdir() if item.name.endswith(".sql"))
    return tuple(
        Migration(item.name.removesuffix(".sql"), item.read_bytes())
        for item in sorted(found, key=lambda item: item.name)
    )


MIGRATIONS: Final = _read()
INDEXES, KEYS, VALID_KEYS = MIGRATIONS[2:5]
"""What a load takes away, and builds at its end."""
SCHEMA_VERSION: Final = MIGRATIONS[-1].version
"""Of a database to which every file was applied."""


def install(conn: psycopg.Connection) -> tuple[str, ...]:
    """Apply what is missing, in order, and return its versions. Applying again changes nothing.

    An interruption leaves whole files applied, and the next call goes on from there. Raises EnvironmentFault if the
    server is too old, or if a file that was applied has another text now, or is no longer there.
    """
    if conn.info.server_version < OLDEST_SERVER:
        raise EnvironmentFault(
            f"the server is PostgreSQL {conn.info.server_version // 10000}; 15 or newer is needed for this schema"
        )
    applied = _applied(conn)
    ours = {migration.version: migration.sha256 for migration in MIGRATIONS}
    for version, sha256 in sorted(applied.items()):
        if ours.get(version) != sha256:
            raise EnvironmentFault(
                f"schema file {version} was applied to database {conn.info.dbname} with another text, by another "
                "version of loadgen; run: loadgen reset, then loadgen init"
            )
    done: list[str] = []
    for migration in MIGRATIONS:
        if migration.version in applied:
            continue
        with conn.transaction():
            # Wherever this user's search_path leads, the tables belong in public.
            conn.execute("SET LOCAL search_path TO public")
            conn.execute(migration.sql)
            conn.execute(statement("record_applied"), {"version": migration.version, "sha256": migration.sha256})
        done.append(migration.version)
    return tuple(done)


def drop(conn: psycopg.Connection) -> None:
    """Remove what :func:`install` made, rows included; the role only if no database uses it any more."""
    with conn.transaction():
        conn.execute(statement("drop"))
        conn.execute(statement("drop_role"))


def has_bookkeeping(conn: psycopg.Connection) -> bool:
    """Whether the database was initialised by this tool, if only in part."""
    row = conn.execute(statement("has_bookkeeping")).fetchone()
    return row is not None and bool(row[0])


def _applied(conn: psycopg.Connection) -> dict[str, str]:
    with conn.transaction():
        return dict(conn.execute(statement("applied")).fetchall()) if has_bookkeeping(conn) else {}
