"""Data for whoever starts a scenario first: an embedded database that was never filled gets a small population."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import psycopg

from loadgen import interrupts
from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark
from loadgen.database.locks import Use, holders
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.seeding.ledger import read_begun

STARTER_USERS: Final = 1_000


def ensure_data(target: Target) -> None:
    """Seed ``STARTER_USERS`` into the embedded server's database if nothing ever was; any other is left as it is.

    In a process of its own: a scenario's is patched for gevent. Raises EnvironmentFault when seeding fails, and for
    any database that is being loaded, or was in part: it has neither its keys nor all of its rows.
    """
    with connect(target, autocommit=True) as connection, faults(target):
        mark = read_mark(connection)
        begun = read_begun(connection)
        is_new = mark.seed is None if mark else _is_empty(connection)
        seeding = holders(connection, Use.SEED)
    if seeding:
        raise EnvironmentFault(f"{target} is in use by {', '.join(seeding)}; wait for that to end, or end it")
    if begun is not None and mark is not None and mark.seeded_at is None:
        there = begun.population
        aged = f" --age {begun.ageing_months}" if begun.ageing_months else ""
        raise EnvironmentFault(
            f"{target} is loaded in part; go on with: loadgen seed --users {there.users} --seed {there.seed}{aged}"
        )
    if not target.embedded or not is_new:
        return
    print(f"the embedded database is empty: seeding {STARTER_USERS:,} users first", file=sys.stderr, flush=True)
    if _seed(target):
        raise EnvironmentFault(f"seeding {target} failed; see above, or run: loadgen seed --users {STARTER_USERS}")


def _seed(target: Target) -> int:
    """The exit code of ``loadgen seed``, which an interrupt ends in order, and waits for."""
    command = [sys.executable, "-m", "loadgen", "seed", "--users", str(STARTER_USERS)]
    interrupts.note(f"loaded rows are kept; resume with: loadgen seed --users {STARTER_USERS}")
    with (
        interrupts.deferred(),
        subprocess.Popen(
            command,
            env={**os.environ, **target.environment()},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which has the last word
        ) as seeding,
    ):
        try:
            with interrupts.allowed():
                for line in seeding.stderr or ():
                    print(line, end="", file=sys.stderr, flush=True)
                seeding.wait()
        except BaseException:
            seeding.terminate()
            seeding.communicate()
            raise
    interrupts.note("")
    return seeding.returncode


def _is_empty(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass('public.users') IS NULL").fetchone()
    return row is not None and bool(row[0])
