"""Simulate months of use on a loaded database: dead rows, split pages and lost HOT, with every value as before.

A part is one transaction with its entry in the ledger. The parts of a step end before those of the next begin; between
them, each table is vacuumed that autovacuum would have vacuumed by then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final, LiteralString
from uuid import UUID, uuid4

import psycopg

from capacity.arrays import Ints
from loadgen.database.created import recording
from loadgen.seeding import builds, ledger
from loadgen.seeding.ageing import VACUUM_ROWS, VACUUM_SHARE, Step, Use, entries, steps, use
from loadgen.seeding.ledger import Claims, Entry, Load, Part
from loadgen.seeding.phases import Phases
from loadgen.seeding.scheduler import Scheduler, Task
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/ageing.sql")

AGEING: Final = "ageing"
_WAIT_S: Final = 0.3


def play(conn: psycopg.Connection, scheduler: Scheduler, load: Load, phases: Phases) -> None:
    """Simulate the months of use that are still missing, then update the statistics."""
    rows = ledger.planned_rows(conn)
    with recording(conn):
        conn.execute(_SQL["create"])
        if conn.execute(_SQL["is_planned"]).fetchone() != (True,):
            ledger.add(conn, entries(load.population, load.ageing_months, rows.get("chat_messages", 0)))

    def watch(running: Collection[str], done: int, total: int) -> None:
        progress = conn.execute(_SQL["aged"]).fetchone()
        assert progress is not None, "an aggregate always has a row"
        phases.show(AGEING, *progress)

    by = uuid4()
    for step in steps(load.ageing_months):
        while not ledger.all_loaded(conn, Part.AGEING, first=step.first, last=step.last):
            scheduler.run([_participant(load, step, by, n) for n in range(scheduler.jobs)], watch)
            # Parts left over are locked by a dead participant's connection that has not ended yet.
            if not ledger.all_loaded(conn, Part.AGEING, first=step.first, last=step.last):
                time.sleep(_WAIT_S)
        if not ledger.all_loaded(conn, Part.AGEING, first=step.closing, last=step.closing):
            due = _due(conn, rows)
            scheduler.run([builds.vacuum(table, dead, analyse=False) for table, dead in due.items()], watch)
            closing = Entry(Part.AGEING, step.closing, {}, {})
            ledger.enter(conn, closing, by, rows=dict.fromkeys(due, 0))
    scheduler.run([builds.analyse(table) for table in rows], watch)


def _due(conn: psycopg.Connection, rows: dict[str, int]) -> dict[str, int]:
    """Tables that autovacuum would vacuum by now, with their dead rows."""
    dead = conn.execute(_SQL["dead_rows"], {"stride": Step(1).first}).fetchall()
    return {table: n for table, n in dead if n > VACUUM_SHARE * rows.get(table, 0) + VACUUM_ROWS}


def _participant(load: Load, step: Step, by: UUID, number: int) -> Task:
    def work(conn: psycopg.Connection, helpers: int) -> None:
        claims = Claims(Part.AGEING, first=step.first, last=step.last)
        while _age_next(conn, load, claims, by):
            pass

    return Task(f"{AGEING} {number + 1}", 1.0, frozenset(), work)


def _age_next(conn: psycopg.Connection, load: Load, claims: Claims, by: UUID) -> bool:
    """Claim and age one part in one transaction; False when none was left to claim."""
    with conn.transaction():
        entry = claims.take(conn)
        if entry is None:
            return False
        dead: Counter[str] = Counter()
        if "chat_messages" in entry.first_ids:
            dead.update(_chat(conn, entry))
        else:
            begin_us, end_us = Step.of(entry).bounds_us(load.population, load.ageing_months)
            users = {"first": entry.first_ids["users"], "last": entry.first_ids["users"] + entry.rows["users"] - 1}
            earned = conn.execute(_SQL["achievements"], users | {"begin_us": begin_us, "end_us": end_us})
            dead["user_achievements"] += earned.rowcount
            for table, died in _visits(conn, use(load.population, entry, load.ageing_months), Step.of(entry).number):
                dead[table] += died
        ledger.enter(conn, entry, by, rows=dead)
    return True


def _chat(conn: psycopg.Connection, entry: Entry) -> dict[str, int]:
    first, count = entry.first_ids["chat_messages"], entry.rows["chat_messages"]
    dead_rows = conn.execute(_SQL["chat"], {"first": first, "last": first + count - 1}).fetchone()
    assert dead_rows is not None, "a function call always has a row"
    return {"chat_messages": int(dead_rows[0])}


def _visits(conn: psycopg.Connection, use_of_step: Use, step: int) -> Iterator[tuple[str, int]]:
    """Apply the changes of visitors and their reverse; yields the table and the dead rows of each statement."""

    def write(table: str, statement: LiteralString, users: Ints) -> tuple[str, int]:
        cursor = conn.execute(statement, {"users": users.tolist(), "step": step})
        return table, cursor.rowcount

    if len(use_of_step.visitors):
        yield write("users", _SQL["users"], use_of_step.visitors)
    for table, change, back, rounds in (
        ("financial_profiles", _SQL["recalculate"], _SQL["recalculate_back"], use_of_step.recalculate),
        ("financial_profiles", _SQL["simulate"], _SQL["simulate_back"], use_of_step.simulate),
        ("goals", _SQL["goals"], _SQL["goals"], use_of_step.change_goal),
        ("user_progress", _SQL["progress"], _SQL["progress_back"], use_of_step.save_progress),
    ):
        for users in rounds:
            yield write(table, change, users)
            yield write(table, back, users)
