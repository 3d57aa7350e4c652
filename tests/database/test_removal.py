"""A reset drops what this tool created, and nothing that somebody else made or put there."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from conftest import Loadgen

from loadgen.database import guard
from loadgen.database.connect import connect
from loadgen.database.created import catalogued
from loadgen.database.removal import plan_removal, remove
from loadgen.database.target import Target
from loadgen.errors import GuardRefusal
from loadgen.population.vocabulary import EMAIL_DOMAINS


def reset(conn: psycopg.Connection[Any], allow_unmarked: str | None = None) -> None:
    remove(conn, plan_removal(conn, allow_unmarked))


def rows(conn: psycopg.Connection[Any], query: str) -> list[tuple[object, ...]]:
    return conn.execute(query.encode()).fetchall()


def marked_before_records(conn: psycopg.Connection[Any]) -> str:
    """Make it a database as an older version left it, which recorded nothing; returns its name."""
    conn.execute("DROP TABLE loadgen.created_objects")
    conn.execute("DELETE FROM loadgen.schema_migrations WHERE version LIKE '0010%'")
    return guard.database_name(conn)


@pytest.mark.parametrize("verb", [("init",), ("seed", "--users", "50")], ids=["init", "seed"])
def test_a_failed_initialisation_leaves_the_users_tables_to_them(
    verb: tuple[str, ...], here: Loadgen, empty_database: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in empty_database.environment().items():
        monkeypatch.setenv(name, value)
    name = empty_database.database
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE TABLE users AS SELECT i AS id, 'mine ' || i AS email FROM generate_series(1, 100) AS i")
        conn.execute("CREATE TABLE precious AS SELECT 1 AS one")
        before = catalogued(conn)
        failed = here(*verb, "--allow-unmarked", name)
        assert failed.returncode == 3
        assert "already exists; use another database" in failed.stderr
        assert catalogued(conn) == before
        refused = here("reset", "--yes")
        assert refused.returncode == 3
        assert "is not marked as synthetic" in refused.stderr
        assert catalogued(conn) == before
        assert rows(conn, "SELECT count(*), sum(id), min(email) FROM users") == [(100, 5050, "mine 1")]


def test_what_stood_there_before_stays_after_a_reset(empty_database: Target) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE TABLE precious AS SELECT 1 AS one")
        before = catalogued(conn)
        guard.initialise(conn, empty_database.database)
        reset(conn)
        assert catalogued(conn) == before
        assert guard.read_mark(conn) is None


def test_a_table_made_in_place_of_ours_is_not_ours(conn: psycopg.Connection[Any]) -> None:
    conn.execute("DROP TABLE user_progress")
    conn.execute("CREATE TABLE user_progress AS SELECT 'mine' AS whose")
    reset(conn)
    assert rows(conn, "SELECT whose FROM user_progress") == [("mine",)]
    assert rows(conn, "SELECT to_regclass('public.users') IS NULL, to_regnamespace('loadgen') IS NULL") == [(True,) * 2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("INSERT INTO users VALUES (1, 'a@example.com', 'x')", "public.users has rows, though nothing was seeded"),
        ("ALTER TABLE goals ADD COLUMN note text", "public.goals has other columns: note"),
        (
            "ALTER TABLE estate_plans ALTER COLUMN documents TYPE json",
            "public.estate_plans has other columns: documents",
        ),
    ],
)
def test_what_somebody_put_into_our_tables_stops_a_reset(change: str, why: str, conn: psycopg.Connection[Any]) -> None:
    conn.execute(change.encode())
    before = catalogued(conn)
    with pytest.raises(GuardRefusal, match=f"{why}; nothing was dropped"):
        reset(conn)
    assert catalogued(conn) == before


def test_a_seeded_database_is_dropped_unless_real_users_are_in_it(seeded: Target) -> None:
    with connect(seeded, autocommit=True) as conn:
        row = conn.execute(
            "INSERT INTO users (email, password_hash) VALUES ('me@mine.org', 'x') RETURNING id"
        ).fetchone()
        with pytest.raises(GuardRefusal, match=r"public\.users has 1 users outside"):
            reset(conn)
        conn.execute("DELETE FROM users WHERE id = %s", row)
        reset(conn)
        assert catalogued(conn) == set()


def test_every_synthetic_address_is_on_a_reserved_domain() -> None:
    assert set(EMAIL_DOMAINS) <= {"example.com", "example.org", "example.net"}, "foreign_users has these"


def test_rows_that_come_while_somebody_thinks_stop_a_reset(conn: psycopg.Connection[Any]) -> None:
    removal = plan_removal(conn, None)
    conn.execute("INSERT INTO users VALUES (1, 'a@example.com', 'x')")
    with pytest.raises(GuardRefusal, match=r"public\.users has rows"):
        remove(conn, removal)


# --- databases that an older version marked ---------------------------------------------------------------------


def test_an_older_mark_is_reset_when_it_is_named(seeded: Target) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("CREATE TABLE precious AS SELECT 1 AS one")
        name = marked_before_records(conn)
        before = catalogued(conn)
        with pytest.raises(GuardRefusal, match=rf"older version.*table public.users.*--allow-unmarked {name}"):
            reset(conn)
        assert catalogued(conn) == before
        guard.initialise(conn)
        with pytest.raises(GuardRefusal, match="older version"):  # what is recorded now is the record itself
            reset(conn)
        reset(conn, name)
        assert len(catalogued(conn)) == 1
        assert rows(conn, "SELECT one FROM precious") == [(1,)]
        assert rows(conn, "SELECT to_regnamespace('loadgen') IS NULL") == [(True,)]


def test_of_an_older_mark_only_what_matches_is_dropped(conn: psycopg.Connection[Any]) -> None:
    name = marked_before_records(conn)
    conn.execute("ALTER TABLE user_progress ADD COLUMN mine text")
    conn.execute("CREATE OR REPLACE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'")
    listed = {one.name for one in plan_removal(conn, name).objects}
    assert "public.user_progress" not in listed
    assert "public.touch_updated_at()" not in listed
    assert {"public.users", "public.user_overview", "public.app_user_id()", "loadgen"} <= listed


def test_an_unmarked_database_of_the_same_shape_keeps_its_rows(conn: psycopg.Connection[Any]) -> None:
    """The application's own database looks as ours do; a flag alone does not make its rows ours."""
    marked_before_records(conn)
    name = guard.database_name(conn)
    conn.execute("DROP SCHEMA loadgen CASCADE")
    conn.execute("INSERT INTO users VALUES (1, 'me@mine.org', 'x')")
    before = catalogued(conn)
    with pytest.raises(GuardRefusal, match="is not marked"):
        reset(conn)
    with pytest.raises(GuardRefusal, match=r"public\.users has rows"):
        reset(conn, name)
    assert catalogued(conn) == before
    conn.execute("DELETE FROM users")
    reset(conn, name)
    assert catalogued(conn) == set()
