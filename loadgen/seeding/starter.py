"""Data for whoever starts a scenario first: an embedded database that was never filled gets a small population."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from loadgen.database.connect import Target, connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark
from loadgen.errors import EnvironmentFault

STARTER_USERS: Final = 1_000


def ensure_data(target: Target) -> None:
    """Seed ``STARTER_USERS`` into the embedded server's database if nothing ever was; any other is left as it is.

    In a process of its own: a scenario's is patched for gevent. Raises EnvironmentFault when seeding fails.
    """
    if not target.embedded or not _is_new(target):
        return
    print(f"the embedded database is empty: seeding {STARTER_USERS:,} users first", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "loadgen", "seed", "--users", str(STARTER_USERS)]
    ended = subprocess.run(
        command, env={**os.environ, **target.environment()}, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    if ended.returncode:
        raise EnvironmentFault(f"seeding {target} failed; see above, or run: loadgen seed --users {STARTER_USERS}")


def _is_new(target: Target) -> bool:
    """Nothing in it, or no more than what ``loadgen init`` made."""
    with connect(target, autocommit=True) as connection, faults(target):
        mark = read_mark(connection)
        if mark is not None:
            return mark.seed is None
        row = connection.execute("SELECT to_regclass('public.users') IS NULL").fetchone()
        return row is not None and bool(row[0])
