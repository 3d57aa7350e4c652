"""The beginning of a seeding: write the ledger of a load, or find that it is there and the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psycopg

from loadgen.database.created import recording
from loadgen.errors import EnvironmentFault
from loadgen.population.shape import DEFAULT_SHAPE
from loadgen.seeding import ledger
from loadgen.seeding.finish import drop_keys
from loadgen.seeding.ledger import Begun
from loadgen.seeding.seeding_sql import statement


def begin(conn: psycopg.Connection, wanted: Begun, planned: Callable[[int], None], *, as_of_is_given: bool) -> Begun:
    """The load that is to be done; writes its ledger unless there is one already. One participant at a time.

    With ``as_of_is_given`` False, a load that was begun keeps its own as-of. Raises EnvironmentFault if the database
    holds another load, or rows that no seeding made.
    """
    begun = ledger.read_begun(conn)
    if begun is not None:
        return same(conn, begun, wanted, as_of_is_given=as_of_is_given)
    filled = [str(row[0]) for row in conn.execute(statement("filled_tables"))]
    if filled:
        raise EnvironmentFault(
            f"database {conn.info.dbname} holds rows that no seeding made (in {', '.join(filled)}); "
            "seed an empty database, or empty this one: loadgen reset"
        )
    with recording(conn):
        ledger.plan(conn, wanted.population, wanted.ageing_months, planned)
        drop_keys(conn)
    return wanted


def same(conn: psycopg.Connection, begun: Begun, wanted: Begun, *, as_of_is_given: bool) -> Begun:
    """The load that was begun, if it is the one that is wanted. Raises EnvironmentFault if it is another."""
    if not as_of_is_given:
        wanted = replace(wanted, population=replace(wanted.population, as_of=begun.population.as_of))
    if begun == wanted:
        return begun
    raise EnvironmentFault(
        f"database {conn.info.dbname} holds {_words(begun)}, and not {_words(wanted)}; "
        "ask for that, or empty it first: loadgen reset"
    )


def _words(load: Begun) -> str:
    there = load.population
    aged = f", aged by {load.ageing_months} months" if load.ageing_months else ""
    like = "" if there.shape == DEFAULT_SHAPE else f", of the shape {there.shape.sha256[:12]}"
    return (
        f"{there.users} users with seed {there.seed} as of {there.as_of}{aged}{like} "
        f"(model {load.model_version}, chunks of {there.chunk_users})"
    )
