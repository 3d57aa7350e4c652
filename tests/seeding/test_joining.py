"""Several participants in one load, and what becomes of it when one of them dies."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from conftest import Loadgen
from pgbouncer_fixtures import Pooler
from seeding_samples import (
    MANY_PARTS,
    Start,
    checksums,
    end,
    loaded_by,
    quiet,
    until,
    until_half_loaded,
)

from loadgen.database import guard, schema
from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.seeding import builds, ledger, load
from loadgen.seeding.scheduler import APPLICATION
from loadgen.seeding.session import open_session

Whole = tuple[Target, load.SeedResult]


@contextmanager
def connections_seen(target: Target) -> Iterator[dict[str, int]]:
    """The most connections at a time of each kind, looked at every few milliseconds: a fast load is soon through."""
    most = {"loadgen seed": 0, APPLICATION: 0}
    ended = threading.Event()

    def look() -> None:
        with connect(target, autocommit=True) as conn:
            while not ended.wait(0.002):
                found = conn.execute(
                    "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "GROUP BY 1"
                )
                for name, connections in found.fetchall():
                    most[name] = max(most.get(name, 0), connections)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ended.set()
        looking.join()


@pytest.mark.parametrize("jobs", [2, pytest.param(4, marks=pytest.mark.ci)])
def test_any_number_of_jobs_loads_the_same_rows(many_parts: Whole, empty_database: Target, jobs: int) -> None:
    """And never on more connections than one a job and one to watch."""
    with connections_seen(empty_database) as most:
        done = load.seed(empty_database, MANY_PARTS, jobs, quiet)
    assert checksums(empty_database) == checksums(many_parts[0])
    assert done.rows == many_parts[1].rows
    assert done.below_water == many_parts[1].below_water
    assert (done.users_loaded, done.users_loaded_by_others) == (MANY_PARTS.users, 0)
    assert 2 <= most["loadgen seed"] <= jobs + 1
    assert 1 <= most[APPLICATION] <= jobs


def test_two_calls_share_a_load_and_say_who_did_what(many_parts: Whole, empty_database: Target, start: Start) -> None:
    first = start(empty_database, jobs=1)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        os.killpg(first.pid, signal.SIGSTOP)  # it would be through before the second has started
        second = start(empty_database, jobs=1)
        until("the second loads too", lambda: conn.execute(
            "SELECT count(DISTINCT loaded_by) FROM loadgen.ledger"
        ).fetchone() == (2,))  # fmt: skip
        os.killpg(first.pid, signal.SIGCONT)
    (by_first, by_others), (by_second, _) = loaded_by(first), loaded_by(second)
    assert by_first + by_second == by_first + by_others == MANY_PARTS.users
    assert min(by_first, by_second) > 0
    assert checksums(empty_database) == checksums(many_parts[0])


def test_a_stopped_participant_does_not_keep_the_rest(many_parts: Whole, empty_database: Target, start: Start) -> None:
    """Its own part is free once its connection is ended, which the server does by the limits of the session."""
    first = start(empty_database, jobs=2)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        os.killpg(first.pid, signal.SIGSTOP)
        second = start(empty_database, jobs=2)
        until("all else is loaded", lambda: (state := ledger.loaded(conn)).parts - state.parts_loaded <= 2)
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loadgen seed' "
            "AND datname = current_database() AND xact_start < now() - interval '0.2 s' AND pid <> pg_backend_pid()"
        )
        loaded_by(second)
    assert checksums(empty_database) == checksums(many_parts[0])


def test_sessions_end_by_themselves_when_the_other_end_is_gone(empty_database: Target) -> None:
    with open_session(empty_database) as conn:
        limits = dict(conn.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name IN "
            "('idle_in_transaction_session_timeout', 'client_connection_check_interval', 'statement_timeout')"
        ).fetchall())  # fmt: skip
    assert limits["statement_timeout"] == 0
    assert 0 < limits["client_connection_check_interval"] <= 5_000
    assert 0 < limits["idle_in_transaction_session_timeout"] <= 300_000


def relations(target: Target) -> list[tuple[object, ...]]:
    with connect(target) as conn:
        return conn.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
            "UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
        ).fetchall()


def at_work(conn: psycopg.Connection, like: str) -> Callable[[], bool]:
    """Whether a finisher's connection is at such a statement."""
    return lambda: (
        conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s "
            "AND state = 'active' AND query LIKE %s",
            (APPLICATION, like),
        ).fetchone()
        != (0,)
    )


def test_whoever_waits_takes_over_from_a_finisher_that_dies(
    many_parts: Whole, empty_database: Target, database: Target, start: Start
) -> None:
    first = start(empty_database)
    with connect(empty_database, autocommit=True) as conn, connect(empty_database) as holder:
        until_half_loaded(conn)
        # Lets rows in, and neither VACUUM nor CREATE INDEX: the finisher is caught in the middle.
        holder.execute("LOCK TABLE goals IN SHARE UPDATE EXCLUSIVE MODE")
        until("the first has come to goals", at_work(conn, "VACUUM%goals%"))
        until("it builds what it can", lambda: "users_pkey" in builds.read_build_state(conn).indexes)
        second = start(empty_database)
        assert second.stderr is not None
        lines = iter(second.stderr.readline, "")
        assert any(line.startswith(load.WAITING) for line in lines)
        first.kill()
        end(first)
        until("the second has come to goals", at_work(conn, "VACUUM%goals%"))
        created = conn.execute("SELECT oid FROM pg_class WHERE relname = 'users_pkey'").fetchone()
        holder.rollback()
        assert loaded_by(second) == (0, 0)
        assert conn.execute("SELECT oid FROM pg_class WHERE relname = 'users_pkey'").fetchone() == created
        mark = guard.read_mark(conn)
        switched_off = conn.execute("SELECT count(*) FROM pg_class WHERE reloptions::text LIKE '%autovacuum%'")
        assert switched_off.fetchone() == (0,)
    assert mark is not None
    assert mark.seeded_at is not None
    assert relations(empty_database) == relations(database)
    assert checksums(empty_database) == checksums(many_parts[0])


def test_a_server_process_that_ends_while_it_builds(many_parts: Whole, empty_database: Target, start: Start) -> None:
    process = start(empty_database)
    with connect(empty_database, autocommit=True) as conn, connect(empty_database) as holder:
        until_half_loaded(conn)
        holder.execute("LOCK TABLE goals IN SHARE UPDATE EXCLUSIVE MODE")
        until("it has come to goals", at_work(conn, "VACUUM%goals%"))
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s "
                     "AND datname = current_database() AND state = 'active'", (APPLICATION,))  # fmt: skip
        code, _, err = end(process)
    assert code == 3
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert load.seed(empty_database, MANY_PARTS, 2, quiet).users_loaded == 0
    assert relations(empty_database) == relations(many_parts[0])


def test_every_statement_of_the_schemas_files_has_its_task(empty_database: Target) -> None:
    nothing = builds.BuildState(frozenset(), frozenset(), frozenset(), frozenset(), {"users": 1})
    tasks = {task.name for task in builds.missing(nothing, {})}
    statements = (*schema.INDEXES.statements, *schema.VALID_KEYS.statements)
    assert len(tasks) == len(statements) + 2  # all keys at once, and the vacuum of users
    with connect(empty_database, autocommit=True) as conn:
        guard.initialise(conn)
        done = builds.read_build_state(conn)
    assert {task.name for task in builds.missing(done, {})} == {f"vacuum {table}" for table in done.bytes}


def test_a_pooler_by_transaction_is_refused_and_one_by_session_will_do(
    empty_database: Target, loadgen: Loadgen, pooler: Pooler
) -> None:
    """A lock would stay behind on a connection that others are lent, and two could hold it at once."""
    through = pooler(empty_database, "transaction", size=3)
    for command in (("seed", "--users", "100"), ("init",)):
        done = loadgen(*command, target=through)
        assert done.returncode == 3
        (line,) = done.stderr.splitlines()
        assert "through a pooler" in line
        assert "give the server itself" in line
    with connect(empty_database) as conn:
        assert conn.execute("SELECT to_regclass('public.users')").fetchone() == (None,)
        locks = conn.execute("SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
                             "WHERE locktype = 'advisory' AND datname = current_database()")  # fmt: skip
        assert locks.fetchone() == (0,)
    done = loadgen("seed", "--users", "100", target=pooler(empty_database, "session", size=10))
    assert done.returncode == 0, done.stderr
