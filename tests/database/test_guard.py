"""Only a database that was empty when it was marked is written to."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import psycopg
import pytest
from conftest import Loadgen

from loadgen.database import guard
from loadgen.database.connect import Target, connect
from loadgen.errors import ExitCode, GuardRefusal, UsageError


def test_an_empty_database_is_marked(empty_database: Target) -> None:
    with connect(empty_database) as conn:
        assert guard.read_mark(conn) is None
        guard.initialise(conn)
        mark = guard.read_mark(conn)
    assert mark is not None
    assert (mark.seed, mark.users, mark.seeded_at, mark.drift_baseline) == (None, None, None, {})
    assert mark.marked_at.tzinfo is not None


@pytest.mark.parametrize(
    "made",
    ["CREATE TABLE t ()", "CREATE SCHEMA s CREATE VIEW v AS SELECT 1", "CREATE SEQUENCE q", "CREATE TABLE users ()"],
)
def test_a_database_with_anything_in_it_is_not_marked(empty_database: Target, made: str) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute(made.encode())
        with pytest.raises(GuardRefusal, match="is not empty"):
            guard.initialise(conn)
        assert conn.execute("SELECT to_regnamespace('loadgen')").fetchone() == (None,)


def test_a_database_that_is_not_empty_is_marked_when_named(empty_database: Target) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE TABLE precious AS SELECT 1 AS one")
        with pytest.raises(UsageError, match="--allow-unmarked names other"):
            guard.initialise(conn, "other")
        assert guard.initialise(conn, empty_database.database)
        assert guard.read_mark(conn) is not None
        assert conn.execute("SELECT one FROM precious").fetchone() == (1,)


def test_an_extension_does_not_count_as_content(empty_database: Target) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_buffercache")
        assert guard.initialise(conn)


def test_writing_needs_the_mark_or_the_name(empty_database: Target, database: Target) -> None:
    with connect(database) as conn:
        guard.require_synthetic(conn, None)
    name = empty_database.database
    with connect(empty_database) as conn:
        with pytest.raises(GuardRefusal, match=f"--allow-unmarked {name} .*LOADGEN_ALLOW_UNMARKED={name}") as caught:
            guard.require_synthetic(conn, None)
        assert caught.value.exit_code == ExitCode.ENVIRONMENT
        guard.require_synthetic(conn, name)
        with pytest.raises(UsageError, match="--allow-unmarked names other"):
            guard.require_synthetic(conn, "other")


def test_a_name_that_leads_to_somebody_elses_table_is_refused(conn: psycopg.Connection) -> None:
    guard.require_own_tables(conn)
    conn.execute("CREATE SCHEMA own CREATE TABLE goals ()")
    guard.require_own_tables(conn)
    conn.execute("SET search_path TO own, public")
    with pytest.raises(GuardRefusal, match=r"search_path reaches own\.goals instead of public\.goals"):
        guard.require_own_tables(conn)
    conn.execute("SET search_path TO public")
    conn.execute("ALTER TABLE users RENAME TO ours")
    guard.require_own_tables(conn)  # nothing is written: there is no such table
    conn.execute("CREATE TABLE users ()")
    with pytest.raises(GuardRefusal, match=r"public\.users instead of public\.users"):
        guard.require_own_tables(conn)


def test_a_mark_comes_back(conn: psycopg.Connection) -> None:
    before = guard.read_mark(conn)
    assert before is not None
    written = replace(
        before,
        model_version="3",
        seed=2**40,
        users=5000,
        as_of=dt.date(2026, 1, 31),
        chunk_users=500,
        ageing_months=6,
        shape_sha256="c0ffee",
        seeded_at=dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC),
        drift_baseline={"users": 5000},
    )
    guard.write_mark(conn, written)
    assert guard.read_mark(conn) == written


def test_changes_are_counted_by_table(conn: psycopg.Connection) -> None:
    conn.execute("INSERT INTO users SELECT i, i || '@example.com', 'x' FROM generate_series(1, 10) AS i")
    conn.execute("UPDATE users SET email = 'x' || email WHERE id <= 3")
    conn.execute("DELETE FROM users WHERE id = 1")
    conn.execute("SELECT pg_stat_force_next_flush()")
    counted = guard.changed_rows(conn)
    assert counted["users"] == 14
    assert sum(counted.values()) == 14
    assert len(counted) == 8


# --- the verbs --------------------------------------------------------------------------------------------------


def test_init_and_reset_go_round(loadgen: Loadgen, empty_database: Target) -> None:
    for _ in range(2):
        made = loadgen("init", "--json", target=empty_database)
        again = loadgen("init", "--json", target=empty_database)
        assert (made.returncode, again.returncode) == (0, 0), made.stderr + again.stderr
        documents = [json.loads(done.stdout) for done in (made, again)]
        assert [document["format"] for document in documents] == ["loadgen.init/1"] * 2
        assert documents[0]["applied"]
        assert documents[1]["applied"] == []
        assert documents[0]["marked_at"] == documents[1]["marked_at"]
        reset = loadgen("reset", "--yes", "--json", target=empty_database)
        document = json.loads(reset.stdout)
        assert (document["format"], document["database"]) == ("loadgen.reset/2", empty_database.database)
        assert {"type": "table", "name": "public.users"} in document["dropped"]
        assert all(f"{item['type']} {item['name']}" in reset.stderr for item in document["dropped"])
    with connect(empty_database) as conn:
        assert guard.read_mark(conn) is None


def test_refusals_have_their_codes(loadgen: Loadgen, empty_database: Target, database: Target) -> None:
    with connect(empty_database) as conn:
        conn.execute("CREATE TABLE precious AS SELECT 1 AS one")
    for arguments, code, words in (
        (("init",), 3, "is not empty (it has public.precious)"),
        (("reset", "--yes"), 3, f"--allow-unmarked {empty_database.database}"),
        (("reset", "--yes", "--allow-unmarked", "wrong"), 2, "--allow-unmarked names wrong"),
    ):
        done = loadgen(*arguments, "--json", target=empty_database)
        assert done.returncode == code
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert json.loads(done.stdout)["error"]["exit_code"] == code
    with connect(empty_database) as conn:
        assert conn.execute("SELECT one FROM precious").fetchone() == (1,)
    unasked = loadgen("reset", target=database)
    assert unasked.returncode == 2
    assert "--yes" in unasked.stderr
    with connect(database) as conn:
        assert guard.read_mark(conn) is not None


def test_reset_does_not_wait_for_ever(loadgen: Loadgen, database: Target) -> None:
    with connect(database) as conn:
        conn.execute("LOCK TABLE goals")
        done = loadgen("reset", "--yes", target=database)
    assert done.returncode == 3
    assert "a lock is held by somebody else" in done.stderr
