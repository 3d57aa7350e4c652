"""What stands between a client and the server: nothing, or a pooler, and how it shares its server connections.

Found by behaviour, since a pooler's own administration is rarely open to its clients. A server tells its clients the
process that serves them when they connect; a pooler cannot know it yet and makes one up. Where the process changes
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
from loadgen.runs.format.access import Access, Pooler, PoolerFound

_TRIES: Final = 5
"""How often two clients are looked at before it counts as established that they never share a connection."""
_ADMIN_DATABASE: Final = "pgbouncer"
DIRECT: Final = PoolerFound("none", prepared=True)


def look(target: Target, wanted: Pooler = "auto") -> PoolerFound:
    """What is between us and the server of ``target``; ``wanted`` says so where it is not ``auto``.

    Raises UsageError where there is a pooler and ``none`` is wanted, EnvironmentFault for no connection.
    """
    with faults(target), connect(target, autocommit=True) as one:
        there = one.pgconn.backend_pid != _backend(one)
        if wanted == "none":
            if there:
                raise UsageError(f"--pooler none, but {target} is reached through a pooler; give auto, or its mode")
            return DIRECT
        if wanted == "session":
            return PoolerFound("session", prepared=True, software=_software(target) if there else None)
        if not there:
            # Declared, but not seen: one that passes the server's word on. It may do with names as it likes.
            return DIRECT if wanted == "auto" else PoolerFound("transaction", prepared=False)
        with connect(target, autocommit=True) as other:
            shared = wanted == "transaction" or _shares(one, other)
            prepared = not shared or _keeps_names_apart(one, other)
    return PoolerFound("transaction" if shared else "session", prepared, _software(target))


def require_sessions(target: Target) -> None:
    """For what takes locks and makes settings that last longer than a transaction: refuse a pooler that keeps none.

    Through it a lock would stay with a connection that others are lent, and settings would reach their statements.
    Raises EnvironmentFault.
    """
    if not target.embedded and (found := look(target)).mode == "transaction":
        raise EnvironmentFault(
            f"{target} is reached through a pooler ({found.software or 'unnamed'}) that lends a connection for each "
            "transaction, and this needs sessions of its own; give the server itself, past the pooler: --dsn"
        )


def established(access: Access, servers: Servers) -> Access:
    """The access with what stands between a load and its servers. Raises EnvironmentFault for an absent server."""
    found = [look(target, access.pooler) for target in (servers.load, *servers.replicas)]
    return replace(access, found=_most_cautious(found))


def lock_of_run(servers: Servers, access: Access) -> AbstractContextManager[None]:
    """The lock that keeps seed and reset away from a run's database; none where only a pooler leads to it.

    Such a lock would stay with a connection that the pooler lends to others.
    """
    return use_of(servers.server, Use.RUN) if is_lockable(servers, access) else contextlib.nullcontext()


def is_lockable(servers: Servers, access: Access) -> bool:
    """Whether the server is reached by sessions of one's own."""
    return servers.pooler is not None or access.found is None or access.found.mode != "transaction"


def _most_cautious(found: Sequence[PoolerFound]) -> PoolerFound:
    """What works through all of them: replicas may be reached otherwise than the primary."""
    order = ("transaction", "session", "none")
    first = min(found, key=lambda one: order.index(one.mode))
    return PoolerFound(first.mode, all(one.prepared for one in found), first.software)


def _backend(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def _shares(one: psycopg.Connection, other: psycopg.Connection) -> bool:
    """Whether a server connection that one client has used serves another, both still there."""
    seen = {_backend(one)}
    for _ in range(_TRIES):
        with other.transaction():  # takes what the first has just let go of, if that is let go of at all
            if _backend(other) in seen:
                return True
        seen.add(_backend(one))
        if len(seen) > 1:
            return True
    return False


def _keeps_names_apart(one: psycopg.Connection, other: psycopg.Connection) -> bool:
    """Whether two clients may prepare different statements under one name, on one server connection."""
    for _ in range(_TRIES):
        name = f"loadgen_probe_{secrets.token_hex(4)}".encode()
        first, second = _prepared_on(one, name, b"SELECT 1"), _prepared_on(other, name, b"SELECT 2")
        if first is None or second is None or first != second:
            for connection in (other, one):  # where names are the server's own; elsewhere there is nothing to forget
                connection.pgconn.exec_(b"DEALLOCATE " + name)
        if first is None or second is None:
            return False
        if first == second:
            return True
    return False  # never met: what is not known to work is not relied on


def _prepared_on(connection: psycopg.Connection, name: bytes, sql: bytes) -> int | None:
    """The backend on which a statement was prepared; None: it refused the name."""
    pgconn = connection.pgconn
    pgconn.exec_(b"BEGIN")
    try:
        if pgconn.prepare(name, sql).status != pq.ExecStatus.COMMAND_OK:
            return None
        return int(pgconn.exec_(b"SELECT pg_backend_pid()").get_value(0, 0) or b"0")
    finally:
        pgconn.exec_(b"ROLLBACK")


def _software(target: Target) -> str | None:
    """The pooler's name and version, if its administration lets this user ask."""
    with contextlib.suppress(LoadgenError, psycopg.Error):
        admin = replace(target.with_database(_ADMIN_DATABASE), identity=None)  # it answers no queries about itself
        if conninfo_to_dict(admin.conninfo).get("service"):
            return None
        with connect(admin, autocommit=True) as connection:
            result = connection.pgconn.exec_(b"SHOW VERSION")
            if result.status == pq.ExecStatus.TUPLES_OK and result.ntuples:
                return (result.get_value(0, 0) or b"").decode() or None
    return None
