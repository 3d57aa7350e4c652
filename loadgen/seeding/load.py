"""Filling a database with a population: plan, load in parallel, finish. Interrupted anywhere, the same call goes on.

Keys and indexes are dropped when the load is planned and built at its end; sequences, VACUUM ANALYZE and the mark
follow. Each step is found done or not done in the database itself, so that nothing else has to be remembered.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

import psycopg

from loadgen.database import guard, schema
from loadgen.database.connect import Target, connect
from loadgen.database.faults import faults
from loadgen.errors import EnvironmentFault
from loadgen.population.model import MODEL_VERSION, Population
from loadgen.seeding import ledger
from loadgen.seeding.ledger import Begun
from loadgen.seeding.statements import statement
from loadgen.seeding.worker import Failure, work

POLL_S: Final = 0.3
_COUNTERS_WAIT_S: Final = 3.0
_KEYS_AND_INDEXES: Final = ("0003_indexes", "0004_keys", "0005_valid_keys")

Progress = Callable[[str, int, int], None]
"""Hears the phase, how much of it is done, and how much there is; (phase, 0, 0) where that cannot be counted."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a database holds after seeding, and what this call did for it."""

    population: Population
    rows: dict[str, int]
    below_water: int
    """Households whose true net worth is below zero and is stored as 0."""
    users_loaded: int
    """By this call, or by others during it; 0 if the load was complete before."""
    seconds: float

    @property
    def users_per_s(self) -> float | None:
        return self.users_loaded / self.seconds if self.users_loaded else None


def seed(
    target: Target,
    wanted: Population,
    jobs: int,
    progress: Progress,
    *,
    as_of_is_given: bool = True,
    allow_unmarked: str | None = None,
) -> Seeded:
    """Load ``wanted`` into ``target``, or go on where an earlier call stopped.

    With ``as_of_is_given`` False, a load that was begun keeps its own as-of. ``allow_unmarked`` names the database if
    it may be marked although it is not empty. Raises GuardRefusal for a database that
    is not marked as synthetic, EnvironmentFault if it holds another load, or for a fault of the server, the network
    or a process; the same call then resumes.
    """
    began = time.monotonic()
    with connect(target) as conn, faults(target):
        guard.initialise(conn, allow_unmarked)
    with connect(target, autocommit=True) as conn, faults(target):
        with ledger.one_at_a_time(conn):
            population = _plan(conn, wanted, progress, as_of_is_given=as_of_is_given)
        before = ledger.loaded(conn)
        if not before.complete:
            _load(conn, target, population, jobs, progress)
        with ledger.one_at_a_time(conn):
            _finish(conn, population, progress)
        after = ledger.loaded(conn)
        return Seeded(
            population,
            ledger.planned_rows(conn),
            after.below_water,
            after.users_loaded - before.users_loaded,
            time.monotonic() - began,
        )


def _plan(conn: psycopg.Connection, wanted: Population, progress: Progress, *, as_of_is_given: bool) -> Population:
    """The population that is to be loaded; writes the ledger unless there is one for it already."""
    begun = ledger.read_begun(conn)
    if begun is not None:
        return _same(conn, begun, wanted, as_of_is_given=as_of_is_given)
    filled = [str(row[0]) for row in conn.execute(statement("filled_tables"))]
    if filled:
        raise EnvironmentFault(
            f"database {conn.info.dbname} holds rows that no seeding made (in {', '.join(filled)}); "
            "seed an empty database, or empty this one: loadgen reset"
        )
    with conn.transaction():
        ledger.plan(conn, wanted, lambda users: progress("planning", users, wanted.users))
        conn.execute(statement("drop_keys"))
    return wanted


def _same(conn: psycopg.Connection, begun: Begun, wanted: Population, *, as_of_is_given: bool) -> Population:
    """The load that was begun, if it is the one that is wanted. Raises EnvironmentFault if it is another."""
    there = begun.population
    if not as_of_is_given:
        wanted = replace(wanted, as_of=there.as_of)
    if there == wanted and begun.model_version == MODEL_VERSION:
        return there
    raise EnvironmentFault(
        f"database {conn.info.dbname} holds {_words(there, begun.model_version)}, "
        f"and not {_words(wanted, MODEL_VERSION)}; ask for that, or empty it first: loadgen reset"
    )


def _words(population: Population, model_version: str) -> str:
    return (
        f"{population.users} users with seed {population.seed} as of {population.as_of} "
        f"(model {model_version}, chunks of {population.chunk_users})"
    )


def _load(conn: psycopg.Connection, target: Target, population: Population, jobs: int, progress: Progress) -> None:
    """Have processes load until the ledger is complete, and show what it says."""
    with _Workers(target, population, jobs) as workers:
        while True:
            workers.check()
            try:
                state = ledger.loaded(conn)
            except psycopg.Error:
                workers.join()  # the server is gone, and they may know why
                raise
            if state.users_loaded < population.users:
                progress("users", state.users_loaded, population.users)
            else:
                progress("chat messages", state.messages_loaded, state.messages)
            if state.complete:
                break
            time.sleep(POLL_S)
        workers.join()


class _Workers:
    """Processes that load. Leaving the context ends those that still run; what they were at is rolled back."""

    def __init__(self, target: Target, population: Population, jobs: int) -> None:
        self._arguments = target, population
        self._jobs = jobs
        self._running: list[tuple[SpawnProcess, Connection]] = []

    def __enter__(self) -> _Workers:
        # Not fork: it would share the parent's connection.
        context = multiprocessing.get_context("spawn")
        for _ in range(self._jobs):
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(*self._arguments, theirs), daemon=True)
            process.start()
            theirs.close()
            self._running.append((process, mine))
        return self

    def __exit__(self, *exception: object) -> None:
        for process, _ in self._running:
            process.terminate()
        for process, messages in self._running:
            process.join()
            messages.close()

    def check(self) -> None:
        """Forget processes that are through; raise EnvironmentFault with the line of one that failed."""
        ended = [pair for pair in self._running if not pair[0].is_alive()]
        failures = [failure for process, messages in ended if (failure := _failure(process, messages))]
        if failures:
            raise EnvironmentFault(max(failures, key=lambda failure: failure.is_cause).message)
        for process, messages in ended:
            messages.close()
            self._running.remove((process, messages))

    def join(self) -> None:
        """Wait until all have ended, so that what they counted has reached the server."""
        for process, _ in self._running:
            process.join()
        self.check()


def _failure(process: SpawnProcess, messages: Connection) -> Failure | None:
    """What an ended process said, or what its exit code says."""
    try:
        if messages.poll():
            failure = messages.recv()
            assert isinstance(failure, Failure)
            return failure
    except EOFError:
        pass
    if not process.exitcode:
        return None
    return Failure(f"a seeding process ended with {process.exitcode}; run the same command again to resume", False)


def _finish(conn: psycopg.Connection, population: Population, progress: Progress) -> None:
    """Keys and indexes, sequences, statistics, the mark; nothing if that was done."""
    mark = guard.read_mark(conn)
    if mark is None:
        raise EnvironmentFault(f"database {conn.info.dbname} lost its mark while it was loaded; run: loadgen reset")
    if mark.seeded_at is not None:
        return
    missing = conn.execute(statement("keys_are_missing")).fetchone()
    if missing and missing[0]:
        progress("keys and indexes", 0, 0)
        with conn.transaction():
            conn.execute("SET LOCAL search_path TO public")
            for migration in schema.MIGRATIONS:
                if migration.version in _KEYS_AND_INDEXES:
                    conn.execute(migration.sql)
    conn.execute(statement("set_sequences"))
    progress("vacuum and statistics", 0, 0)
    conn.execute(statement("vacuum"))
    now = conn.execute("SELECT now()").fetchone()
    assert now is not None
    guard.write_mark(
        conn,
        replace(
            mark,
            model_version=MODEL_VERSION,
            seed=population.seed,
            users=population.users,
            as_of=population.as_of,
            chunk_users=population.chunk_users,
            seeded_at=now[0],
            drift_baseline=_settled_counters(conn),
        ),
    )


def _settled_counters(conn: psycopg.Connection) -> dict[str, int]:
    """Counters of changed rows once they show all that was loaded; the server's view of them comes a little late.

    They may never show it, because a crash resets them: what they are after a few seconds is then the baseline.
    """
    planned = ledger.planned_rows(conn)
    deadline = time.monotonic() + _COUNTERS_WAIT_S
    while True:
        counted = guard.changed_rows(conn)
        if all(counted.get(table, 0) >= rows for table, rows in planned.items()) or time.monotonic() > deadline:
            return counted
        time.sleep(0.1)
