"""Finish a seeding: statistics, indexes, keys, sequences, ageing, the mark. One participant at a time does it.

If it is killed, the next one does the missing steps: the database itself shows which are done.
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
from loadgen.seeding.ledger import Load
from loadgen.seeding.phases import Phases
from loadgen.seeding.scheduler import APPLICATION, Scheduler, Watch
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/tables.sql")

BUILDING: Final = "keys, indexes and statistics"
_COUNTERS_WAIT_S: Final = 3.0


def drop_keys(conn: psycopg.Connection) -> None:
    """Drop keys and indexes before a load, and disable autovacuum, in the caller's transaction."""
    conn.execute(_SQL["drop_keys"])
    conn.execute(_SQL["autovacuum_off"])


def build(conn: psycopg.Connection, scheduler: Scheduler, rows: dict[str, int], watch: Watch) -> None:
    """Build missing indexes, keys, statistics and sequences; ``rows`` by table need only be approximate."""
    scheduler.run(builds.missing(builds.read_build_state(conn), rows), watch)
    conn.execute(_SQL["set_sequences"])


def finish(conn: psycopg.Connection, target: Target, load: Load, jobs: int, phases: Phases) -> None:
    """Finish a loaded database on at most ``jobs`` connections beside ``conn``; does nothing if it is finished.

    ``conn`` holds the lock of the finishing participant and is only checked while the others work.
    """
    mark = guard.read_mark(conn)
    if mark is None:
        raise EnvironmentFault(f"database {conn.info.dbname} lost its mark while it was loaded; run: loadgen reset")
    if mark.seeded_at is not None:
        return
    conn.execute(_SQL["end_finishers"], {"application": APPLICATION})
    rows = ledger.planned_rows(conn)

    def watch(running: Collection[str], done: int, total: int) -> None:
        conn.execute("SELECT")  # fails if the connection was lost, and with it the lock
        phases.show(BUILDING, done, total, ", ".join(running))

    with Scheduler(target, jobs) as scheduler:
        with phases.phase(BUILDING):
            build(conn, scheduler, rows, watch)
        if load.ageing_months:
            with phases.phase(age.AGEING):
                age.play(conn, scheduler, load, phases)
    conn.execute(_SQL["autovacuum_on"])
    now = conn.execute("SELECT now()").fetchone()
    assert now is not None
    population = load.population
    guard.write_mark(
        conn,
        replace(
            mark,
            model_version=load.model_version,
            seed=population.seed,
            users=population.users,
            as_of=population.as_of,
            chunk_users=population.chunk_users,
            ageing_months=load.ageing_months,
            shape_sha256=None if population.shape == DEFAULT_SHAPE else population.shape.sha256,
            seeded_at=now[0],
            drift_baseline=_settled_counters(conn, rows),
        ),
    )


def _settled_counters(conn: psycopg.Connection, planned: dict[str, int]) -> dict[str, int]:
    """Counters of changed rows once they include the whole load; the server updates them with a delay.

    They may never do so, because a crash resets them; their values after a few seconds are then the baseline.
    """
    deadline = time.monotonic() + _COUNTERS_WAIT_S
    while True:
        counted = guard.changed_rows(conn)
        if all(counted.get(table, 0) >= rows for table, rows in planned.items()) or time.monotonic() > deadline:
            return counted
        time.sleep(0.1)
