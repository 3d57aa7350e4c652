"""Errors of a real server, each as its one line."""

from __future__ import annotations

import psycopg
import pytest

from loadgen.database.connect import connect
from loadgen.database.faults import faults, translate
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault


def line_of(target: Target, *statements: str) -> str:
    with pytest.raises(EnvironmentFault) as caught, faults(target), connect(target) as conn:
        for statement in statements:
            conn.execute(statement.encode())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("SET statement_timeout = '10ms'", "SELECT pg_sleep(9)"), "cancelled, by a timeout"),
        (("SET TRANSACTION READ ONLY", "DELETE FROM users"), "read-only"),
        (("SET ROLE affluvia_app_role", "DELETE FROM users"), "lacks a privilege"),
        (("SELECT * FROM no_such_table",), "run: loadgen init"),
        (("SELECT * FROM no_such_schema.x",), "run: loadgen init"),
        (("SELECT pg_terminate_backend(pg_backend_pid())",), "shut down"),
        (("SELECT 1/0",), "division by zero (SQLSTATE 22012)"),
        (("SELECT 'x\ny'::int",), "invalid input syntax"),
    ],
)
def test_a_statement_that_fails(database: Target, statements: tuple[str, ...], words: str) -> None:
    assert words in line_of(database, *statements)


def test_a_full_disk_says_to_go_on_later(database: Target) -> None:
    error = psycopg.errors.DiskFull('could not extend file "base/1/2": No space left on device')
    line = str(translate(error, database))
    assert "disk is full; free space there, then run the same command again" in line


def test_a_password_that_a_server_repeats_is_not_shown(database: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(database.conninfo, "hush", embedded=False, database="x")
    monkeypatch.setenv("PGPASSWORD", "quiet")
    line = str(translate(psycopg.OperationalError("got hush and quiet"), target))
    assert "hush" not in line
    assert "quiet" not in line
