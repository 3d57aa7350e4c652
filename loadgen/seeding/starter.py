"""Starter data: an empty embedded database gets a small population when a scenario starts."""

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
from loadgen.seeding.ledger import read_load

STARTER_USERS: Final = 1_000


def ensure_data(target: Target) -> None:
    """Seed ``STARTER_USERS`` into the embedded server's database if it was never seeded.

    Runs in a process of its own, because a scenario's is patched for gevent. Raises EnvironmentFault when seeding
    fails, and for any database that is being loaded or is loaded in part: it lacks keys and rows.
    """
    with connect(target, autocommit=True) as connection, faults(target):
        mark = read_mark(connection)
        load = read_load(connection)
        is_new = mark.seed is None if mark else _is_empty(connection)
        seeding = holders(connection, Use.SEED)
    if seeding:
        raise EnvironmentFault(f"{target} is in use by {', '.join(seeding)}; wait for that to end, or end it")
    if load is not None and mark is not None and mark.seeded_at is None:
        population = load.population
        aged = f" --age {load.ageing_months}" if load.ageing_months else ""
        raise EnvironmentFault(
            f"{target} is loaded in part; continue with: loadgen seed "
            f"--users {population.users} --seed {population.seed}{aged}"
        )
    if not target.embedded or not is_new:
        return
    print(f"the embedded database is empty: seeding {STARTER_USERS:,} users first", file=sys.stderr, flush=True)
    if _seed(target):
        raise EnvironmentFault(f"seeding {target} failed; see above, or run: loadgen seed --users {STARTER_USERS}")


def _seed(target: Target) -> int:
    """Run ``loadgen seed`` and return its exit code; an interrupt terminates it and waits for its end."""
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
            start_new_session=True,  # so that Ctrl-C reaches only this process, which then ends the other
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
