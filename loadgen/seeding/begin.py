"""Begin a seeding: write the ledger of a load, or check that the existing one is of the same load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import psycopg

from loadgen.database.created import recording
from loadgen.errors import EnvironmentFault
from loadgen.population.shape import DEFAULT_SHAPE
from loadgen.seeding import ledger
from loadgen.seeding.finish import drop_keys
from loadgen.seeding.ledger import Load
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/tables.sql")


def begin(conn: psycopg.Connection, requested: Load, planned: Callable[[int], None], *, as_of_is_given: bool) -> Load:
    """Write the ledger of a load unless there is one, and return its load. One participant at a time.

    With ``as_of_is_given`` False, an existing load keeps its own as-of. Raises EnvironmentFault if the database
    holds another load, or rows that were not seeded.
    """
    existing = ledger.read_load(conn)
    if existing is not None:
        return require_same(conn, existing, requested, as_of_is_given=as_of_is_given)
    filled = [str(row[0]) for row in conn.execute(_SQL["filled_tables"])]
    if filled:
        raise EnvironmentFault(
            f"database {conn.info.dbname} holds rows that loadgen seed did not create (in {', '.join(filled)}); "
            "seed an empty database, or empty this one: loadgen reset"
        )
    with recording(conn):
        ledger.plan(conn, requested.population, requested.ageing_months, planned)
        drop_keys(conn)
    return requested


def require_same(conn: psycopg.Connection, existing: Load, requested: Load, *, as_of_is_given: bool) -> Load:
    """The existing load, if it equals the requested one. Raises EnvironmentFault if it is another."""
    if not as_of_is_given:
        requested = replace(requested, population=replace(requested.population, as_of=existing.population.as_of))
    if existing == requested:
        return existing
    raise EnvironmentFault(
        f"database {conn.info.dbname} holds {_words(existing)}, and not {_words(requested)}; "
        "give the same options, or empty the database first: loadgen reset"
    )


def _words(load: Load) -> str:
    population = load.population
    aged = f", aged by {load.ageing_months} months" if load.ageing_months else ""
    like = "" if population.shape == DEFAULT_SHAPE else f", of the shape {population.shape.sha256[:12]}"
    return (
        f"{population.users} users with seed {population.seed} as of {population.as_of}{aged}{like} "
        f"(model {load.model_version}, chunks of {population.chunk_users})"
    )
