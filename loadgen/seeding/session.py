"""Connections of a seeding: those that notice when the other end is gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import connect
from loadgen.database.faults import translate
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, LoadgenError
from loadgen.seeding.seeding_sql import statement

_KEEPALIVES: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""libpq's: a server whose machine is gone is noticed within half a minute. What the target says itself goes first."""

_SEGMENT_BYTES: Final = 16 << 20
"""Of the write-ahead log, PostgreSQL's default."""


def open_session(target: Target, application_name: str = "loadgen seed") -> psycopg.Connection:
    """A connection in autocommit with the settings of a seeding. Raises as ``connect`` does."""
    conninfo = make_conninfo("", **{**_KEEPALIVES, **conninfo_to_dict(target.conninfo)})
    conn = connect(replace(target, conninfo=conninfo), autocommit=True, application_name=application_name)
    try:
        conn.execute(statement("session"))
    except BaseException:
        conn.close()
        raise
    return conn


def fault(error: psycopg.Error, target: Target) -> LoadgenError:
    """The one line for an error of the driver in the middle of a seeding. A connection that was there can be lost."""
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        why = str(error).strip().splitlines()[0].strip().rstrip(".")
        see = (
            "free space on its disk, which is full"
            if _has_no_room(target)
            else "see that the server runs and can be reached"
        )
        return EnvironmentFault(
            f"{target}: the connection was lost ({why}); {see}, then run the same command again to resume"
        )
    return translate(error, target)


def _has_no_room(target: Target) -> bool:
    """Whether the embedded server has ended itself, as it does without room for another segment of its log."""
    if not target.embedded:
        return False
    try:
        return shutil.disk_usage(Path(str(conninfo_to_dict(target.conninfo).get("host")))).free < _SEGMENT_BYTES
    except OSError:
        return False


@contextmanager
def faults(target: Target) -> Iterator[None]:
    """Turn every error of the driver into its line."""
    try:
        yield
    except psycopg.Error as error:
        raise fault(error, target) from error
