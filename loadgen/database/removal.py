"""Objects that a reset drops: those that this tool created, unless they hold rows or columns of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from loadgen.database import guard, schema
from loadgen.database.created import CreatedObject, as_arrays, catalogued, created_objects, pairs, record
from loadgen.errors import GuardRefusal
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/removal.sql")

LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '5s'"
"""A lock that an open transaction holds is an error after this, not an endless wait."""
_BOOKKEEPING: Final = "loadgen"


@dataclass(frozen=True, slots=True)
class Removal:
    """Objects to drop. ``recorded`` is False if they were found by comparison with the schema, not in the record."""

    objects: tuple[CreatedObject, ...]
    recorded: bool


def plan_removal(conn: psycopg.Connection, allow_unmarked: str | None) -> Removal:
    """List the objects that a reset of this database drops, without changing anything.

    Raises GuardRefusal for a database that is not marked, one whose record of created objects is missing, unless
    ``allow_unmarked`` is its name, and one whose tables hold foreign rows; UsageError for another's name.
    """
    identity = guard.require_synthetic(conn, allow_unmarked)
    with conn.transaction(force_rollback=True):
        conn.execute(LOCK_TIMEOUT)
        present = catalogued(conn)
        recorded = _adopt_unrecorded(conn)
        objects = tuple(obj for obj in created_objects(conn) if (obj.classid, obj.objid) in present)
        _refuse_foreign_content(conn, objects)
    if not recorded and not allow_unmarked:
        listed = ", ".join(str(obj) for obj in objects if not _is_bookkeeping(obj)) or "none of its tables"
        raise GuardRefusal(
            f"database {identity.database} {guard.OLDER_MARK}; these match the shipped schema exactly: {listed}; "
            f"to drop them: loadgen reset --allow-unmarked {identity.database}"
        )
    return Removal(objects, recorded)


def remove(conn: psycopg.Connection, removal: Removal) -> None:
    """Drop the planned objects, and the application's role if no database uses it, in one transaction.

    Raises GuardRefusal if the objects are no longer those planned, or foreign rows have been added.
    """
    with conn.transaction():
        conn.execute(LOCK_TIMEOUT)
        for table in _application_tables(removal.objects):
            conn.execute(sql.SQL(_SQL["lock_table"]).format(table=sql.SQL(table)))
        present = catalogued(conn)
        _adopt_unrecorded(conn)
        objects = created_objects(conn)
        if {obj.name for obj in objects if (obj.classid, obj.objid) in present} != {
            obj.name for obj in removal.objects
        }:
            raise GuardRefusal("the database was changed during the reset; nothing was dropped; run reset again")
        _refuse_foreign_content(conn, objects)
        numbers = as_arrays({(obj.classid, obj.objid) for obj in objects})
        for (command,) in conn.execute(_SQL["drop_commands"], numbers).fetchall():
            try:
                conn.execute(str(command).encode())
            except psycopg.errors.DependentObjectsStillExist as error:
                details = (error.diag.message_detail or "").splitlines()
                raise GuardRefusal(
                    f"{details[0] if details else 'another object depends on it'}; nothing was dropped. Drop what "
                    "loadgen did not create there, or move it elsewhere, then run reset again"
                ) from error
        conn.execute(_SQL["drop_role"])


def _adopt_unrecorded(conn: psycopg.Connection) -> bool:
    """Record the objects that match the shipped schema, in the caller's transaction, if none are recorded.

    Returns whether the record was complete. They are compared with a copy of the schema, which is rolled back.
    """
    if schema.is_recorded(conn):
        return True
    with conn.transaction(force_rollback=True):
        schema.install_shipped_copy(conn)
        matching = pairs(conn, _SQL["matching_objects"])
    bookkeeping = pairs(conn, _SQL["bookkeeping_objects"]) if schema.has_bookkeeping(conn) else set()
    schema.install_record(conn)
    record(conn, (matching | bookkeeping) - {(obj.classid, obj.objid) for obj in created_objects(conn)})
    return False


def _refuse_foreign_content(conn: psycopg.Connection, objects: Sequence[CreatedObject]) -> None:
    """Raise GuardRefusal if a table of ours holds rows or columns that this tool did not put there."""
    foreign = [f"{obj.name} has other columns: {', '.join(obj.other_columns)}" for obj in objects if obj.other_columns]
    tables = _application_tables(objects)
    if conn.execute(_SQL["was_seeded"]).fetchone() != (True,):
        for table in tables:
            if conn.execute(sql.SQL(_SQL["has_rows"]).format(table=sql.SQL(table))).fetchone() == (True,):
                foreign.append(f"{table} has rows, though nothing was seeded")
    elif "public.users" in tables:
        row = conn.execute(_SQL["foreign_users"]).fetchone()
        if row is not None and row[0]:
            foreign.append(f"public.users has {row[0]:,} users outside example.com, example.org and example.net")
    if foreign:
        raise GuardRefusal(
            f"database {conn.info.dbname} holds what loadgen did not create: {'; '.join(foreign)}; nothing was "
            "dropped. Move them elsewhere, then run reset again"
        )


def _application_tables(objects: Sequence[CreatedObject]) -> list[str]:
    return [obj.name for obj in objects if obj.type == "table" and not _is_bookkeeping(obj)]


def _is_bookkeeping(obj: CreatedObject) -> bool:
    return obj.name == _BOOKKEEPING or obj.name.startswith(f"{_BOOKKEEPING}.")
