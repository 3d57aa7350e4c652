"""One participant of a load: claims part after part until none is left. Runs in a process of its own."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final
from uuid import UUID

import psycopg

from loadgen.database.target import Target
from loadgen.errors import LoadgenError
from loadgen.population.model import CHUNK_TABLES, ChunkRows, Population
from loadgen.seeding import ledger
from loadgen.seeding.binary_copy import copy_statement, encode
from loadgen.seeding.ledger import Claims, Entry, Part
from loadgen.seeding.memory import keep_freed_memory
from loadgen.seeding.session import fault, open_session
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/session.sql")

_WAIT_S: Final = 0.3
LOAD_PARTS: Final = (Part.HOUSEHOLDS, Part.CHAT)


@dataclass(frozen=True, slots=True)
class Failure:
    """Failure of a participant. ``is_cause`` is False for a lost connection, which may be a consequence of another."""

    message: str
    is_cause: bool


def work(target: Target, by: UUID, population: Population, parent: Connection) -> None:
    """Main function of a process: load until no part is left, or send a :class:`Failure`; ``by`` names the call."""
    # Ctrl-C goes to the whole process group; the parent handles it and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    keep_freed_memory()
    try:
        with open_session(target) as conn:
            conn.execute(_SQL["session_load"])
            _load(conn, population, by)
    except psycopg.Error as error:
        parent.send(Failure(str(fault(error, target)), error.sqlstate is not None))
    except LoadgenError as error:
        parent.send(Failure(str(error), False))
    except Exception as error:
        message = f"a seeding process failed: {type(error).__name__}: {error}; please report this as a bug"
        parent.send(Failure(message, True))
    finally:
        parent.close()


def _load(conn: psycopg.Connection, population: Population, by: UUID) -> None:
    claims = Claims(*LOAD_PARTS)
    while _parent_lives():
        if load_next(conn, population, claims, by):
            continue
        if ledger.all_loaded(conn, *LOAD_PARTS):
            break
        # Other participants hold the remaining parts, which become free should those die.
        time.sleep(_WAIT_S)
    conn.execute(_SQL["flush_counters"])


def load_next(conn: psycopg.Connection, population: Population, claims: Claims, by: UUID) -> bool:
    """Load one part in one transaction; False when no part was left to claim."""
    with conn.transaction():
        entry = claims.take(conn)
        if entry is None:
            return False
        part_rows = rows_of(population, entry)
        for rows in part_rows.tables:
            assert len(rows) == entry.rows[rows.table], f"{entry.part} {entry.chunk}: plan and rows disagree"
            if len(rows):
                with conn.cursor().copy(copy_statement(rows)) as copy:
                    copy.write(encode(rows))
        ledger.enter(conn, entry, by, below_water=part_rows.below_water)
    return True


def rows_of(population: Population, entry: Entry) -> ChunkRows:
    """Generate all rows of one part of a load."""
    if entry.part is Part.CHAT:
        return ChunkRows((population.chat_rows(population.chat_slice(entry.chunk)),), 0)
    return population.chunk_rows(entry.chunk, entry.first_ids)


def warm() -> None:
    """Fill the caches of a process, above all the simulated grid, by generating the rows of two users."""
    few = Population(2, 0, dt.date(2026, 1, 1))
    chunk = few.chunk_rows(0, dict.fromkeys(CHUNK_TABLES, 1))
    for rows in (*chunk.tables, few.chat_rows(few.chat_slice(0))):
        encode(rows)


def _parent_lives() -> bool:
    """Return whether the parent is alive: if it was killed, its workers end after their current part."""
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()
