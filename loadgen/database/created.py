"""Objects that this tool created in a database, recorded at their creation. A reset drops these and no others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg.rows import class_row

from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/schema.sql")


@dataclass(frozen=True, slots=True)
class CreatedObject:
    """A table, view, function or schema, identified by its OID in the catalogue ``classid``."""

    classid: int
    objid: int
    type: str
    name: str
    """Schema-qualified name, quoted for SQL."""
    estimated_rows: int | None
    """Planner's estimate of a table's rows; None for other objects."""
    other_columns: Sequence[str]
    """Columns of a table that were added, or changed their type, after its creation."""

    def __str__(self) -> str:
        rows = f" (about {self.estimated_rows:,} rows)" if self.estimated_rows else ""
        return f"{self.type} {self.name}{rows}"


@contextmanager
def recording(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction that also records the objects which its body creates.

    Repeatable read, so that objects which other sessions create meanwhile are not recorded. No transaction may be open.
    """
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        before = catalogued(conn)
        yield
        record(conn, catalogued(conn) - before)


def record(conn: psycopg.Connection, objects: Collection[tuple[int, int]]) -> None:
    """Record objects, as pairs of catalogue and OID, as created by this tool."""
    conn.execute(_SQL["record_created"], as_arrays(objects))


def created_objects(conn: psycopg.Connection) -> tuple[CreatedObject, ...]:
    """Recorded objects that still exist under their name."""
    with conn.cursor(row_factory=class_row(CreatedObject)) as cursor:
        return tuple(cursor.execute(_SQL["created_objects"]))


def as_arrays(objects: Collection[tuple[int, int]]) -> dict[str, list[int]]:
    """Catalogues and OIDs as two arrays, for a statement's parameters."""
    return {"classids": [classid for classid, _ in sorted(objects)], "objids": [objid for _, objid in sorted(objects)]}


def catalogued(conn: psycopg.Connection) -> set[tuple[int, int]]:
    """Pairs of catalogue and OID of all objects that belong neither to the system nor to an extension."""
    return pairs(conn, _SQL["objects"])


def pairs(conn: psycopg.Connection, statement: LiteralString) -> set[tuple[int, int]]:
    """Run a statement that returns objects as pairs of catalogue and OID."""
    return {(int(classid), int(objid)) for classid, objid in conn.execute(statement)}
