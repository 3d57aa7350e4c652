"""What this tool created in a database, recorded as it is created: the only things that a reset drops."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from loadgen.database.database_sql import statement


@dataclass(frozen=True, slots=True)
class CreatedObject:
    """A table, view, function or schema, by its number in the catalogue ``classid``."""

    classid: int
    objid: int
    type: str
    name: str
    """Qualified and quoted as SQL wants it."""
    estimated_rows: int | None
    """Of a table, as the planner estimates them."""
    other_columns: Sequence[str]
    """Of a table, those that it has now and had not, or with another type, when it was created."""

    def __str__(self) -> str:
        rows = f" (about {self.estimated_rows:,} rows)" if self.estimated_rows else ""
        return f"{self.type} {self.name}{rows}"


@contextmanager
def recording(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction that records what its body creates, so that both are there or neither.

    Repeatable read, so that what others create meanwhile is not seen. Begins a transaction: none may be open.
    """
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        before = catalogued(conn)
        yield
        record(conn, catalogued(conn) - before)


def record(conn: psycopg.Connection, objects: Collection[tuple[int, int]]) -> None:
    """Record objects, given by catalogue and number, as created by this tool."""
    conn.execute(statement("record_created"), as_arrays(objects))


def created_objects(conn: psycopg.Connection) -> tuple[CreatedObject, ...]:
    """What was recorded and is still there under its name."""
    with conn.cursor(row_factory=class_row(CreatedObject)) as cursor:
        return tuple(cursor.execute(statement("created_objects")))


def as_arrays(objects: Collection[tuple[int, int]]) -> dict[str, list[int]]:
    """Catalogues and numbers as two columns, for a statement."""
    return {"classids": [classid for classid, _ in sorted(objects)], "objids": [objid for _, objid in sorted(objects)]}


def catalogued(conn: psycopg.Connection) -> set[tuple[int, int]]:
    """All objects that belong neither to the system nor to an extension, by catalogue and number."""
    return pairs(conn, "objects")


def pairs(conn: psycopg.Connection, name: str) -> set[tuple[int, int]]:
    """Catalogues and numbers of objects that the statement of that name returns."""
    return {(int(classid), int(objid)) for classid, objid in conn.execute(statement(name))}
