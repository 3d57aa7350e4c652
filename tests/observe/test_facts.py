"""What a record says about server, data and client, and pg_stat_statements as a second count."""

from __future__ import annotations

import psycopg
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.observe import facts, pg_stat_statements

EIGHT = {
    "users", "financial_profiles", "goals", "education_goals", "estate_plans", "chat_messages", "user_achievements",
    "user_progress",
}  # fmt: skip
FLUSH = "SELECT pg_stat_force_next_flush()"


def add_users(conn: psycopg.Connection, count: int) -> None:
    with conn.transaction():
        conn.execute(FLUSH)
        conn.execute(
            "INSERT INTO users (email, password_hash) SELECT gen_random_uuid() || '@example.com', 'x' "
            "FROM generate_series(1, %s)",
            [count],
        )


def test_the_server(database: Target, conn: psycopg.Connection) -> None:
    found = facts.database_facts(conn, database)
    assert found.name == database.database
    assert found.embedded
    assert found.server_version.split(".")[0] == str(conn.info.server_version // 10000)
    assert (found.settings["full_page_writes"], found.settings["fsync"]) == ("on", "off"), "see the server's fixture"
    assert found.settings["shared_buffers"].endswith("B")
    assert {"max_connections", "checkpoint_timeout", "work_mem", "jit"} <= found.settings.keys()
    assert found.cores is not None
    assert found.ram_bytes is not None
    assert found.fingerprint.drift == {}


def test_drift_is_counted_from_the_mark(conn: psycopg.Connection) -> None:
    add_users(conn, 7)
    fresh = facts.fingerprint(conn)
    assert fresh.drift == {"users": 7}
    assert fresh.seed is None
    conn.execute(
        """UPDATE loadgen.mark SET seed = 42, users = 7, as_of = '2026-01-31', drift_baseline = '{"users": 5}'"""
    )
    marked = facts.fingerprint(conn)
    assert (marked.seed, marked.users, marked.as_of) == (42, 7, "2026-01-31")
    assert marked.drift == {"users": 2}
    conn.execute("""UPDATE loadgen.mark SET drift_baseline = '{"users": 500}'""")
    assert facts.fingerprint(conn).drift == {"users": 7}  # counters of a copy begin anew


def test_a_foreign_database_has_no_fingerprint(empty_database: Target) -> None:
    with connect(empty_database) as conn:
        found = facts.fingerprint(conn)
    assert found.schema_version == facts.UNMARKED
    assert found.drift == {}


def test_sizes_are_those_of_the_server(conn: psycopg.Connection) -> None:
    add_users(conn, 1000)
    conn.execute(
        "INSERT INTO chat_messages (user_id, message, response) SELECT min(id), repeat(md5('x'), 9), '' FROM users"
    )
    sizes = facts.table_sizes(conn)
    assert {size.name for size in sizes} == EIGHT
    for size in sizes:
        total = conn.execute("SELECT pg_total_relation_size(to_regclass('public.' || %s))", [size.name]).fetchone()
        assert total == (size.total_bytes,)
        assert min(size.heap_bytes, size.toast_bytes, size.index_bytes) >= 0
    rows = {size.name: size.rows for size in sizes}
    assert rows["users"] == 1000
    assert rows["chat_messages"] == 1
    assert rows["goals"] == 0


def test_rows_that_row_security_hides_are_not_miscounted(conn: psycopg.Connection) -> None:
    add_users(conn, 3)
    with conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL ROLE affluvia_app_role")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            facts.table_sizes(conn)


def test_the_client() -> None:
    found = facts.client_facts()
    assert found.cores >= 1
    assert found.ram_bytes > 0
    assert found.cpu_model
    assert {"python", "libpq", "loadgen", "locust", "psycopg", "gevent", "numpy"} == found.versions.keys()
    assert "not installed" not in found.versions.values()


def test_statements_are_counted_by_the_server(conn: psycopg.Connection) -> None:
    conn.execute("DROP EXTENSION IF EXISTS pg_stat_statements")
    assert pg_stat_statements.snapshot(conn) is None
    conn.execute("CREATE SCHEMA elsewhere")
    conn.execute("CREATE EXTENSION pg_stat_statements SCHEMA elsewhere")
    before = pg_stat_statements.snapshot(conn)
    assert before is not None
    for number in range(7):
        conn.execute("SELECT i, %s::int FROM generate_series(1, 3) i", [number])
    add_users(conn, 20)
    after = pg_stat_statements.snapshot(conn)
    assert after is not None
    uses = pg_stat_statements.between(before, after)
    (series,) = (use for use in uses if use.query.startswith("SELECT i,"))
    assert (series.calls, series.rows) == (7, 21)
    (insert,) = (use for use in uses if use.query.startswith("INSERT INTO users"))
    assert (insert.calls, insert.rows) == (1, 20)
    assert insert.wal_bytes > 0
    assert insert.shared_blocks_hit > 0
    assert insert.total_exec_ms > 0
    conn.execute("SELECT elsewhere.pg_stat_statements_reset()")
    conn.execute("SELECT i, %s::int FROM generate_series(1, 3) i", [1])
    anew = pg_stat_statements.snapshot(conn)
    assert anew is not None
    (series,) = (use for use in pg_stat_statements.between(after, anew) if use.query.startswith("SELECT i,"))
    assert series.calls == 1
