"""The ledger's claims: each part once, those of the dead again, and none dearer than the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from seeding_samples import MANY_PARTS

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.population.shape import DEFAULT_SHAPE
from loadgen.seeding import ledger
from loadgen.seeding.ledger import Claims, Entry, Part
from loadgen.sql_files import SqlFile

POPULATION = replace(MANY_PARTS, users=300, chunk_users=100)


@pytest.fixture
def planned(database: Target) -> Iterator[psycopg.Connection]:
    """A database whose ledger has three parts of households and one of chat; in autocommit."""
    with connect(database, autocommit=True) as conn:
        with conn.transaction():
            ledger.plan(conn, POPULATION, 3, lambda users: None)
        yield conn


def test_the_ledger_keeps_its_load(planned: psycopg.Connection) -> None:
    stored = ledger.read_load(planned)
    assert stored is not None
    assert (stored.population, stored.ageing_months) == (POPULATION, 3)
    other = replace(POPULATION, shape=replace(DEFAULT_SHAPE, dormant=0.125))
    planned.execute("DELETE FROM loadgen.seeding; DELETE FROM loadgen.ledger")
    with planned.transaction():
        ledger.plan(planned, other, 0, lambda users: None)
    stored = ledger.read_load(planned)
    assert stored is not None
    assert stored.population == other


def test_a_part_is_claimed_once_and_again_when_its_holder_dies(database: Target, planned: psycopg.Connection) -> None:
    ours, theirs = Claims(Part.HOUSEHOLDS, Part.CHAT), Claims(Part.HOUSEHOLDS, Part.CHAT)
    by = uuid4()
    with connect(database) as other:
        held = theirs.take(other)
        assert held is not None
        taken = []
        while True:
            with planned.transaction():
                entry = ours.take(planned)
                if entry is None:
                    break
                ledger.enter(planned, entry, by)
                taken.append((entry.part, entry.chunk))
        assert (held.part, held.chunk) == (Part.HOUSEHOLDS, 0)
        assert taken == [(Part.HOUSEHOLDS, 1), (Part.HOUSEHOLDS, 2), (Part.CHAT, 0)]
        assert not ledger.all_loaded(planned, Part.HOUSEHOLDS, Part.CHAT)
    with planned.transaction():
        assert ours.take(planned) == held
        ledger.enter(planned, held, uuid4())
    assert ledger.all_loaded(planned, Part.HOUSEHOLDS, Part.CHAT)
    state = ledger.loaded(planned, by)
    assert (state.users_loaded, state.users_loaded_here) == (300, 200)


def test_the_last_of_many_claims_costs_what_the_first_did(planned: psycopg.Connection) -> None:
    with planned.transaction():
        ledger.add(planned, (Entry(Part.AGEING, n, {}, {}) for n in range(20_000)))
    planned.execute("UPDATE loadgen.ledger SET loaded_at = now() WHERE part = 'ageing' AND chunk < 19000")
    claims = Claims(Part.AGEING)
    claims._next[Part.AGEING] = 19_000  # whoever loaded the others has come so far
    with planned.transaction():
        entry = claims.take(planned)
    assert entry is not None
    assert entry.chunk == 19_000
    row = planned.execute(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + SqlFile("loadgen.seeding", "sql/ledger.sql")["claim"],
        {"part": "ageing", "first": 19_000, "last": ledger.LAST},
    ).fetchone()
    assert row is not None
    assert row[0][0]["Plan"]["Shared Hit Blocks"] + row[0][0]["Plan"]["Shared Read Blocks"] < 20


def test_planning_hears_how_far_it_is(database: Target) -> None:
    heard: list[int] = []
    with connect(database) as conn:
        ledger.plan(conn, POPULATION, 0, heard.append)
    assert heard == [100, 200, 300]
