"""The guard: only a database that was empty when it was marked as synthetic may be written to.

Only :func:`initialise` marks a database: the mark says that it was empty before, or that the user allowed it by name.
Every connection of a load that writes must lead to the database that was checked here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from loadgen.database import schema
from loadgen.database.identity import REFUSED, DatabaseIdentity, query_on, read_identity
from loadgen.errors import EnvironmentFault, GuardRefusal, UsageError
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/guard.sql")
_IDENTITY: Final = SqlFile("loadgen.database", "sql/identity.sql")

ALLOW_UNMARKED_VARIABLE = "LOADGEN_ALLOW_UNMARKED"

OLDER_MARK: Final = "was marked by an older version of loadgen, or by hand: what was created there is not recorded"
"""Message of every verb about a database that :func:`is_marked` and whose created objects are not recorded."""

REQUIREMENT_FAILED: Final = REFUSED | {"22012"}
"""SQLSTATEs with which a statement of :func:`requirement` fails in another database."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A database's own mark. The fields of a seeding are None until one has ended."""

    marked_at: dt.datetime
    schema_version: str
    model_version: str | None
    seed: int | None
    users: int | None
    as_of: dt.date | None
    chunk_users: int | None
    ageing_months: int | None
    """Months of use simulated on the rows after the load; 0 for none."""
    shape_sha256: str | None
    """SHA-256 of the population's shape; None for the built-in one."""
    seeded_at: dt.datetime | None
    drift_baseline: dict[str, int]
    """:func:`changed_rows` at the end of seeding, from which drift is counted."""


def initialise(conn: psycopg.Connection, allow_unmarked: str | None = None) -> tuple[str, ...]:
    """Mark an empty database and apply the schema files that are missing. Returns the versions applied.

    Raises GuardRefusal for a database that holds objects which this tool did not create, unless ``allow_unmarked`` is
    its name; UsageError if that is another database's.
    """
    name = database_name(conn)
    _require_same_name(allow_unmarked, name)
    with one_at_a_time(conn):
        with conn.transaction():
            relations = () if allow_unmarked or is_marked(conn) else _user_relations(conn)
        if relations:
            raise GuardRefusal(
                f"database {name} is not empty (it has {', '.join(relations)}) and not marked as synthetic, so it is "
                "not initialised; create an empty one and name it with --dsn, or mark this one nevertheless: "
                f"--allow-unmarked {name}"
            )
        return schema.install(conn)


def is_marked(conn: psycopg.Connection) -> bool:
    """Return whether loadgen marked this database: it has a mark, and beside it the list of applied schema files.

    Every version wrote both in one transaction. Older versions did not record the created objects.
    """
    return _is_marked(conn, read_identity(query_on(conn)))


def read_mark(conn: psycopg.Connection) -> Mark | None:
    """The mark, or None if the database has none. Raises EnvironmentFault if another version wrote it."""
    if not schema.has_bookkeeping(conn):
        return None
    try:
        with conn.cursor(row_factory=class_row(Mark)) as cursor:
            return cursor.execute(_SQL["read_mark"]).fetchone()
    except psycopg.errors.UndefinedColumn as error:
        raise EnvironmentFault(
            f"database {conn.info.dbname} was marked by another version of loadgen; "
            "run: loadgen reset, then loadgen init"
        ) from error


def write_mark(conn: psycopg.Connection, mark: Mark) -> None:
    """Store the fields that a seeding determines, not the time of the mark and the schema's version."""
    conn.execute(_SQL["write_mark"], asdict(mark) | {"drift_baseline": Jsonb(mark.drift_baseline)})


def require_synthetic(conn: psycopg.Connection, allow_unmarked: str | None) -> DatabaseIdentity:
    """Raise GuardRefusal unless the database is marked, or ``allow_unmarked`` is its name.

    Returns the identity that every connection which writes must have. Raises UsageError if ``allow_unmarked`` is
    another database's name.
    """
    identity = read_identity(query_on(conn))
    name = identity.database
    _require_same_name(allow_unmarked, name)
    if allow_unmarked or _is_marked(conn, identity):
        return identity
    raise GuardRefusal(
        f"database {name} is not marked as synthetic; an empty one is marked by: loadgen init. To write to this one "
        f"nevertheless: {_allowing(name)}"
    )


def require_own_tables(conn: psycopg.Connection, allow_unmarked: str | None) -> None:
    """Raise GuardRefusal for a session whose writes would reach tables or code that loadgen did not create.

    That is, where the name of one of our tables resolves to another table, or where one of ours has a foreign rule or
    trigger. With ``allow_unmarked``, the database's name, only recorded tables are checked.
    """
    row: Sequence[object] | None = query_on(conn)(_SQL["shadowing_table"].encode())
    if row is None and not allow_unmarked:  # not recorded, or not visible to this user: check by name alone
        row = conn.execute(_SQL["shadowing_name"], {"tables": list(schema.TABLES)}).fetchone()
    if row is not None:
        raise GuardRefusal(
            f"in database {database_name(conn)} this user's search_path reaches {row[1]} instead of {row[0]}, and "
            "loadgen did not create that; put public first in search_path, or rename that table"
        )
    if allow_unmarked:
        return
    shipped = {"tables": list(schema.TABLES), "shipped": schema.UPDATED_AT.sql.decode()}
    row = conn.execute(_SQL["foreign_hooks"], shipped).fetchone()
    if row is not None:
        table, kind, hook = row
        name = database_name(conn)
        raise GuardRefusal(
            f"in database {name} table {table} has the {kind} {hook}, which loadgen did not create and which would run "
            f"for what is written there; disable it: ALTER TABLE {table} DISABLE {str(kind).upper()} {hook}; or to "
            f"write nevertheless: {_allowing(name)}"
        )


def requirement(identity: DatabaseIdentity) -> bytes:
    """A statement that fails unless it runs in the database of ``identity``.

    For connections on which each transaction may reach another server: as the first statement of a transaction, its
    failure keeps the others from being executed.
    """
    fields = {key: value for key, value in asdict(replace(identity, found_at=None)).items() if value is not None}
    statements = {
        frozenset({"database"}): _IDENTITY["require_database"],
        frozenset({"database", "system_identifier"}): _IDENTITY["require_server"],
        frozenset({"database", "marked_at_us"}): _IDENTITY["require_marked"],
        frozenset({"database", "system_identifier", "marked_at_us"}): _IDENTITY["require_marked_server"],
    }
    literals = {key: sql.Literal(value) for key, value in fields.items()}
    return sql.SQL(statements[frozenset(fields)]).format(**literals).as_bytes(None)


def database_name(conn: psycopg.Connection) -> str:
    """The database's own name, which a pooler's entry may hide."""
    return read_identity(query_on(conn), with_mark=False).database


def changed_rows(conn: psycopg.Connection) -> dict[str, int]:
    """Rows inserted, updated and deleted since the server began to count, by table; a crash resets the counters."""
    return dict(conn.execute(_SQL["changed_rows"]).fetchall())


def _require_same_name(allow_unmarked: str | None, name: str) -> None:
    if allow_unmarked and allow_unmarked != name:
        raise UsageError(
            f"--allow-unmarked names {allow_unmarked}, but this is database {name}; give the name of the one you mean"
        )


def _is_marked(conn: psycopg.Connection, identity: DatabaseIdentity) -> bool:
    return identity.marked_at_us is not None and schema.has_bookkeeping(conn)


def _allowing(name: str) -> str:
    return f"--allow-unmarked {name} (for a bare locust: {ALLOW_UNMARKED_VARIABLE}={name})"


def _user_relations(conn: psycopg.Connection) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in conn.execute(_SQL["user_relations"]))


@contextmanager
def one_at_a_time(conn: psycopg.Connection) -> Iterator[None]:
    """Hold the lock that excludes other initialisations and resets, over several transactions."""
    conn.execute(_SQL["lock_initialisation"])
    conn.commit()
    try:
        yield
    finally:
        if not conn.broken:
            conn.rollback()
            conn.execute(_SQL["unlock_initialisation"])
            conn.commit()
