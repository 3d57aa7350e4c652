"""Working copies: the same data, thrown away, and never somebody else's database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from loadgen.database import guard
from loadgen.database.connect import connect
from loadgen.database.copies import copy_name, drop_copy, fresh_copy, working_copy
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, GuardRefusal, UsageError


def exists(server: Target, name: str) -> bool:
    with connect(server) as conn:
        return conn.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def users(target: Target) -> object:
    with connect(target) as conn:
        row = conn.execute("SELECT count(*) FROM users").fetchone()
    return row[0] if row else None


def add_users(target: Target, first: int, last: int) -> None:
    with connect(target, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO users SELECT i, i || '@example.com', 'x' FROM generate_series(%s::int, %s::int) AS i",
            (first, last),
        )
        conn.execute("SELECT pg_stat_force_next_flush()")


def drift(target: Target) -> dict[str, int]:
    with connect(target) as conn:
        mark = guard.read_mark(conn)
        assert mark is not None
        return {table: n - mark.drift_baseline.get(table, 0) for table, n in guard.changed_rows(conn).items()}


def test_a_copy_is_thrown_away_and_the_source_is_as_it_was(
    server: Target, database: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    add_users(database, 1, 10)
    fresh_copy(database)  # as a killed process leaves one
    with working_copy(database) as copy:
        assert f"removed {copy.database}, a working copy" in capsys.readouterr().err
        assert copy.database == copy_name(database.database)
        assert users(copy) == 10
        add_users(copy, 11, 30)
        again = fresh_copy(database)
        assert (again, users(again)) == (copy, 10)
    assert not exists(server, copy.database)
    assert users(database) == 10


def test_a_copy_is_known_from_the_moment_it_exists(
    server: Target, database: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted between its creation and its comment, it is dropped like any other."""

    execute = psycopg.Connection.execute

    def interrupted(self: psycopg.Connection, query: Any, *arguments: Any) -> Any:
        if isinstance(query, sql.Composed) and "COMMENT ON" in query.as_string(self):
            raise KeyboardInterrupt
        return execute(self, query, *arguments)

    monkeypatch.setattr(psycopg.Connection, "execute", interrupted)
    with pytest.raises(KeyboardInterrupt), working_copy(database):
        pass
    assert not exists(server, copy_name(database.database))


def test_drift_goes_on_in_the_copy(database: Target) -> None:
    add_users(database, 1, 10)
    with connect(database) as conn:
        mark = guard.read_mark(conn)
        assert mark is not None
        guard.write_mark(conn, replace(mark, drift_baseline=guard.changed_rows(conn)))
    add_users(database, 11, 13)
    assert drift(database)["users"] == 3
    with working_copy(database) as copy:
        assert drift(copy)["users"] == 3
        add_users(copy, 14, 15)
        assert drift(copy)["users"] == 5


def test_a_source_in_use_is_not_copied_and_its_client_stays(database: Target) -> None:
    with connect(database, application_name="somebody", autocommit=True) as conn:
        with pytest.raises(EnvironmentFault, match=r"in use by somebody \(1\).*close those connections"):
            fresh_copy(database)
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_own_leftovers_are_ended(database: Target) -> None:
    leftover = connect(database, application_name="loadgen sampler", autocommit=True)
    leftover.execute("SELECT 1")
    with working_copy(database) as copy:
        assert users(copy) == 0
    leftover.close()


def test_a_database_of_that_name_that_is_no_copy_is_kept(server: Target, database: Target) -> None:
    name = copy_name(database.database)
    with connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}".encode())
    with pytest.raises(GuardRefusal, match="is not a working copy"):
        fresh_copy(database)
    assert exists(server, name)


def test_a_copy_cannot_be_its_source(database: Target) -> None:
    with pytest.raises(UsageError, match="name it otherwise"):
        fresh_copy(database, database.database)
    with pytest.raises(UsageError, match="name it otherwise"):
        fresh_copy(database, "x" * 64)


def test_dropping_a_copy_that_is_not_there_is_nothing(database: Target) -> None:
    drop_copy(database.with_database("never_made"))


@pytest.fixture
def reader(server: Target, database: Target) -> Iterator[Target]:
    with connect(server, autocommit=True) as conn:
        conn.execute("CREATE ROLE reader LOGIN")
    yield Target(make_conninfo(database.conninfo, user="reader"), None, embedded=True, database=database.database)
    with connect(server, autocommit=True) as conn:
        conn.execute("DROP ROLE reader")


def test_copying_needs_a_privilege(reader: Target) -> None:
    with pytest.raises(EnvironmentFault, match="may not copy it; connect as a superuser"):
        fresh_copy(reader)
