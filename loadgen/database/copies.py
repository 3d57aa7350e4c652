"""Working copies of a seeded database, which take the writes of a load and are dropped after it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import sql

from loadgen import interrupts, partials
from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.guard import changed_rows, read_mark, write_mark
from loadgen.database.identity import query_on, read_identity
from loadgen.database.locks import Use, holders, reservation
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, GuardRefusal, UsageError
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/copies.sql")

COMMENT = "working copy made by loadgen"
"""Comment on a working copy, for people."""
CONNECTION_LIMIT = 1_903_141_592
"""Connection limit of a working copy. A database with neither is never dropped here, whatever its name."""

MAINTENANCE_DATABASES = ("postgres", "template1")
LONGEST_NAME_BYTES = 63
CLOSING_S = 2.0
"""Longest time in s that a backend outlives its client's connection on a busy server."""
_LOOK_S = 0.05


def copy_name(database: str) -> str:
    """The name of the working copy of a database."""
    return f"{database}_work"


def fresh_copy(target: Target, name: str | None = None) -> Target:
    """Create or replace the working copy of ``target`` and return it; ``name`` defaults to the database's and _work.

    The copy has the same bytes: statistics of the planner, bloat and visibility included. Its counters of changed
    rows start at zero, so its mark's baseline is set such that drift continues from the source's. Raises
    EnvironmentFault if others are connected to the source or the user may not create databases, GuardRefusal if a
    database of that name is not a working copy.
    """
    copy = _copy_of(target, name)
    with faults(target), connect(target) as conn:
        changed_in_source = changed_rows(conn)
        # The DSN may lead to another server by the next connection; the copy belongs on this one.
        target = replace(target, identity=read_identity(query_on(conn)))
    copy = target.with_database(copy.database)
    drop_copy(copy)
    with faults(target), _maintenance(target) as conn:
        _refuse_other_clients(conn, target.database)
        try:
            statement = sql.SQL(_SQL["create"]).format(
                copy=sql.Identifier(copy.database),
                source=sql.Identifier(target.database),
                limit=sql.Literal(CONNECTION_LIMIT),
            )
            conn.execute(statement)
        except psycopg.errors.InsufficientPrivilege as error:
            raise EnvironmentFault(
                f"{target}: this user may not copy it; connect as a superuser, or as its owner with CREATEDB"
            ) from error
        conn.execute(sql.SQL(_SQL["mark"]).format(copy=sql.Identifier(copy.database), comment=sql.Literal(COMMENT)))
    with faults(copy), connect(copy) as conn:
        mark = read_mark(conn)
        if mark is not None:
            baseline = {table: mark.drift_baseline.get(table, 0) - n for table, n in changed_in_source.items()}
            write_mark(conn, replace(mark, drift_baseline=baseline))
    return copy


def drop_copy(copy: Target) -> bool:
    """Remove a working copy; False if there is none. Raises as :func:`fresh_copy` does."""
    with faults(copy), _maintenance(copy) as conn:
        marks = {"database": copy.database, "comment": COMMENT, "limit": CONNECTION_LIMIT}
        row = conn.execute(_SQL["is_working_copy"], marks).fetchone()
        if row is None:
            return False
        if not row[0]:
            raise GuardRefusal(
                f"database {copy.database} exists and is not a working copy of this tool, so it is not replaced; "
                "rename it, or give the copy another name"
            )
        _refuse_other_clients(conn, copy.database)
        conn.execute(sql.SQL(_SQL["drop"]).format(copy=sql.Identifier(copy.database)))
        return True


@contextmanager
def reserved_copy(target: Target, name: str | None = None) -> Iterator[None]:
    """Keep other processes from creating, replacing or dropping the working copy of ``target``.

    Raises EnvironmentFault that names the session which is using it.
    """
    name = name or copy_name(target.database)
    with faults(target), _maintenance(target) as conn, reservation(conn, name):
        yield


@contextmanager
def working_copy(target: Target, name: str | None = None) -> Iterator[Target]:
    """A fresh copy for the body of the ``with``, dropped at its end, also after an interrupt.

    A copy that cannot be dropped because its server is unreachable is reported: in the body's own EnvironmentFault,
    else in a line on stderr.
    """
    with faults(target), connect(target) as conn:
        target = replace(target, identity=read_identity(query_on(conn)))
    copy = _copy_of(target, name)
    remnant = ""

    def drop() -> None:
        nonlocal remnant
        try:
            drop_copy(copy)
        except GuardRefusal:
            pass  # another user's database, for which the body was refused
        except EnvironmentFault:
            remnant = f"{copy.database}, its working copy, could not be dropped: the next copy that is made replaces it"

    try:
        with reserved_copy(target, name), interrupts.cleanup(drop):
            if drop_copy(copy):
                partials.report(f"removed {copy.database}, a working copy that a killed process had left")
            yield fresh_copy(target, name)
    except EnvironmentFault as error:
        if not remnant:
            raise
        why, remnant = f"{error}; {remnant}", ""
        raise EnvironmentFault(why) from error
    finally:
        if remnant:
            partials.report(remnant)


def _copy_of(target: Target, name: str | None) -> Target:
    copy = target.with_database(name or copy_name(target.database))
    if copy.database == target.database or len(copy.database.encode()) > LONGEST_NAME_BYTES:
        raise UsageError(f"a working copy of {target.database} cannot be named {copy.database}; name it otherwise")
    return copy


@contextmanager
def _maintenance(target: Target) -> Iterator[psycopg.Connection]:
    """Connect to another database of the server: PostgreSQL copies a database only while nobody is connected to it."""
    first, second = (target.with_database(name) for name in MAINTENANCE_DATABASES)
    name = f"loadgen copies of {target.database}, pid {os.getpid()} on {socket.gethostname()}"[:LONGEST_NAME_BYTES]
    try:
        conn = connect(first, autocommit=True, application_name=name)
    except GuardRefusal:
        raise
    except EnvironmentFault:
        conn = connect(second, autocommit=True, application_name=name)
    with conn:
        yield conn


def _refuse_other_clients(conn: psycopg.Connection, database: str) -> None:
    """End idle sessions of this tool's earlier loads; raise EnvironmentFault if other clients stay connected."""
    deadline = time.monotonic() + CLOSING_S
    while True:
        at_work = holders(conn, *Use, database=database)
        if not at_work:
            conn.execute(_SQL["end_own_leftovers"], {"database": database})
        clients = conn.execute(_SQL["other_clients"], {"database": database}).fetchall()
        if not at_work and not clients:
            return
        if time.monotonic() > deadline:
            users = ", ".join(at_work or (f"{name} ({count})" for name, count in clients))
            raise EnvironmentFault(
                f"database {database} is in use by {users}, so it cannot be copied or replaced; close those connections"
            )
        time.sleep(_LOOK_S)
