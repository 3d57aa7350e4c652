"""Only a database that was empty when it was marked is written to."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from conftest import Loadgen

from loadgen.database import guard
from loadgen.database.connect import connect
from loadgen.database.target import Target
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
    guard.require_own_tables(conn, None)
    conn.execute("CREATE SCHEMA own CREATE TABLE goals ()")
    guard.require_own_tables(conn, None)
    conn.execute("SET search_path TO own, public")
    with pytest.raises(GuardRefusal, match=r"search_path reaches own\.goals instead of public\.goals"):
        guard.require_own_tables(conn, None)
    conn.execute("SET search_path TO public")
    conn.execute("ALTER TABLE users RENAME TO ours")
    guard.require_own_tables(conn, None)  # nothing is written: there is no such table
    conn.execute("CREATE TABLE users ()")
    with pytest.raises(GuardRefusal, match=r"public\.users instead of public\.users"):
        guard.require_own_tables(conn, None)


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "older"])
def test_names_alone_tell_where_nothing_was_recorded(conn: psycopg.Connection, recorded: bool) -> None:
    if not recorded:
        conn.execute("DROP TABLE loadgen.created_objects")
    conn.execute("CREATE SCHEMA own CREATE TABLE goals ()")
    guard.require_own_tables(conn, None)
    conn.execute("SET search_path TO own, public")
    with pytest.raises(GuardRefusal, match=r"search_path reaches own\.goals instead of public\.goals"):
        guard.require_own_tables(conn, None)


COPIES = """CREATE FUNCTION copies() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN INSERT INTO precious VALUES (1); RETURN NEW; END'"""
HOOKS = {
    "rule Copies": 'CREATE RULE "Copies" AS ON UPDATE TO users DO ALSO INSERT INTO precious VALUES (1)',
    "trigger copies": "CREATE TRIGGER copies AFTER INSERT ON users EXECUTE FUNCTION copies()",
    "trigger users_touch_updated_at": "CREATE OR REPLACE FUNCTION touch_updated_at() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN INSERT INTO precious VALUES (1); RETURN NEW; END'",
}


@pytest.mark.parametrize("hook", HOOKS)
def test_what_somebody_hung_on_our_tables_is_refused(hook: str, conn: psycopg.Connection) -> None:
    name = guard.database_name(conn)
    conn.execute("CREATE TABLE precious (one integer)")
    conn.execute(COPIES)
    conn.execute("CREATE TRIGGER copies AFTER INSERT ON precious EXECUTE FUNCTION copies()")
    guard.require_own_tables(conn, None)
    conn.execute(HOOKS[hook].encode())
    kind, hung = hook.split()
    disable = f"ALTER TABLE public.users DISABLE {kind.upper()} " + (f'"{hung}"' if hung == "Copies" else hung)
    with pytest.raises(GuardRefusal, match=f"{disable}; .*--allow-unmarked {name}"):
        guard.require_own_tables(conn, None)
    guard.require_own_tables(conn, name)
    conn.execute(disable.encode())
    guard.require_own_tables(conn, None)


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


def test_nothing_is_written_beside_somebody_elses_trigger(loadgen: Loadgen, database: Target, tmp_path: Path) -> None:
    with connect(database) as conn:
        conn.execute("CREATE TABLE precious (one integer)")
        conn.execute(COPIES)
        conn.execute(HOOKS["trigger copies"].encode())
    short = ("--repeats", "1", "--levels", "1", "--duration", "1s", "--results-dir", str(tmp_path))
    for verb in (("seed", "--users", "50"), ("sweep", "montecarlo", *short)):
        refused = loadgen(*verb, target=database)
        assert refused.returncode == 3
        assert "table public.users has the trigger copies" in refused.stderr
        assert f"--allow-unmarked {database.database} " in refused.stderr
    with connect(database) as conn:
        assert conn.execute("SELECT count(*) FROM precious").fetchone() == (0,)


def test_every_verb_takes_a_mark_alone_for_none(loadgen: Loadgen, database: Target) -> None:
    """One made by hand: no version of loadgen leaves it without the record of its schema files."""
    with connect(database) as conn:
        conn.execute("DROP TABLE loadgen.schema_migrations")
        conn.execute("INSERT INTO users VALUES (1, 'me@mine.org', 'x')")
        assert not guard.is_marked(conn)
    for verb in (("run", "montecarlo", "--users", "1", "--duration", "1s"), ("seed", "--users", "50"), ("init",),
                 ("reset", "--yes")):  # fmt: skip
        refused = loadgen(*verb, target=database)
        assert refused.returncode == 3
        assert "not marked as synthetic" in refused.stderr


def test_a_database_without_its_record_is_marked_for_every_verb(loadgen: Loadgen, database: Target) -> None:
    with connect(database) as conn:
        conn.execute("DROP TABLE loadgen.created_objects")
    seeded = loadgen("seed", "--users", "50", target=database)
    assert seeded.returncode == 0, seeded.stderr
    with connect(database, autocommit=True) as conn:
        assert guard.require_synthetic(conn, None).marked_at_us
        guard.require_own_tables(conn, None)
    refused = loadgen("reset", "--yes", target=database)
    assert refused.returncode == 3
    assert guard.OLDER_MARK in refused.stderr


def test_reset_does_not_wait_for_ever(loadgen: Loadgen, database: Target) -> None:
    with connect(database) as conn:
        conn.execute("LOCK TABLE goals")
        done = loadgen("reset", "--yes", target=database)
    assert done.returncode == 3
    assert "another session holds a lock" in done.stderr
