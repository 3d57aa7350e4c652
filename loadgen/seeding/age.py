"""Playing months of use over a loaded database: dead versions, split leaves and lost HOT, and every value as before.

A part is one transaction with its entry in the ledger. A step's parts are done before the next step's begin; between
them each table is vacuumed that autovacuum would have come for by then.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final
from uuid import UUID, uuid4

import psycopg

from capacity.arrays import Ints
from loadgen.database.created import recording
from loadgen.seeding import builds, ledger
from loadgen.seeding.ageing import VACUUM_ROWS, VACUUM_SHARE, Step, Use, entries, steps, use
from loadgen.seeding.crew import Crew, Task
from loadgen.seeding.ledger import Begun, Claims, Entry, Part
from loadgen.seeding.phases import Phases
from loadgen.seeding.seeding_sql import statement

AGEING: Final = "ageing"
_WAIT_S: Final = 0.3


def play(conn: psycopg.Connection, crew: Crew, load: Begun, phases: Phases) -> None:
    """All months that the load is to be aged by, from where an earlier call stopped; then statistics once more."""
    rows = ledger.planned_rows(conn)
    with recording(conn):
        conn.execute(statement("create_ageing"))
        if conn.execute(statement("ageing_is_planned")).fetchone() != (True,):
            ledger.add(conn, entries(load.population, load.ageing_months, rows.get("chat_messages", 0)))

    def watch(running: Collection[str], done: int, total: int) -> None:
        progress = conn.execute(statement("aged")).fetchone()
        assert progress is not None, "an aggregate always has a row"
        phases.show(AGEING, *progress)

    by = uuid4()
    for step in steps(load.ageing_months):
        while not ledger.all_loaded(conn, Part.AGEING, first=step.first, last=step.last):
            crew.run([_participant(load, step, by, n) for n in range(crew.jobs)], watch)
            # What is open still is held by a dead participant's connection that has not ended yet.
            if not ledger.all_loaded(conn, Part.AGEING, first=step.first, last=step.last):
                time.sleep(_WAIT_S)
        if not ledger.all_loaded(conn, Part.AGEING, first=step.closing, last=step.closing):
            due = _due(conn, rows)
            crew.run([builds.vacuum(table, dead, analyse=False) for table, dead in due.items()], watch)
            closing = Entry(Part.AGEING, step.closing, {}, {})
            ledger.enter(conn, closing, by, rows=dict.fromkeys(due, 0))
    crew.run([builds.analyse(table) for table in rows], watch)


def _due(conn: psycopg.Connection, rows: dict[str, int]) -> dict[str, int]:
    """Tables for which autovacuum would come by now, with their dead rows."""
    dead = conn.execute(statement("age_dead"), {"stride": Step(1).first}).fetchall()
    return {table: n for table, n in dead if n > VACUUM_SHARE * rows.get(table, 0) + VACUUM_ROWS}


def _participant(load: Begun, step: Step, by: UUID, number: int) -> Task:
    def work(conn: psycopg.Connection, helpers: int) -> None:
        claims = Claims(Part.AGEING, first=step.first, last=step.last)
        while _age_next(conn, load, claims, by):
            pass

    return Task(f"{AGEING} {number + 1}", 1.0, frozenset(), work)


def _age_next(conn: psycopg.Connection, load: Begun, claims: Claims, by: UUID) -> bool:
    """One part in one transaction; False when none was left to claim."""
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
            earned = conn.execute(statement("age_achievements"), users | {"begin_us": begin_us, "end_us": end_us})
            dead["user_achievements"] += earned.rowcount
            for table, died in _visits(conn, use(load.population, entry, load.ageing_months), Step.of(entry).number):
                dead[table] += died
        ledger.enter(conn, entry, by, rows=dead)
    return True


def _chat(conn: psycopg.Connection, entry: Entry) -> dict[str, int]:
    first, count = entry.first_ids["chat_messages"], entry.rows["chat_messages"]
    found = conn.execute(statement("age_chat"), {"first": first, "last": first + count - 1}).fetchone()
    assert found is not None, "a function call always has a row"
    return {"chat_messages": int(found[0])}


def _visits(conn: psycopg.Connection, made: Use, step: int) -> Iterator[tuple[str, int]]:
    """Do what visitors do, and undo it; yields the table and the dead rows of each step."""

    def write(table: str, name: str, who: Ints) -> tuple[str, int]:
        done = conn.execute(statement(name), {"users": who.tolist(), "step": step})
        return table, done.rowcount

    if len(made.visitors):
        yield write("users", "age_users", made.visitors)
    for table, change, back, rounds in (
        ("financial_profiles", "age_recalculate", "age_recalculate_back", made.recalculate),
        ("financial_profiles", "age_simulate", "age_simulate_back", made.simulate),
        ("goals", "age_goals", "age_goals", made.change_goal),
        ("user_progress", "age_progress", "age_progress_back", made.save_progress),
    ):
        for who in rounds:
            yield write(table, change, who)
            yield write(table, back, who)
