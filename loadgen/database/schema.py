"""The application's schema: numbered files in ``schema/``; those that are missing are applied in one transaction."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import psycopg

from loadgen.database.created import catalogued, record, recording
from loadgen.database.database_sql import statement
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
BOOKKEEPING, CREATED_OBJECTS = MIGRATIONS[0], MIGRATIONS[9]
"""What is about this tool and not the application."""
INDEXES, KEYS, VALID_KEYS = MIGRATIONS[2:5]
"""What a load takes away, and builds at its end."""
UPDATED_AT: Final = MIGRATIONS[8]
"""The application's one trigger."""
TABLES: Final = tuple(re.findall(r"CREATE TABLE (\w+)", MIGRATIONS[1].sql.decode()))
"""The application's, all in the schema public."""
SCHEMA_VERSION: Final = MIGRATIONS[-1].version
"""Of a database to which every file was applied."""


def install(conn: psycopg.Connection) -> tuple[str, ...]:
    """Apply what is missing, in order, and return its versions. Applying again changes nothing.

    One transaction: an interruption or an error leaves the database as it was. Raises EnvironmentFault if the server is
    too old, or if a file that was applied has another text now, or is no longer there.
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
    missing = [migration for migration in MIGRATIONS if migration.version not in applied]
    if missing:
        with recording(conn):
            # Wherever this user's search_path leads, the tables belong in public.
            conn.execute("SET LOCAL search_path TO public")
            for migration in missing:
                conn.execute(migration.sql)
                conn.execute(statement("record_applied"), {"version": migration.version, "sha256": migration.sha256})
    with conn.transaction():
        install_record(conn)  # somebody may have dropped it
    return tuple(migration.version for migration in missing)


def is_recorded(conn: psycopg.Connection) -> bool:
    """Whether what this tool created here was recorded; not in a database that an older version marked."""
    row = conn.execute(statement("has_created_objects")).fetchone()
    has_table = row is not None and bool(row[0])
    return has_table and conn.execute(statement("application_is_recorded")).fetchone() == (True,)


def install_record(conn: psycopg.Connection) -> None:
    """Create the table of created objects where it is missing; in the caller's transaction, and recorded itself."""
    if conn.execute(statement("has_created_objects")).fetchone() == (True,):
        return
    before = catalogued(conn)
    conn.execute("CREATE SCHEMA IF NOT EXISTS loadgen")
    conn.execute(CREATED_OBJECTS.sql)
    record(conn, catalogued(conn) - before)


def install_shipped_copy(conn: psycopg.Connection) -> None:
    """Make the application's objects, as the files make them, in the schema loadgen_shipped; to be rolled back."""
    conn.execute("CREATE SCHEMA loadgen_shipped")
    conn.execute("SET LOCAL search_path TO loadgen_shipped")
    for migration in MIGRATIONS:
        if migration not in (BOOKKEEPING, CREATED_OBJECTS):
            conn.execute(migration.sql)


def has_bookkeeping(conn: psycopg.Connection) -> bool:
    """Whether the database was initialised by this tool, if only in part."""
    row = conn.execute(statement("has_bookkeeping")).fetchone()
    return row is not None and bool(row[0])


def _applied(conn: psycopg.Connection) -> dict[str, str]:
    with conn.transaction():
        return dict(conn.execute(statement("applied")).fetchall()) if has_bookkeeping(conn) else {}
