"""The application's schema: numbered files in ``schema/``. Missing ones are applied in one transaction."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import psycopg

from loadgen.database.created import catalogued, record, recording
from loadgen.errors import EnvironmentFault
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/schema.sql")

OLDEST_SERVER: Final = 150000
"""PostgreSQL 15, the first with views with security_invoker and CREATE DATABASE … STRATEGY."""


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
        """Statements of the file without comments; it may hold no other semicolons than those between them."""
        text = re.sub(r"--.*", "", self.sql.decode())
        return tuple(" ".join(statement.split()) for statement in text.split(";") if statement.strip())


def _read() -> tuple[Migration, ...]:
    resources = (item for item in (files("loadgen.database") / "schema").iterdir() if item.name.endswith(".sql"))
    return tuple(
        Migration(item.name.removesuffix(".sql"), item.read_bytes())
        for item in sorted(resources, key=lambda item: item.name)
    )


MIGRATIONS: Final = _read()
BOOKKEEPING, CREATED_OBJECTS = MIGRATIONS[0], MIGRATIONS[9]
"""Tables of this tool, not of the application."""
INDEXES, KEYS, VALID_KEYS = MIGRATIONS[2:5]
"""Indexes and keys, which a load drops at its beginning and builds at its end."""
UPDATED_AT: Final = MIGRATIONS[8]
"""The application's one trigger."""
TABLES: Final = tuple(re.findall(r"CREATE TABLE (\w+)", MIGRATIONS[1].sql.decode()))
"""The application's tables, all in the schema public."""
SCHEMA_VERSION: Final = MIGRATIONS[-1].version
"""Version of a database to which every file was applied."""


def install(conn: psycopg.Connection) -> tuple[str, ...]:
    """Apply the missing files in order and return their versions. Idempotent.

    One transaction: an interruption or an error leaves the database as it was. Raises EnvironmentFault if the server is
    too old, or if an applied file has another text now, or no longer exists.
    """
    if conn.info.server_version < OLDEST_SERVER:
        raise EnvironmentFault(
            f"the server is PostgreSQL {conn.info.server_version // 10000}; 15 or newer is needed for this schema"
        )
    applied = _applied(conn)
    shipped = {migration.version: migration.sha256 for migration in MIGRATIONS}
    for version, sha256 in sorted(applied.items()):
        if shipped.get(version) != sha256:
            raise EnvironmentFault(
                f"schema file {version} was applied to database {conn.info.dbname} with other content, by "
                "another version of loadgen; run: loadgen reset, then loadgen init"
            )
    missing = [migration for migration in MIGRATIONS if migration.version not in applied]
    if missing:
        with recording(conn):
            # The tables belong in public, whatever this user's search_path.
            conn.execute("SET LOCAL search_path TO public")
            for migration in missing:
                conn.execute(migration.sql)
                conn.execute(_SQL["record_applied"], {"version": migration.version, "sha256": migration.sha256})
    with conn.transaction():
        install_record(conn)  # somebody may have dropped it
    return tuple(migration.version for migration in missing)


def is_recorded(conn: psycopg.Connection) -> bool:
    """Return whether the objects that this tool created were recorded, which older versions did not."""
    row = conn.execute(_SQL["has_created_objects"]).fetchone()
    has_table = row is not None and bool(row[0])
    return has_table and conn.execute(_SQL["application_is_recorded"]).fetchone() == (True,)


def install_record(conn: psycopg.Connection) -> None:
    """Create and record the table of created objects if it is missing, in the caller's transaction."""
    if conn.execute(_SQL["has_created_objects"]).fetchone() == (True,):
        return
    before = catalogued(conn)
    conn.execute("CREATE SCHEMA IF NOT EXISTS loadgen")
    conn.execute(CREATED_OBJECTS.sql)
    record(conn, catalogued(conn) - before)


def install_shipped_copy(conn: psycopg.Connection) -> None:
    """Create the application's objects in the schema loadgen_shipped, for a comparison; to be rolled back."""
    conn.execute("CREATE SCHEMA loadgen_shipped")
    conn.execute("SET LOCAL search_path TO loadgen_shipped")
    for migration in MIGRATIONS:
        if migration not in (BOOKKEEPING, CREATED_OBJECTS):
            conn.execute(migration.sql)


def has_bookkeeping(conn: psycopg.Connection) -> bool:
    """Return whether this tool initialised the database, at least in part."""
    row = conn.execute(_SQL["has_bookkeeping"]).fetchone()
    return row is not None and bool(row[0])


def _applied(conn: psycopg.Connection) -> dict[str, str]:
    with conn.transaction():
        return dict(conn.execute(_SQL["applied"]).fetchall()) if has_bookkeeping(conn) else {}
