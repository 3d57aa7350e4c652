"""Months of use: what they leave behind on the disk, and that every value is as it was."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from conftest import Loadgen
from seeding_samples import Start, checksums, end, quiet, until

from loadgen.database import guard
from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.observe.facts import fingerprint
from loadgen.population.model import Population
from loadgen.seeding import ledger, load
from loadgen.seeding.ageing import STEPS_A_MONTH, VACUUM_ROWS, VACUUM_SHARE, VISITS_A_MONTH, Step, entries, use
from loadgen.seeding.forking import get_ready
from loadgen.seeding.ledger import Part

MONTHS = 6
WORN = Population(2_000, 7, dt.date(2026, 2, 1), chunk_users=100)
Whole = tuple[Target, load.SeedResult]


def loaded(server: Target, name: str, months: int) -> Whole:
    target = server.with_database(name)
    with connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    done = load.seed(target, WORN, 2, quiet, ageing_months=months)
    with connect(target, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pgstattuple")
    return target, done


@pytest.fixture(scope="module")
def unaged(server: Target) -> Whole:
    """A load as it was made."""
    get_ready()
    return loaded(server, "test_unaged", 0)


@pytest.fixture(scope="module")
def aged(server: Target, unaged: Whole) -> Whole:
    """The same load, aged."""
    return loaded(server, "test_aged", MONTHS)


def number(target: Target, query: str) -> float:
    with connect(target) as conn:
        row = conn.execute(query.encode()).fetchone()
    assert row is not None
    return float(row[0])


def test_every_value_is_as_it_was(aged: Whole, unaged: Whole) -> None:
    assert checksums(aged[0]) == checksums(unaged[0])
    assert aged[1].rows == unaged[1].rows


def test_the_mark_and_the_fingerprint_say_it(aged: Whole, unaged: Whole) -> None:
    with connect(aged[0]) as conn, connect(unaged[0]) as other:
        mark = guard.read_mark(conn)
        found, unaged = fingerprint(conn), fingerprint(other)
    assert mark is not None
    assert mark.ageing_months == aged[1].ageing_months == MONTHS
    assert found.drift == {}  # what ageing changed is no drift
    assert (found.ageing, unaged.ageing) == ("6 months", None)
    assert replace(found, ageing=None, drift={}) == replace(unaged, drift={})


@pytest.mark.parametrize(
    "index",
    ["financial_profiles_pkey", "goals_open_idx", "chat_messages_user_id_timestamp_idx", "user_achievements_pkey"],
)
def test_leaves_have_split(aged: Whole, unaged: Whole, index: str) -> None:
    density = f"SELECT avg_leaf_density FROM pgstatindex('{index}')"  # noqa: S608
    fragmentation = f"SELECT leaf_fragmentation FROM pgstatindex('{index}')"  # noqa: S608
    assert number(aged[0], density) < number(unaged[0], density) - 5
    assert number(aged[0], fragmentation) > number(unaged[0], fragmentation) + 5


def test_heaps_hold_the_room_of_dead_versions(aged: Whole, unaged: Whole) -> None:
    for table in ("financial_profiles", "goals", "user_progress", "users"):
        bytes_ = f"SELECT pg_relation_size('{table}')"
        assert number(aged[0], bytes_) > 1.03 * number(unaged[0], bytes_), table
    toast = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'financial_profiles'"
    assert number(aged[0], toast) > 1.03 * number(unaged[0], toast)
    assert number(aged[0], "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE schemaname = 'public'") > 0
    gin = "SELECT pg_relation_size('financial_profiles_calculations_idx')"
    assert number(aged[0], gin) > 1.1 * number(unaged[0], gin)


def test_rewrites_of_indexed_columns_were_never_hot_and_others_were(aged: Whole) -> None:
    hot = "SELECT n_tup_hot_upd::float8 / n_tup_upd FROM pg_stat_user_tables WHERE relname = '{}'"
    assert number(aged[0], hot.format("financial_profiles")) == 0
    assert number(aged[0], hot.format("users")) > 0.2


def test_no_table_is_left_that_autovacuum_would_come_for(aged: Whole) -> None:
    with connect(aged[0]) as conn:
        dead = conn.execute(
            "SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'public'"
        ).fetchall()
    for table, rows in dead:
        assert rows <= VACUUM_SHARE * aged[1].rows[table] + VACUUM_ROWS, table
    assert number(aged[0], "SELECT count(*) FROM pg_class WHERE reloptions::text LIKE '%autovacuum%'") == 0


def test_updated_at_has_not_moved(aged: Whole) -> None:
    assert number(aged[0], "SELECT count(*) FROM users WHERE updated_at >= '2026-02-01'") == 0


def died(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute("SELECT chunk, rows FROM loadgen.ledger WHERE part = 'ageing' ORDER BY chunk").fetchall()


def test_killed_in_the_middle_it_goes_on(aged: Whole, empty_database: Target, start: Start) -> None:
    """And comes to the same as in one go, by two processes or by one: the same rows died in each part."""
    process = start(empty_database, WORN, ageing_months=MONTHS)

    def half() -> bool:
        return ledger.read_load(conn) is not None and conn.execute(
            "SELECT count(loaded_at) > 5 FROM loadgen.ledger WHERE part = 'ageing'"
        ).fetchone() == (True,)

    with connect(empty_database, autocommit=True) as conn:
        until("some parts are played", half)
        process.kill()
        end(process)
        assert not ledger.all_loaded(conn, Part.AGEING)
        load.seed(empty_database, WORN, 1, quiet, ageing_months=MONTHS)
        assert ledger.all_loaded(conn, Part.AGEING)
        with connect(aged[0]) as other:
            assert died(conn) == died(other)
    assert checksums(empty_database) == checksums(aged[0])


@pytest.mark.parametrize("months", [0, 3, 12])
def test_other_months_are_refused_in_a_line(aged: Whole, months: int) -> None:
    with pytest.raises(EnvironmentFault, match=r"aged by 6 months.*, and not .*loadgen reset"):
        load.seed(aged[0], WORN, 1, quiet, ageing_months=months)


def test_an_unaged_database_is_not_aged_afterwards(unaged: Whole) -> None:
    """It may have been written to since."""
    with pytest.raises(EnvironmentFault, match=r"and not .* aged by 2 months"):
        load.seed(unaged[0], WORN, 1, quiet, ageing_months=2)


def test_the_verb_says_months_and_seconds(loadgen: Loadgen, empty_database: Target) -> None:
    arguments = ("seed", "--users", "300", "--as-of", "2026-02-01", "--age", "1", "--json")
    done = loadgen(*arguments, target=empty_database)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["ageing_months"] == 1
    assert set(document["phases_s"]) == {"planning", "load", "keys, indexes and statistics", "ageing"}
    assert sum(document["phases_s"].values()) <= document["seconds"] + 0.1
    for wrong in ("-1", "25", "many"):
        refused = loadgen("seed", "--users", "300", "--age", wrong, target=empty_database)
        assert refused.returncode == 2
        assert "--age" in refused.stderr


# --- who does what ----------------------------------------------------------------------------------------------


def uses(population: Population, months: int, of: Callable[[Step], bool]) -> list[int]:
    """Visitors of the steps that fit."""
    parts = [e for e in entries(population, months, 0) if "users" in e.first_ids and of(Step.of(e))]
    return [int(user) for part in parts for user in use(population, part, months).visitors]


def test_visits_have_the_declared_mean_and_follow_activity() -> None:
    population = replace(WORN, users=50_000)
    last = MONTHS * STEPS_A_MONTH - 1
    visitors = uses(population, MONTHS, lambda step: step.number == last)
    # Fewer than visits: many are by the same user. Never by one who signs up later.
    assert 0.02 < len(visitors) / population.users < VISITS_A_MONTH / STEPS_A_MONTH
    ranks = population.ranks.rank_of(np.array(visitors))
    assert np.median(ranks) < population.users / 3
    first = uses(population, 24, lambda step: step.number == 0)
    assert max(first) < 0.5 * population.users
    assert first == uses(population, 24, lambda step: step.number == 0)
