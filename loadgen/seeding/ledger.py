"""The ledger of a load, kept in the database that is loaded: its parts, and which of them are done.

A part's rows and its entry commit together, so each part is loaded exactly once, even after a crash. A participant
claims a part by locking its entry, so that any number of processes on any number of hosts can join without a scheduler.
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
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/ledger.sql")

LAST: Final = 2**31 - 1
"""Largest possible number of a chunk."""
LOCK_POLL_S: Final = 0.2


class Part(StrEnum):
    """The kinds of parts, in the order in which they are claimed."""

    HOUSEHOLDS = "households"
    """A range of users with all their rows but chat. They come first, since the last parts should be short ones."""
    CHAT = "chat"
    """A slice of time with the messages of all users."""
    AGEING = "ageing"
    """About a week of use by a range of users, or in a range of messages; after all other parts."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load: population, model version and months of ageing, as its ledger records them."""

    model_version: str
    population: Population
    ageing_months: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger: a part with its first ids and number of rows by table."""

    part: Part
    chunk: int
    first_ids: dict[str, int]
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class LoadState:
    """Progress of a load by all participants, without ageing."""

    parts: int
    parts_loaded: int
    users_loaded: int
    users_loaded_here: int
    """Users loaded by this call of seed."""
    messages: int
    messages_loaded: int
    below_water: int
    """Loaded households whose true net worth is below zero; 0 is stored."""

    @property
    def complete(self) -> bool:
        return self.parts_loaded == self.parts


def read_load(conn: psycopg.Connection) -> Load | None:
    """The load of this database's ledger; None without a ledger."""
    has_ledger = conn.execute(_SQL["has_ledger"]).fetchone()
    row = conn.execute(_SQL["read_seeding"]).fetchone() if has_ledger and has_ledger[0] else None
    if row is None:
        return None
    version, seed, users, as_of, chunk_users, shape, ageing_months = row
    followed = DEFAULT_SHAPE if shape is None else Shape.from_json(shape, f"database {conn.info.dbname}")
    return Load(version, Population(users, seed, as_of, chunk_users, followed), ageing_months)


def plan(conn: psycopg.Connection, population: Population, ageing_months: int, planned: Callable[[int], None]) -> None:
    """Write the ledger of a load. Ids are contiguous in every table, because all rows are counted beforehand.

    In the caller's transaction and in constant memory. ``planned`` is called with the number of users so far.
    """
    conn.execute(_SQL["create_ledger"])
    conn.execute(
        _SQL["write_seeding"],
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
    conn.execute(_SQL["analyze_ledger"])


def add(conn: psycopg.Connection, entries: Iterator[Entry]) -> None:
    """Add parts to the ledger, in the caller's transaction."""
    with conn.cursor().copy(_SQL["plan_part"]) as copy:
        for entry in entries:
            copy.write_row((entry.part.value, entry.chunk, Jsonb(entry.first_ids), Jsonb(entry.rows)))


def entries(population: Population, planned: Callable[[int], None] = lambda users: None) -> Iterator[Entry]:
    """Parts of a load in their order; ``planned`` is called with the number of users so far."""
    next_ids = dict.fromkeys(CHUNK_TABLES, 1)
    for chunk in range(population.chunks):
        rows = population.chunk_counts(chunk)
        yield Entry(Part.HOUSEHOLDS, chunk, dict(next_ids), rows)
        next_ids = {table: first + rows[table] for table, first in next_ids.items()}
        planned(min((chunk + 1) * population.chunk_users, population.users))
    for part in population.chat_slices():
        yield Entry(Part.CHAT, part.number, {"chat_messages": part.first_id}, {"chat_messages": part.messages})


class Claims:
    """Claims of one participant on parts of the given kinds, with chunks from ``first`` to ``last``."""

    def __init__(self, *parts: Part, first: int = 0, last: int = LAST) -> None:
        self._first, self._last = first, last
        self._next = dict.fromkeys(parts, first)

    def take(self, conn: psycopg.Connection) -> Entry | None:
        """Lock a free part until the transaction ends; None when none is left to claim.

        Searches from the last part taken, so that each claim costs the same, then once more from the beginning, for
        parts whose participants have died.
        """
        for part, begin in self._next.items():
            for first in {begin: None, self._first: None}:
                parameters = {"part": part.value, "first": first, "last": self._last}
                row = conn.execute(_SQL["claim"], parameters).fetchone()
                if row is not None:
                    entry = Entry(Part(row[0]), *row[1:])
                    self._next[part] = entry.chunk + 1
                    return entry
        return None


def enter(
    conn: psycopg.Connection, entry: Entry, by: UUID, *, below_water: int = 0, rows: Mapping[str, int] | None = None
) -> None:
    """Record a part as done, in the transaction that loads it; ``rows`` if they differ from the plan."""
    conn.execute(
        _SQL["enter"],
        {
            "part": entry.part.value,
            "chunk": entry.chunk,
            "by": by,
            "below_water": below_water,
            "rows": None if rows is None else Jsonb(dict(rows)),
        },
    )


def loaded(conn: psycopg.Connection, by: UUID | None = None) -> LoadState:
    """Read the progress of the load, and the share of the call of seed named ``by``. Reads the whole ledger."""
    with conn.cursor(row_factory=class_row(LoadState)) as cursor:
        state = cursor.execute(_SQL["loaded"], {"by": by}).fetchone()
    assert state is not None, "an aggregate always has a row"
    return state


def all_loaded(conn: psycopg.Connection, *parts: Part, first: int = 0, last: int = LAST) -> bool:
    """Return whether every part of these kinds and chunks is done."""
    parameters = {"parts": [part.value for part in parts], "first": first, "last": last}
    return conn.execute(_SQL["all_loaded"], parameters).fetchone() == (True,)


def planned_rows(conn: psycopg.Connection) -> dict[str, int]:
    """Planned rows of the whole load by table."""
    return dict(conn.execute(_SQL["planned_rows"]).fetchall())


@contextmanager
def one_at_a_time(conn: psycopg.Connection, waits: Callable[[], None]) -> Iterator[None]:
    """Lock for planning and finishing, which one participant does at a time. ``waits`` is called while waiting.

    The connection is in autocommit. The lock of a dead participant is released, and the next one takes over.
    """
    while conn.execute(_SQL["lock"]).fetchone() != (True,):
        waits()
        time.sleep(LOCK_POLL_S)
    try:
        yield
    finally:
        # An interrupted or lost connection cannot unlock; its lock ends with it.
        with suppress(psycopg.Error):
            conn.execute(_SQL["unlock"])
