"""The ledger: what a seeding is to load and which parts are there, in the database that is being loaded.

A part's rows and its entry commit together, so a part is loaded wholly and once, whatever dies. A participant claims a
part by locking its entry; no other scheduler is needed, and any number of processes on any number of hosts can join.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from loadgen.population.model import CHUNK_TABLES, MODEL_VERSION, Population
from loadgen.population.shape import DEFAULT_SHAPE, Shape
from loadgen.seeding.seeding_sql import statement

LAST: Final = 2**31 - 1
"""As large as a chunk's number can be."""
LOCK_POLL_S: Final = 0.2


class Part(StrEnum):
    """The kinds of parts, in the order in which they are claimed."""

    HOUSEHOLDS = "households"
    """A range of users, with all their rows but chat. Before chat: the last parts to run should be the short ones."""
    CHAT = "chat"
    """A slice of time, with everybody's messages."""
    AGEING = "ageing"
    """A week or so of use by a range of users, or in a range of messages; after all others."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The load that a database's ledger is for."""

    model_version: str
    population: Population
    ageing_months: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One part: ids and rows by table."""

    part: Part
    chunk: int
    first_ids: dict[str, int]
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Loaded:
    """How far a load is, all participants taken together, ageing apart."""

    parts: int
    parts_loaded: int
    users_loaded: int
    users_loaded_here: int
    """By the call of seed that asks."""
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
    version, seed, users, as_of, chunk_users, shape, ageing_months = row
    followed = DEFAULT_SHAPE if shape is None else Shape.from_json(shape, f"database {conn.info.dbname}")
    return Begun(version, Population(users, seed, as_of, chunk_users, followed), ageing_months)


def plan(conn: psycopg.Connection, population: Population, ageing_months: int, planned: Callable[[int], None]) -> None:
    """Write the ledger of a load: ids are contiguous in every table, because all rows are counted beforehand.

    Inside the caller's transaction, in memory that does not grow with the users. ``planned`` hears how many have been.
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
            "shape": None if population.shape == DEFAULT_SHAPE else population.shape.to_json(),
            "ageing_months": ageing_months,
        },
    )
    add(conn, entries(population, planned))
    conn.execute(statement("analyze_ledger"))


def add(conn: psycopg.Connection, entries: Iterator[Entry]) -> None:
    """Write parts that are to be done, in the caller's transaction."""
    with conn.cursor().copy(statement("plan_part")) as copy:
        for entry in entries:
            copy.write_row((entry.part.value, entry.chunk, Jsonb(entry.first_ids), Jsonb(entry.rows)))


def entries(population: Population, planned: Callable[[int], None] = lambda users: None) -> Iterator[Entry]:
    """The parts of a load in their order; ``planned`` hears how many users have been."""
    next_ids = dict.fromkeys(CHUNK_TABLES, 1)
    for chunk in range(population.chunks):
        rows = population.chunk_counts(chunk)
        yield Entry(Part.HOUSEHOLDS, chunk, dict(next_ids), rows)
        next_ids = {table: first + rows[table] for table, first in next_ids.items()}
        planned(min((chunk + 1) * population.chunk_users, population.users))
    for part in population.chat_slices():
        yield Entry(Part.CHAT, part.number, {"chat_messages": part.first_id}, {"chat_messages": part.messages})


class Claims:
    """What one participant takes from the ledger, part after part: those of each kind from ``first`` to ``last``."""

    def __init__(self, *parts: Part, first: int = 0, last: int = LAST) -> None:
        self._first, self._last = first, last
        self._next = dict.fromkeys(parts, first)

    def take(self, conn: psycopg.Connection) -> Entry | None:
        """A part that nobody works on, held until the transaction ends; None when none is left to claim.

        Begins behind the last part taken, so that it costs the same for the first and the last of many, and looks
        once more from the beginning when there is none: others may have died with theirs.
        """
        for part, begin in self._next.items():
            for first in {begin: None, self._first: None}:
                wanted = {"part": part.value, "first": first, "last": self._last}
                row = conn.execute(statement("claim"), wanted).fetchone()
                if row is not None:
                    entry = Entry(Part(row[0]), *row[1:])
                    self._next[part] = entry.chunk + 1
                    return entry
        return None


def enter(
    conn: psycopg.Connection, entry: Entry, by: UUID, *, below_water: int = 0, rows: Mapping[str, int] | None = None
) -> None:
    """Say, in the transaction that loads its rows, that a part is there; ``rows`` if they are not those planned."""
    conn.execute(
        statement("enter"),
        {
            "part": entry.part.value,
            "chunk": entry.chunk,
            "by": by,
            "below_water": below_water,
            "rows": None if rows is None else Jsonb(dict(rows)),
        },
    )


def loaded(conn: psycopg.Connection, by: UUID | None = None) -> Loaded:
    """How far the load is, and how much of it the call of seed named ``by`` did. Reads the whole ledger."""
    with conn.cursor(row_factory=class_row(Loaded)) as cursor:
        found = cursor.execute(statement("loaded"), {"by": by}).fetchone()
    assert found is not None, "an aggregate always has a row"
    return found


def all_loaded(conn: psycopg.Connection, *parts: Part, first: int = 0, last: int = LAST) -> bool:
    """Whether every part of these kinds and numbers is there, whatever the others do."""
    wanted = {"parts": [part.value for part in parts], "first": first, "last": last}
    return conn.execute(statement("all_loaded"), wanted).fetchone() == (True,)


def planned_rows(conn: psycopg.Connection) -> dict[str, int]:
    """Rows of the whole load by table."""
    return dict(conn.execute(statement("planned_rows")).fetchall())


@contextmanager
def one_at_a_time(conn: psycopg.Connection, waits: Callable[[], None]) -> Iterator[None]:
    """Only one participant plans, and only one finishes. ``waits`` is called while another does.

    The connection is in autocommit. A participant who dies has it no longer, and the next one takes over.
    """
    while conn.execute(statement("lock")).fetchone() != (True,):
        waits()
        time.sleep(LOCK_POLL_S)
    try:
        yield
    finally:
        # An interrupted or lost connection cannot; its lock ends with it.
        with suppress(psycopg.Error):
            conn.execute(statement("unlock"))
