"""The servers of a run: the one that is meant, the pooler that its load goes through, and replicas that it may read."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import Target, connect
from loadgen.database.faults import faults
from loadgen.database.statements import statement
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

    def environment(self) -> dict[str, str]:
        """Variables with which :func:`servers_of` in a child finds the same servers."""
        found = self.server.environment()
        found[POOLER_VARIABLE] = _with_password(self.pooler) if self.pooler else ""
        found[REPLICAS_VARIABLE] = "\n".join(map(_with_password, self.replicas))
        return found

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
