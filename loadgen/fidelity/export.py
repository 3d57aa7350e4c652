"""Export households as a CSV file, one row each, for independent checks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from psycopg import sql

from loadgen import partials
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.fidelity.reading import Snapshot
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.fidelity", "sql/households.sql")

EVERY_S: Final = 1.0


def export(target: Target, path: Path, progress: Callable[[int], None]) -> int:
    """Write every household to ``path`` in constant memory, whole or not at all; returns their number.

    ``age,income,net_worth`` and a column for each asset and debt, today's dollars, the true net worth. ``progress``
    is called with the rows so far, once a second. Raises UsageError if ``path`` is no file, and as :class:`Snapshot`.
    """
    path = path.absolute()
    if path.exists() and not path.is_file():
        raise UsageError(f"--export {path} is not a file; give the name of a file")
    try:
        with Snapshot(target, lambda line: None) as snapshot, partials.replacing(path) as partial:
            return _copy(snapshot, partial, progress)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror}; free space or choose another --export"
        ) from error


def _copy(snapshot: Snapshot, path: Path, progress: Callable[[int], None]) -> int:
    lines, reported_at = 0, time.monotonic()
    query = sql.SQL(_SQL["export"]).format(households=sql.SQL(_SQL["households"]))
    with path.open("wb") as file, snapshot.conn.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            file.write(block)
            lines += bytes(block).count(b"\n")
            if time.monotonic() - reported_at >= EVERY_S:
                reported_at = time.monotonic()
                progress(lines - 1)
    return lines - 1
