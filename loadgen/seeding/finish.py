"""The end of a seeding: statistics, indexes, keys, sequences, ageing, the mark. One participant at a time does it.

Killed anywhere, the next one does what is missing: each step is found done or not done in the database itself.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from typing import Final

import psycopg

from loadgen.database import guard
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.population.shape import DEFAULT_SHAPE
from loadgen.seeding import age, builds, ledger
from loadgen.seeding.crew import APPLICATION, Crew, Watch
from loadgen.seeding.ledger import Begun
from loadgen.seeding.phases import Phases
from loadgen.seeding.seeding_sql import statement

BUILDING: Final = "keys, indexes and statistics"
_COUNTERS_WAIT_S: Final = 3.0


def drop_keys(conn: psycopg.Connection) -> None:
    """Take keys and indexes away before a load, and keep autovacuum off it. In the caller's transaction."""
    conn.execute(statement("drop_keys"))
    conn.execute(statement("autovacuum_off"))


def build(conn: psycopg.Connection, crew: Crew, rows: dict[str, int], watch: Watch) -> None:
    """What :func:`drop_keys` took, sequences and statistics, as far as they are missing; ``rows`` by table, roughly."""
    crew.run(builds.missing(builds.read_done(conn), rows), watch)
    conn.execute(statement("set_sequences"))


def finish(conn: psycopg.Connection, target: Target, load: Begun, jobs: int, phases: Phases) -> None:
    """Make a loaded database whole, on at most ``jobs`` connections beside ``conn``; nothing if that was done.

    ``conn`` holds the lock of those who finish, and does nothing else meanwhile: it is looked at while others work.
    """
    mark = guard.read_mark(conn)
    if mark is None:
        raise EnvironmentFault(f"database {conn.info.dbname} lost its mark while it was loaded; run: loadgen reset")
    if mark.seeded_at is not None:
        return
    conn.execute(statement("end_finishers"), {"application": APPLICATION})
    rows = ledger.planned_rows(conn)

    def watch(running: Collection[str], done: int, total: int) -> None:
        conn.execute("SELECT")  # lost, so is the lock: then another may be at work on the same
        phases.show(BUILDING, done, total, ", ".join(running))

    with Crew(target, jobs) as crew:
        with phases.phase(BUILDING):
            build(conn, crew, rows, watch)
        if load.ageing_months:
            with phases.phase(age.AGEING):
                age.play(conn, crew, load, phases)
    conn.execute(statement("autovacuum_on"))
    now = conn.execute("SELECT now()").fetchone()
    assert now is not None
    there = load.population
    guard.write_mark(
        conn,
        replace(
            mark,
            model_version=load.model_version,
            seed=there.seed,
            users=there.users,
            as_of=there.as_of,
            chunk_users=there.chunk_users,
            ageing_months=load.ageing_months,
            shape_sha256=None if there.shape == DEFAULT_SHAPE else there.shape.sha256,
            seeded_at=now[0],
            drift_baseline=_settled_counters(conn, rows),
        ),
    )


def _settled_counters(conn: psycopg.Connection, planned: dict[str, int]) -> dict[str, int]:
    """Counters of changed rows once they show all that was loaded; the server's view of them comes a little late.

    They may never show it, because a crash resets them: what they are after a few seconds is then the baseline.
    """
    deadline = time.monotonic() + _COUNTERS_WAIT_S
    while True:
        counted = guard.changed_rows(conn)
        if all(counted.get(table, 0) >= rows for table, rows in planned.items()) or time.monotonic() > deadline:
            return counted
        time.sleep(0.1)
