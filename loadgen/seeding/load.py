"""Fill a database with a population: plan, load in parallel, finish. The same call resumes after an interruption.

Keys and indexes are dropped when the load is planned, and built at its end. Any number of calls on any number of hosts
can share a load through its ledger.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

import psycopg

from loadgen.database import guard
from loadgen.database.identity import query_on, read_identity
from loadgen.database.locks import Use, hold, holder_name
from loadgen.database.target import Target
from loadgen.population.model import MODEL_VERSION, Population
from loadgen.seeding import ledger
from loadgen.seeding.begin import begin
from loadgen.seeding.finish import finish
from loadgen.seeding.ledger import Load
from loadgen.seeding.phases import Phases, Progress
from loadgen.seeding.session import faults, open_session
from loadgen.seeding.workers import Workers

POLL_S: Final = 0.2
_POLLS_SHARE: Final = 20
"""Least wait between two reads of the ledger, as a multiple of the time that one takes: each reads all of it."""
_LAST_WORDS_S: Final = 2.0
_COUNTED_S: Final = 10.0
"""Longest wait in s for workers to end by themselves after the load: they flush their counters to the server."""
PLANNING, LOADING = "planning", "load"
WAITING: Final = "waiting for another participant"


@dataclass(frozen=True, slots=True)
class SeedResult:
    """Content of a database after seeding, and the share of this call in it."""

    population: Population
    ageing_months: int
    rows: dict[str, int]
    below_water: int
    """Households whose true net worth is below zero; 0 is stored."""
    users_loaded: int
    """Users loaded by this call; 0 if the load was complete before."""
    users_loaded_by_others: int
    """Users loaded by other participants during this call."""
    seconds: float
    phases_s: dict[str, float]

    @property
    def users_per_s(self) -> float | None:
        """Users loaded per second by all participants during this call; None if there were none."""
        users = self.users_loaded + self.users_loaded_by_others
        return users / self.seconds if users else None


def seed(
    target: Target,
    population: Population,
    jobs: int,
    progress: Progress,
    *,
    ageing_months: int = 0,
    as_of_is_given: bool = True,
    allow_unmarked: str | None = None,
) -> SeedResult:
    """Load ``population`` into ``target`` and age it; resumes an interrupted load, or joins a running one.

    Takes at most ``jobs`` + 1 connections. With ``as_of_is_given`` False, an existing load keeps its own as-of.
    ``allow_unmarked`` names the database if it may be marked although it is not empty. Raises GuardRefusal for a
    database that is not marked as synthetic, EnvironmentFault if it holds another load, or for a fault of the server,
    the network or a process; the same call then resumes.
    """
    began = time.monotonic()
    by, phases = uuid4(), Phases(progress)
    requested = Load(MODEL_VERSION, population, ageing_months)
    with faults(target), open_session(target, holder_name(Use.SEED)) as conn, Workers(by, jobs) as workers:
        hold(conn, Use.SEED)
        guard.initialise(conn, allow_unmarked)
        guard.require_own_tables(conn, allow_unmarked)
        # Every other connection of this seeding must lead to the database marked above.
        target = replace(target, identity=read_identity(query_on(conn)))
        with phases.phase(PLANNING), ledger.one_at_a_time(conn, lambda: phases.show(WAITING)):
            load = begin(
                conn,
                requested,
                lambda users: phases.show(PLANNING, users, population.users),
                as_of_is_given=as_of_is_given,
            )
        before = ledger.loaded(conn)
        if not before.complete:
            with phases.phase(LOADING):
                workers.start(target, load.population)
                _watch(conn, workers, load.population, by, phases)
        with ledger.one_at_a_time(conn, lambda: phases.show(WAITING)):
            finish(conn, target, load, jobs, phases)
        after = ledger.loaded(conn, by)
        return SeedResult(
            load.population,
            load.ageing_months,
            ledger.planned_rows(conn),
            after.below_water,
            after.users_loaded_here,
            after.users_loaded - before.users_loaded - after.users_loaded_here,
            time.monotonic() - began,
            phases.seconds,
        )


def _watch(conn: psycopg.Connection, workers: Workers, population: Population, by: UUID, phases: Phases) -> None:
    """Show the progress of the ledger until it is complete and the workers have ended."""
    while True:
        workers.check()
        began = time.monotonic()
        try:
            state = ledger.loaded(conn, by)
        except psycopg.Error:
            workers.join(_LAST_WORDS_S)  # the server is unreachable, and they may report why
            raise
        if state.users_loaded < population.users:
            phases.show("users", state.users_loaded, population.users)
        else:
            phases.show("chat messages", state.messages_loaded, state.messages)
        if state.complete:
            break
        # Returns early when the workers end, since the load is then complete.
        workers.join(max(POLL_S, _POLLS_SHARE * (time.monotonic() - began)))
    workers.join(_COUNTED_S)
