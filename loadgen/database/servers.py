"""Servers of a run: the primary, the pooler that the load goes through, and the replicas that it may read."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.identity import DatabaseIdentity, query_on, read_identity
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.settings import Settings
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/identity.sql")

POOLER_VARIABLE: Final = "LOADGEN_POOLER_DSN"
REPLICAS_VARIABLE: Final = "LOADGEN_REPLICA_DSNS"
"""DSNs of the replicas, one a line. Both variables may hold passwords; :mod:`loadgen.settings` reads them."""

CATCH_UP_S: Final = 30.0
"""Longest time in s for a replica to replay the primary's log up to the beginning of a run."""
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers of a run. ``load`` is the target of its transactions: the server itself, or the pooler before it."""

    server: Target
    pooler: Target | None = None
    replicas: tuple[Target, ...] = ()

    @property
    def load(self) -> Target:
        return self.pooler or self.server

    def with_database(self, name: str) -> Servers:
        """The servers with another database."""
        return Servers(
            self.server.with_database(name),
            self.pooler and self.pooler.with_database(name),
            tuple(replica.with_database(name) for replica in self.replicas),
        )

    def with_identity(self, identity: DatabaseIdentity) -> Servers:
        """The servers with the identity that each connection to them must have.

        The mark is not required of replicas: they are only read, and may not have replayed it yet.
        """
        identity = replace(identity, found_at=self.server.address)
        unmarked = replace(identity, marked_at_us=None)
        return Servers(
            replace(self.server, identity=identity),
            self.pooler and replace(self.pooler, identity=identity),
            tuple(replace(replica, identity=unmarked) for replica in self.replicas),
        )

    def verified(self) -> Servers:
        """Check that all servers lead to the same database, and return them with its identity.

        Waits until each replica has caught up. Raises GuardRefusal for a pooler that leads elsewhere, UsageError for a
        replica that does not belong to the primary.
        """
        with faults(self.server), connect(self.server, autocommit=True) as connection:
            identity = read_identity(query_on(connection))
        servers = self.with_identity(identity)
        if servers.pooler is not None:
            connect(servers.pooler, autocommit=True).close()
        self.check_replicas()
        return servers

    def environment(self) -> dict[str, str]:
        """Environment variables from which :func:`servers_of` in a child process finds the same servers."""
        variables = self.server.environment()
        variables[POOLER_VARIABLE] = _with_password(self.pooler) if self.pooler else ""
        variables[REPLICAS_VARIABLE] = "\n".join(map(_with_password, self.replicas))
        return variables

    def check_replicas(self) -> None:
        """Wait until each replica has caught up. Raises UsageError for one that does not belong to the primary."""
        if not self.replicas:
            return
        with faults(self.server), connect(self.server, autocommit=True) as connection:
            row = connection.execute(_SQL["primary_position"]).fetchone()
        assert row is not None
        system, position = row
        for replica in self.replicas:
            _catch_up(replica, system, position)


@dataclass(frozen=True, slots=True)
class ServersIdentity:
    """Servers of a load, as all its processes on any number of machines must see them."""

    database: DatabaseIdentity
    pooler: bool
    """True if the load goes through a pooler with a DSN of its own."""
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


def _beside(server: Target, dsn: str, option: str) -> Target:
    """Target of another path to the same database; user and database default to the server's."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Without the driver's message: it quotes what it could not read, which may be a password.
        raise UsageError(f"{option} cannot be read; write postgresql://user@host:6432/db, or host=… port=…") from None
    if not any(parts.get(name) for name in ("host", "hostaddr", "service")):
        raise UsageError(f"{option} does not name a server; give at least host=")
    password = parts.pop("password", None)
    server_parts = conninfo_to_dict(server.conninfo)
    for name in ("user", "dbname"):
        parts.setdefault(name, server_parts.get(name))
    return replace(
        server,
        conninfo=make_conninfo("", **parts),
        password=server.password if password is None else str(password),
        embedded=False,
        database=str(parts["dbname"]),
    )


def _with_password(target: Target) -> str:
    return target.conninfo if target.password is None else make_conninfo(target.conninfo, password=target.password)


def _catch_up(replica: Target, system: int, position: object) -> None:
    with faults(replica), connect(replica, autocommit=True) as connection:
        deadline = time.monotonic() + CATCH_UP_S
        while True:
            row = connection.execute(_SQL["replica_position"], {"position": position}).fetchone()
            assert row is not None
            standby, standby_system, replayed = row
            if not standby or standby_system != system:
                problem = "is not a standby" if not standby else "is a standby of another server"
                raise UsageError(f"{replica} {problem}; --replica names a streaming replica of the primary")
            if replayed:
                return
            if time.monotonic() > deadline:
                raise EnvironmentFault(
                    f"{replica} has not replayed what the primary has after {CATCH_UP_S:g} s; "
                    "check that it is streaming and that replay is not paused"
                )
            time.sleep(_LOOK_S)
