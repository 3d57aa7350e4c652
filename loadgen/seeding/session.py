"""Connections of a seeding, which detect that the server's machine is gone."""

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
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/session.sql")

_KEEPALIVES: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""libpq options that detect a lost server within half a minute. The target's own options override them."""

_SEGMENT_BYTES: Final = 16 << 20
"""Size of a segment of the write-ahead log in bytes, PostgreSQL's default."""


def open_session(target: Target, application_name: str = "loadgen seed") -> psycopg.Connection:
    """Open a connection in autocommit with the settings of a seeding. Raises as ``connect`` does."""
    conninfo = make_conninfo("", **{**_KEEPALIVES, **conninfo_to_dict(target.conninfo)})
    conn = connect(replace(target, conninfo=conninfo), autocommit=True, application_name=application_name)
    try:
        conn.execute(_SQL["session"])
    except BaseException:
        conn.close()
        raise
    return conn


def fault(error: psycopg.Error, target: Target) -> LoadgenError:
    """Translate an error of the driver in the middle of a seeding, including a lost connection."""
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        why = str(error).strip().splitlines()[0].strip().rstrip(".")
        see = (
            "free space on its disk, which is full"
            if _has_no_room(target)
            else "check that the server runs and accepts connections"
        )
        return EnvironmentFault(
            f"{target}: the connection was lost ({why}); {see}, then run the same command again to resume"
        )
    return translate(error, target)


def _has_no_room(target: Target) -> bool:
    """Return whether the embedded server has no space for another segment of its log, which makes it stop."""
    if not target.embedded:
        return False
    try:
        return shutil.disk_usage(Path(str(conninfo_to_dict(target.conninfo).get("host")))).free < _SEGMENT_BYTES
    except OSError:
        return False


@contextmanager
def faults(target: Target) -> Iterator[None]:
    """Translate every error of the driver in the body."""
    try:
        yield
    except psycopg.Error as error:
        raise fault(error, target) from error
