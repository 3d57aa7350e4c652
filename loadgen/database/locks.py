"""Advisory locks that keep seeding, load and reset apart on one database.

Any number of seedings share a database, and so do any number of runs, but not both; a reset has it to itself. Locks are
PostgreSQL's own, held by a session, and end with it. Each use takes a key of its own in shared mode, under a gate that
is held only while the other keys are checked, so that nobody waits and a refusal names the holders.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Final

import psycopg

from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/locks.sql")

CLASS: Final = 0x6C6F6164
"""The first of the two numbers of a key, "load" in ASCII; the second is a :class:`Use`."""
_LONGEST_NAME: Final = 63


class Use(IntEnum):
    """Use of a database; the value is the second number of the key."""

    SEED = 2
    RUN = 3
    RESET = 4


GATE: Final = 1
EXCLUDED: Final = {
    Use.SEED: (Use.RUN, Use.RESET),
    Use.RUN: (Use.SEED, Use.RESET),
    Use.RESET: (Use.SEED, Use.RUN, Use.RESET),
}
"""Uses that exclude each other."""


@contextmanager
def use_of(target: Target, use: Use) -> Iterator[None]:
    """Hold a database for a use, on a connection of its own.

    Raises EnvironmentFault that names the holders, if the database is in a use that excludes this one.
    """
    with faults(target), connect(target, autocommit=True, application_name=holder_name(use)) as conn:
        hold(conn, use)
        yield


def hold(conn: psycopg.Connection, use: Use) -> None:
    """Hold the database of a session for a use, until the session ends. Raises as :func:`use_of` does."""
    with conn.transaction():
        conn.execute(_SQL["lock_gate"], {"class": CLASS, "key": GATE})
        sessions = holders(conn, *EXCLUDED[use])
        if sessions:
            raise EnvironmentFault(
                f"database {conn.info.dbname} is in use by {', '.join(sessions)}; wait for that to end, or end it"
            )
        conn.execute(_SQL["lock_use"], {"class": CLASS, "key": int(use)})


def holders(conn: psycopg.Connection, *uses: Use, database: str | None = None) -> tuple[str, ...]:
    """Sessions that hold a database for one of these uses; by default the database of ``conn``."""
    keys = [int(use) for use in uses]
    rows = conn.execute(_SQL["lock_holders"], {"class": CLASS, "keys": keys, "database": database})
    return tuple(str(row[0]) for row in rows)


@contextmanager
def reservation(conn: psycopg.Connection, name: str) -> Iterator[None]:
    """Hold the name of a temporary database, on a session with another database of its server.

    Raises EnvironmentFault that names the holder.
    """
    key = {"class": CLASS, "name": name}
    row = conn.execute(_SQL["reserve_name"], key).fetchone()
    if row != (True,):
        others = [str(other[0]) for other in conn.execute(_SQL["name_holders"], key)]
        who = ", ".join(others) or "another process"
        raise EnvironmentFault(f"database {name} is being created or used by {who}; wait for that to end, or end it")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a lost session has released it already
            conn.execute(_SQL["release_name"], key)


def holder_name(use: Use) -> str:
    """The application_name of a session that holds a lock, which a refusal quotes."""
    return f"loadgen {use.name.lower()}, pid {os.getpid()} on {socket.gethostname()}"[:_LONGEST_NAME]
