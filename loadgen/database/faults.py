"""Translate PostgreSQL's errors into one line each, which says what to do and holds no password."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, LoadgenError

ADVICE: Final = {
    "28P01": "the password is wrong or missing; set PGPASSWORD, a passfile or LOADGEN_DSN",
    "28000": "the server does not let this user connect; check the user, pg_hba.conf and sslmode",
    "3D000": "create the database, or give another with dbname=",
    "42501": "the user lacks a privilege; grant it, or connect as the owner",
    "25006": "the server is read-only; connect to the primary, or make room on its disk",
    "42P01": "a table is missing; run: loadgen init",
    "42P06": "use another database, or remove the schema first",
    "42P07": "use another database, or remove the table first",
    "3F000": "a schema is missing; run: loadgen init",
    "53100": "the server's disk is full; free space there, then run the same command again",
    "53200": "the server is out of memory; lower its memory settings or the load",
    "53300": "the server has no free connection; use fewer connections, or raise max_connections",
    "55006": "it is in use; close the other connections, then try again",
    "57014": "the statement was cancelled, by a timeout or an administrator; try again, or raise statement_timeout",
    "57P01": "the server was shut down; start it, then run the same command again",
    "57P02": "the server crashed; see its log, then run the same command again",
    "57P03": "the server is starting or stopping; try again in a moment",
    "55P03": "another session holds a lock; try again when it has ended",
    "2BP01": "another object depends on it; drop that object first",
}
"""Advice by SQLSTATE, after the server's message, and what is wrong where that does not say it."""

CONNECT_PATTERNS: Final = (
    # libpq reports a failed connection as text, without a SQLSTATE, so these match the server's English messages; in
    # another language the general line with the server's message is shown.
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("does not support SSL", "28000"),
    ("is not permitted to log in", "28000"),
    ("permission denied for database", "42501"),
    ("too many clients", "53300"),
    ("too many connections", "53300"),
    ("remaining connection slots", "53300"),
    ("the database system is", "57P03"),
)
UNREACHABLE: Final = "check that it runs, and host and port; without --dsn, loadgen starts an embedded server"


def translate(error: psycopg.Error, server: Target | None) -> LoadgenError:
    """Translate an error of the driver into one of ours; ``server`` is named in it unless None."""
    target = server or "the server"
    message = _first_line(error, server.password if server else None)
    state = error.sqlstate or _state_of_connect_failure(message)
    if state == "role":
        return EnvironmentFault(f"{target}: {message}; create the user, or give another with user=")
    if state in ADVICE:
        return EnvironmentFault(f"{target}: {message}; {ADVICE[state]}")
    if state is None and isinstance(error, psycopg.OperationalError):
        return EnvironmentFault(f"{target}: {message}; {UNREACHABLE}")
    where = f" (SQLSTATE {state})" if state else ""
    return EnvironmentFault(f"{target}: {message}{where}; see the server's log")


@contextmanager
def faults(target: Target) -> Iterator[None]:
    """Translate every error of the driver in the body, which works on one database."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, target) from error


def _state_of_connect_failure(message: str) -> str | None:
    for pattern, state in CONNECT_PATTERNS:
        if pattern in message:
            return state
    if message.endswith("does not exist"):
        return "role" if "role" in message else "3D000"
    return None


def _first_line(error: psycopg.Error, password: str | None) -> str:
    """First line of the message, with the password removed in case the server echoed it."""
    lines = str(error.diag.message_primary or error).strip().splitlines()
    # With several addresses, the last line that names one is of the last attempt.
    tried = [line.strip(" -") for line in lines if "failed: " in line]
    message = (tried[-1] if tried else lines[0] if lines else type(error).__name__).strip().rstrip(".;")
    message = message.removeprefix("connection failed: ").removeprefix("connection is bad: ")
    for secret in (password, os.environ.get("PGPASSWORD")):
        if secret:
            message = message.replace(secret, "***")
    return message
