"""One participant of a load: claims part after part until none is left. Runs in a process of its own."""

from __future__ import annotations

import multiprocessing
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import psycopg

from loadgen.database.connect import Target, connect
from loadgen.database.faults import translate
from loadgen.errors import LoadgenError
from loadgen.population.columns import Rows
from loadgen.population.model import Population
from loadgen.seeding import ledger
from loadgen.seeding.binary_copy import copy_statement, encode
from loadgen.seeding.ledger import Entry, Part
from loadgen.seeding.statements import statement

_WAIT_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a participant ended: one line, and whether it is a cause. A lost connection may only be a consequence."""

    message: str
    is_cause: bool


def work(target: Target, population: Population, parent: Connection) -> None:
    """The body of a process: load until nothing is left, or send ``parent`` a :class:`Failure`."""
    # Ctrl-C goes to the whole group; the parent hears it too and ends this process in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with connect(target, application_name="loadgen seed") as conn:
            while _parent_lives():
                if load_next(conn, population):
                    continue
                if ledger.loaded(conn).complete:
                    break
                # Others hold what is left. Should they die, it is free again.
                conn.commit()
                time.sleep(_WAIT_S)
            conn.execute(statement("flush_counters"))
    except psycopg.Error as error:
        parent.send(Failure(str(translate(error, target)), error.sqlstate is not None))
    except LoadgenError as error:
        parent.send(Failure(str(error), False))
    except Exception as error:
        message = f"a seeding process failed: {type(error).__name__}: {error}; this is a fault of loadgen's own"
        parent.send(Failure(message, True))
    finally:
        parent.close()


def load_next(conn: psycopg.Connection, population: Population) -> bool:
    """Load one part in one transaction; False when no part was left to claim."""
    with conn.transaction():
        entry = ledger.claim(conn)
        if entry is None:
            return False
        tables, below_water = rows_of(population, entry)
        for rows in tables:
            assert len(rows) == entry.rows[rows.table], f"{entry.part} {entry.chunk}: plan and rows disagree"
            if len(rows):
                with conn.cursor().copy(copy_statement(rows)) as copy:
                    copy.write(encode(rows))
        ledger.enter(conn, entry, below_water)
    return True


def rows_of(population: Population, entry: Entry) -> tuple[tuple[Rows, ...], int]:
    if entry.part is Part.CHAT:
        return (population.chat_rows(population.chat_slice(entry.chunk)),), 0
    made = population.chunk_rows(entry.chunk, entry.first_ids)
    return made.tables, made.below_water


def _parent_lives() -> bool:
    """Whether anybody waits for this: after a kill of the parent its workers end with the part they are at."""
    parent = multiprocessing.parent_process()
    return parent is None or parent.is_alive()
