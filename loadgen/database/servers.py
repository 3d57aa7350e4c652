"""The servers of a run: the one that is meant, the pooler that its load goes through, and replicas that it may read."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import connect
from loadgen.database.database_sql import statement
from loadgen.database.faults import faults
from loadgen.database.identity import DatabaseIdentity, query_on, read_identity
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.settings import Settings

POOLER_VARIABLE: Final = "LOADGEN_POOLER_DSN"
REPLICAS_VARIABLE: Final = "LOADGEN_REPLICA_DSNS"
"""One DSN a line. Both may hold a password, as LOADGEN_DSN may; :mod:`loadgen.settings` reads them."""

CATCH_UP_S: Final = 30.0
"""How long a replica may take to have replayed what the primary had when a run began."""
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Servers:
    """``load`` is where transactions go: the server itself, or the pooler before it."""

    server: Target
    pooler: Target | None = None
    replicas: tuple[Target, ...] = ()

    @property
    def load(self) -> Target:
        return self.pooler or self.server

    def with_database(self, name: str) -> Servers:
        """Another database of the same servers."""
        return Servers(
            self.server.with_database(name),
            self.pooler and self.pooler.with_database(name),
            tuple(replica.with_database(name) for replica in self.replicas),
        )

    def with_identity(self, identity: DatabaseIdentity) -> Servers:
        """The same servers, each connection to which must lead to ``identity``.

        Of replicas the mark is not asked for: they are only read, and may not have replayed it yet.
        """
        identity = replace(identity, found_at=self.server.address)
        unmarked = replace(identity, marked_at_us=None)
        return Servers(
            replace(self.server, identity=identity),
            self.pooler and replace(self.pooler, identity=identity),
            tuple(replace(replica, identity=unmarked) for replica in self.replicas),
        )

    def verified(self) -> Servers:
        """The same servers, held to the database that the server itself leads to, once all paths do lead there.

        Waits until each replica has what the primary has. Raises GuardRefusal for a pooler that leads elsewhere,
        UsageError for a replica that is none of the primary's.
        """
        with faults(self.server), connect(self.server, autocommit=True) as connection:
            identity = read_identity(query_on(connection))
        servers = self.with_identity(identity)
        if servers.pooler is not None:
            connect(servers.pooler, autocommit=True).close()
        self.check_replicas()
        return servers

    def environment(self) -> dict[str, str]:
        """Variables with which :func:`servers_of` in a child finds the same servers."""
        variables = self.server.environment()
        variables[POOLER_VARIABLE] = _with_password(self.pooler) if self.pooler else ""
        variables[REPLICAS_VARIABLE] = "\n".join(map(_with_password, self.replicas))
        return variables

    def check_replicas(self) -> None:
        """Wait until each replica has what the primary has. Raises UsageError for one that is none of the primary's."""
        if not self.replicas:
            return
        with faults(self.server), connect(self.server, autocommit=True) as connection:
            row = connection.execute(statement("primary_position")).fetchone()
        assert row is not None
        system, position = row
        for replica in self.replicas:
            _catch_up(replica, system, position)


@dataclass(frozen=True, slots=True)
class ServersIdentity:
    """What all processes of one load, on however many machines, must have in common."""

    database: DatabaseIdentity
    pooler: bool
    """Whether the load goes through a pooler with a DSN of its own."""
    replicas: int

    @staticmethod
    def of(servers: Servers) -> ServersIdentity:
        """The identity of servers that :meth:`Servers.verified` returned."""
        assert servers.server.identity is not None
        return ServersIdentity(servers.server.identity, servers.pooler is not None, len(servers.replicas))


def servers_of(settings: Settings, server: Target) -> Servers:
    """The servers of an invocation whose target is ``server``. Raises UsageError for a DSN that cannot be read."""
    pooler, replicas = settings.pooler_dsn, settings.replica_dsns
    return Servers(
        server,
        _beside(server, pooler, "the pooler's DSN") if pooler else None,
        tuple(_beside(server, dsn, "a replica's DSN") for dsn in replicas),
    )


def _beside(server: Target, dsn: str, what: str) -> Target:
    """Another way to the same database: what a DSN leaves out is as for the server."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Without the driver's message: it quotes what it could not read, which may be a password.
        raise UsageError(f"{what} cannot be read; write postgresql://user@host:6432/db, or host=… port=…") from None
    if not any(given.get(name) for name in ("host", "hostaddr", "service")):
        raise UsageError(f"{what} names no server; give at least host=")
    password = given.pop("password", None)
    known = conninfo_to_dict(server.conninfo)
    for name in ("user", "dbname"):
        given.setdefault(name, known.get(name))
    return replace(
        server,
        conninfo=make_conninfo("", **given),
        password=server.password if password is None else str(password),
        embedded=False,
        database=str(given["dbname"]),
    )


def _with_password(target: Target) -> str:
    return target.conninfo if target.password is None else make_conninfo(target.conninfo, password=target.password)


def _catch_up(replica: Target, system: int, position: object) -> None:
    with faults(replica), connect(replica, autocommit=True) as connection:
        deadline = time.monotonic() + CATCH_UP_S
        while True:
            row = connection.execute(statement("replica_position"), {"position": position}).fetchone()
            assert row is not None
            standby, its_system, replayed = row
            if not standby or its_system != system:
                what = "is no standby" if not standby else "is a standby of another server"
                raise UsageError(f"{replica} {what}; --replica names a streaming replica of the primary")
            if replayed:
                return
            if time.monotonic() > deadline:
                raise EnvironmentFault(
                    f"{replica} has not replayed what the primary has after {CATCH_UP_S:g} s; "
                    "see that it is streaming, and that replay is not paused"
                )
            time.sleep(_LOOK_S)
