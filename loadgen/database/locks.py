"""Who uses a database: advisory locks that keep seeding, load and reset from meeting on one database.

Any number of seedings share a database, and so do any number of runs, but not both; a reset has it to itself. Locks are
PostgreSQL's own, held by a session: they end with it, whatever becomes of the process. A key for each use is taken in
shared mode, under a gate that is held only while the others are looked at, so that nobody waits and the one who is
refused hears who is there.
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
from loadgen.database.database_sql import statement
from loadgen.database.faults import faults
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault

CLASS: Final = 0x6C6F6164
"""The first of the two numbers of a key, "load" in ASCII; the second says what for."""
_LONGEST_NAME: Final = 63


class Use(IntEnum):
    """What a database is used for; the value is the second number of the key."""

    SEED = 2
    RUN = 3
    RESET = 4


GATE: Final = 1
EXCLUDED: Final = {
    Use.SEED: (Use.RUN, Use.RESET),
    Use.RUN: (Use.SEED, Use.RESET),
    Use.RESET: (Use.SEED, Use.RUN, Use.RESET),
}
"""What a use does not go with."""


@contextmanager
def use_of(target: Target, use: Use) -> Iterator[None]:
    """Hold a database for a use, over a connection of its own.

    Raises EnvironmentFault that says who is there, if the database is used for what this does not go with.
    """
    with faults(target), connect(target, autocommit=True, application_name=holder_name(use)) as conn:
        hold(conn, use)
        yield


def hold(conn: psycopg.Connection, use: Use) -> None:
    """Hold the database of a session for a use, until the session ends. Raises as :func:`use_of` does."""
    with conn.transaction():
        conn.execute(statement("lock_gate"), {"class": CLASS, "key": GATE})
        others = holders(conn, *EXCLUDED[use])
        if others:
            raise EnvironmentFault(
                f"database {conn.info.dbname} is in use by {', '.join(others)}; wait for that to end, or end it"
            )
        conn.execute(statement("lock_use"), {"class": CLASS, "key": int(use)})


def holders(conn: psycopg.Connection, *uses: Use, database: str | None = None) -> tuple[str, ...]:
    """Who holds a database, that of the session or another of its server, for one of these uses."""
    keys = [int(use) for use in uses]
    rows = conn.execute(statement("lock_holders"), {"class": CLASS, "keys": keys, "database": database})
    return tuple(str(row[0]) for row in rows)


@contextmanager
def reservation(conn: psycopg.Connection, name: str) -> Iterator[None]:
    """Hold the name of a database that is made and dropped again, on a session with another database of its server.

    Raises EnvironmentFault that says who has it.
    """
    key = {"class": CLASS, "name": name}
    row = conn.execute(statement("reserve_name"), key).fetchone()
    if row != (True,):
        others = [str(other[0]) for other in conn.execute(statement("name_holders"), key)]
        who = ", ".join(others) or "another process"
        raise EnvironmentFault(f"database {name} is being made or used by {who}; wait for that to end, or end it")
    try:
        yield
    finally:
        with suppress(psycopg.Error):  # a session that is lost has it no longer
            conn.execute(statement("release_name"), key)


def holder_name(use: Use) -> str:
    """The application_name of a session that holds a lock: what the one who is refused is told."""
    return f"loadgen {use.name.lower()}, pid {os.getpid()} on {socket.gethostname()}"[:_LONGEST_NAME]
