"""Histories from a database's own users."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest

from capacity.values import Origin
from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, RefusalError
from loadgen.planning.history import from_database

ADD = """
INSERT INTO users (email, password_hash, created_at)
SELECT format('u%%s-%%s@example.com', %(at)s::text, n), 'x', %(at)s::timestamptz FROM generate_series(1, %(count)s) n
"""


def add(conn: psycopg.Connection, at: str, count: int) -> None:
    conn.execute(ADD, {"at": at, "count": count})


def test_complete_months_are_summed_up_and_empty_ones_kept(conn: psycopg.Connection, database: Target) -> None:
    add(conn, "2026-01-10 00:00+00", 3)
    add(conn, "2026-01-31 23:59:59+00", 1)
    add(conn, "2026-02-01 00:30+01", 1)  # still January in UTC
    add(conn, "2026-03-15 12:00+00", 5)
    add(conn, "2026-04-02 12:00+00", 7)
    conn.execute("UPDATE loadgen.mark SET as_of = '2026-04-20'")
    history = from_database(database)
    assert history.dates == (dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 3, 31))
    assert history.values == (5, 5, 10)


def test_a_marked_database_is_called_synthetic(conn: psycopg.Connection, database: Target) -> None:
    add(conn, "2025-01-10 00:00+00", 3)
    history = from_database(database)
    assert history.origin is Origin.SYNTHETIC
    assert "synthetic users" in history.source


def test_an_unmarked_database_is_measured_up_to_today(empty_database: Target) -> None:
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE TABLE users (created_at timestamptz)")
        conn.execute("INSERT INTO users VALUES (now() - interval '70 days'), (now())")
    history = from_database(empty_database)
    assert history.origin is Origin.MEASURED
    assert history.dates is not None
    assert history.dates[-1] < dt.datetime.now(dt.UTC).date()
    assert history.values[-1] == 1


def test_no_complete_month_is_refused(conn: psycopg.Connection, database: Target) -> None:
    with pytest.raises(RefusalError) as caught:
        from_database(database)
    assert caught.value.refusal.code == "no_history"
    add(conn, "2026-04-02 12:00+00", 7)
    conn.execute("UPDATE loadgen.mark SET as_of = '2026-04-20'")
    with pytest.raises(RefusalError):
        from_database(database)


def test_a_database_without_users_says_what_to_do(empty_database: Target) -> None:
    with pytest.raises(EnvironmentFault, match="loadgen init"):
        from_database(empty_database)


def test_row_security_gives_an_error_rather_than_a_wrong_history(
    conn: psycopg.Connection, database: Target, server: Target
) -> None:
    add(conn, "2025-01-10 00:00+00", 3)
    conn.execute("CREATE ROLE planner_reader LOGIN")
    try:
        conn.execute("GRANT affluvia_app_role TO planner_reader")
        conn.execute("GRANT USAGE ON SCHEMA loadgen TO planner_reader")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA loadgen TO planner_reader")
        reader = Target(
            database.conninfo.replace(f"user={conn.info.user}", "user=planner_reader"),
            password=None,
            embedded=True,
            database=database.database,
        )
        with pytest.raises(EnvironmentFault, match="row-level security"):
            from_database(reader)
    finally:
        conn.execute("DROP OWNED BY planner_reader")
        conn.execute("DROP ROLE planner_reader")
