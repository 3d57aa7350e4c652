"""The ledger: what a seeding is to load and which parts are there, in the database that is being loaded.

A part's rows and its entry commit together, so a part is loaded wholly and once, whatever dies. A participant claims a
part by locking its entry; no other scheduler is needed, and any number of processes on any number of hosts can join.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from loadgen.population.model import CHUNK_TABLES, MODEL_VERSION, Population
from loadgen.seeding.statements import statement


class Part(StrEnum):
    """The two kinds of parts."""

    HOUSEHOLDS = "households"
    """A range of users, with all their rows but chat."""
    CHAT = "chat"
    """A slice of time, with everybody's messages."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The load that a database's ledger is for."""

    model_version: str
    population: Population


@dataclass(frozen=True, slots=True)
class Entry:
    """One part: ids and rows by table."""

    part: Part
    chunk: int
    first_ids: dict[str, int]
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Loaded:
    """How far a load is, all participants taken together."""

    parts: int
    parts_loaded: int
    users_loaded: int
    messages: int
    messages_loaded: int
    below_water: int
    """Households loaded whose true net worth is below zero; 0 is stored."""

    @property
    def complete(self) -> bool:
        return self.parts_loaded == self.parts


def read_begun(conn: psycopg.Connection) -> Begun | None:
    """The load that was begun in this database, or None."""
    found = conn.execute(statement("has_ledger")).fetchone()
    row = conn.execute(statement("read_seeding")).fetchone() if found and found[0] else None
    if row is None:
        return None
    version, seed, users, as_of, chunk_users = row
    return Begun(version, Population(users, seed, as_of, chunk_users))


def plan(conn: psycopg.Connection, population: Population, planned: Callable[[int], None]) -> None:
    """Write the ledger of a load: ids are contiguous in every table, because all rows are counted beforehand.

    Inside the caller's transaction. ``planned`` hears how many users have been.
    """
    conn.execute(statement("create_ledger"))
    conn.execute(
        statement("write_seeding"),
        {
            "model_version": MODEL_VERSION,
            "seed": population.seed,
            "users": population.users,
            "as_of": population.as_of,
            "chunk_users": population.chunk_users,
        },
    )
    with conn.cursor().copy(statement("plan_part")) as copy:
        for entry in _entries(population):
            copy.write_row((entry.part.value, entry.chunk, Jsonb(entry.first_ids), Jsonb(entry.rows)))
            if entry.part is Part.HOUSEHOLDS:
                planned(min((entry.chunk + 1) * population.chunk_users, population.users))


def _entries(population: Population) -> Iterator[Entry]:
    next_ids = dict.fromkeys(CHUNK_TABLES, 1)
    for chunk in range(population.chunks):
        rows = population.chunk_counts(chunk)
        yield Entry(Part.HOUSEHOLDS, chunk, dict(next_ids), rows)
        next_ids = {table: first + rows[table] for table, first in next_ids.items()}
    for part in population.chat_slices():
        rows = {"chat_messages": part.messages}
        yield Entry(Part.CHAT, part.number, {"chat_messages": part.first_id}, rows)


def claim(conn: psycopg.Connection) -> Entry | None:
    """A part that nobody works on, held until the transaction ends; None when no part is left to claim."""
    row = conn.execute(statement("claim")).fetchone()
    return None if row is None else Entry(Part(row[0]), *row[1:])


def enter(conn: psycopg.Connection, entry: Entry, below_water: int) -> None:
    """Say, in the transaction that loads its rows, that a part is there."""
    conn.execute(statement("enter"), {"part": entry.part.value, "chunk": entry.chunk, "below_water": below_water})


def loaded(conn: psycopg.Connection) -> Loaded:
    """How far the load is."""
    with conn.cursor(row_factory=class_row(Loaded)) as cursor:
        found = cursor.execute(statement("loaded")).fetchone()
    assert found is not None, "an aggregate always has a row"
    return found


def planned_rows(conn: psycopg.Connection) -> dict[str, int]:
    """Rows of the whole load by table."""
    return dict(conn.execute(statement("planned_rows")).fetchall())


@contextmanager
def one_at_a_time(conn: psycopg.Connection) -> Iterator[None]:
    """Only one participant plans, and only one finishes. The connection is in autocommit."""
    conn.execute(statement("lock"))
    try:
        yield
    finally:
        # An interrupted or lost connection cannot; its lock ends with it.
        with suppress(psycopg.Error):
            conn.execute(statement("unlock"))
