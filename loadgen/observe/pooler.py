"""Detection of a pooler between client and server, and of how it shares its server connections.

Detected by behaviour, since a pooler's own administration is rarely open to its clients. A server tells its clients the
process that serves them when they connect; a pooler does not know it yet and invents one. Where the process changes
between transactions, connections are shared by the transaction. Where two clients can give the same name to different
statements on the same server connection, the pooler keeps names apart, as PgBouncer does since 1.21.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.locks import Use, use_of
from loadgen.database.servers import Servers
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, LoadgenError, UsageError
from loadgen.runs.format.access import Access, DetectedPooler, Pooler

_TRIES: Final = 5
"""Attempts to make two clients share a connection before they count as never sharing one."""
_ADMIN_DATABASE: Final = "pgbouncer"
DIRECT: Final = DetectedPooler("none", prepared=True)


def detect_pooler(target: Target, declared: Pooler = "auto") -> DetectedPooler:
    """Detect the pooler in front of ``target``; ``declared`` overrides detection where it is not ``auto``.

    Raises UsageError for a pooler where ``none`` is declared, EnvironmentFault for no connection.
    """
    with faults(target), connect(target, autocommit=True) as first:
        pooled = first.pgconn.backend_pid != _backend(first)
        if declared == "none":
            if pooled:
                raise UsageError(f"--pooler none, but {target} is reached through a pooler; give auto, or its mode")
            return DIRECT
        if declared == "session":
            return DetectedPooler("session", prepared=True, software=_software(target) if pooled else None)
        if not pooled:
            # Declared but not detected: a pooler that passes the server's process on. It may not keep names apart.
            return DIRECT if declared == "auto" else DetectedPooler("transaction", prepared=False)
        with connect(target, autocommit=True) as second:
            shared = declared == "transaction" or _shares(first, second)
            prepared = not shared or _keeps_names_apart(first, second)
    return DetectedPooler("transaction" if shared else "session", prepared, _software(target))


def require_sessions(target: Target) -> None:
    """Refuse a transaction pooler, for locks and settings that last longer than a transaction.

    Both would stay with a server connection that other clients use next.
    Raises EnvironmentFault.
    """
    if not target.embedded and (pooler := detect_pooler(target)).mode == "transaction":
        raise EnvironmentFault(
            f"{target} is reached through a pooler ({pooler.software or 'unnamed'}) that lends a connection for each "
            "transaction, and this needs sessions of its own; give the server itself, past the pooler: --dsn"
        )


def with_pooler(access: Access, servers: Servers) -> Access:
    """Complete the access with the pooler in front of the servers. Raises EnvironmentFault for an absent server."""
    poolers = [detect_pooler(target, access.pooler) for target in (servers.load, *servers.replicas)]
    return replace(access, found=_most_cautious(poolers))


def lock_of_run(servers: Servers, access: Access) -> AbstractContextManager[None]:
    """Lock that keeps seed and reset away from a run's database; none where it is reached through a pooler alone.

    Such a lock would stay with a server connection that other clients use next.
    """
    return use_of(servers.server, Use.RUN) if is_lockable(servers, access) else contextlib.nullcontext()


def is_lockable(servers: Servers, access: Access) -> bool:
    """True if the server is reached in sessions, which can hold locks."""
    return servers.pooler is not None or access.found is None or access.found.mode != "transaction"


def _most_cautious(poolers: Sequence[DetectedPooler]) -> DetectedPooler:
    """Settings that work through all poolers: replicas may be behind another than the primary."""
    order = ("transaction", "session", "none")
    cautious = min(poolers, key=lambda pooler: order.index(pooler.mode))
    return DetectedPooler(cautious.mode, all(pooler.prepared for pooler in poolers), cautious.software)


def _backend(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def _shares(first: psycopg.Connection, second: psycopg.Connection) -> bool:
    """True if a server connection used by one client serves another while both are connected."""
    backends = {_backend(first)}
    for _ in range(_TRIES):
        with second.transaction():  # gets the connection that the first has released, if it was
            if _backend(second) in backends:
                return True
        backends.add(_backend(first))
        if len(backends) > 1:
            return True
    return False


def _keeps_names_apart(first: psycopg.Connection, second: psycopg.Connection) -> bool:
    """True if two clients may prepare different statements under one name, on one server connection."""
    for _ in range(_TRIES):
        name = f"loadgen_probe_{secrets.token_hex(4)}".encode()
        first_backend, second_backend = _prepared_on(first, name, b"SELECT 1"), _prepared_on(second, name, b"SELECT 2")
        if first_backend is None or second_backend is None or first_backend != second_backend:
            for connection in (second, first):  # does nothing where the pooler renames statements
                connection.pgconn.exec_(b"DEALLOCATE " + name)
        if first_backend is None or second_backend is None:
            return False
        if first_backend == second_backend:
            return True
    return False  # never on one connection: assume the cautious answer


def _prepared_on(connection: psycopg.Connection, name: bytes, sql: bytes) -> int | None:
    """Prepare a statement; returns the process id of its backend, None if it refused the name."""
    pgconn = connection.pgconn
    pgconn.exec_(b"BEGIN")
    try:
        if pgconn.prepare(name, sql).status != pq.ExecStatus.COMMAND_OK:
            return None
        return int(pgconn.exec_(b"SELECT pg_backend_pid()").get_value(0, 0) or b"0")
    finally:
        pgconn.exec_(b"ROLLBACK")


def _software(target: Target) -> str | None:
    """The pooler's name and version, if its admin console admits this user."""
    with contextlib.suppress(LoadgenError, psycopg.Error):
        # Without identity: there is none to verify in the admin console.
        admin = replace(target.with_database(_ADMIN_DATABASE), identity=None)
        if conninfo_to_dict(admin.conninfo).get("service"):
            return None
        with connect(admin, autocommit=True) as connection:
            result = connection.pgconn.exec_(b"SHOW VERSION")
            if result.status == pq.ExecStatus.TUPLES_OK and result.ntuples:
                return (result.get_value(0, 0) or b"").decode() or None
    return None
