"""A second real server, whose databases no load is ever to touch, and one checksum of everything in it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from conftest import make_state_dir, remove_state_dir
from psycopg import sql

from loadgen.database import guard
from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.programs import client_program
from loadgen.database.target import Target
from loadgen.settings import Settings

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Foreign:
    """The server, by its default database."""

    server: Target

    def database(self, name: str, kind: str, like: Target) -> Target:
        """A new database of one of the KINDS; ``like`` is the marked one that a load is meant for."""
        with connect(self.server, autocommit=True) as conn:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        target = self.server.with_database(name)
        with connect(target, autocommit=True) as conn:
            KINDS[kind](conn, like)
        return target

    def checksum(self) -> str:
        """One of all rows, definitions, roles and settings of the server."""
        program = client_program("pg_dumpall", None)
        command = [str(program), f"--dbname={self.server.conninfo}"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        # A dump guards against psql's commands by a word that is another each time.
        lines = [line for line in done.stdout.splitlines() if not line.startswith((b"\\restrict", b"\\unrestrict"))]
        return hashlib.sha256(b"\n".join(lines)).hexdigest()


def _empty(conn: Connection, like: Target) -> None:
    """Nothing in it, and not marked."""


def _application(conn: Connection, like: Target) -> None:
    """The application's own database: tables like ours with somebody's rows, and no mark."""
    _marked(conn, like)
    conn.execute("DROP SCHEMA loadgen CASCADE")


def _marked(conn: Connection, like: Target) -> None:
    """Synthetic as well, and not the one that is meant."""
    guard.initialise(conn)
    conn.execute("INSERT INTO users SELECT i, i || '@example.com', 'x' FROM generate_series(1, 300) AS i")
    conn.execute(
        "INSERT INTO financial_profiles (user_id, basic_info, financial_data, calculations)"
        """ SELECT id, '{"age": 40}', '{}', '{"net_worth": 1}' FROM users"""
    )
    conn.execute("UPDATE loadgen.mark SET users = 300, seed = 1, seeded_at = now()")


def _same_mark(conn: Connection, like: Target) -> None:
    """A restored dump of the one that is meant: the same mark, on another server."""
    _marked(conn, like)
    with connect(like) as source:
        row = source.execute("SELECT marked_at FROM loadgen.mark").fetchone()
    conn.execute("UPDATE loadgen.mark SET marked_at = %s", row)


KINDS = {"empty": _empty, "application": _application, "marked": _marked, "same mark": _same_mark}


@pytest.fixture(scope="module")
def foreign(server_settings: Settings) -> Iterator[Foreign]:
    """A server of its own for the tests of a file."""
    path = make_state_dir()
    settings = Settings(state_dir=path, pg_bin=server_settings.pg_bin)
    yield Foreign(embedded_target(Instance.from_settings(settings, notify=lambda _: None)))
    remove_state_dir(path)
