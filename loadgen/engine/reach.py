"""How the users of one process reach the servers: endpoints, pools and routing, as a run's schedule asks for."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.guard import requirement
from loadgen.database.identity import REFUSED, read_identity
from loadgen.database.target import Target
from loadgen.engine.client import Connection
from loadgen.engine.failures import GUARD_REFUSED, DatabaseError
from loadgen.engine.pooling import Endpoint, Own, Pool, Source
from loadgen.engine.resolving import with_addresses
from loadgen.engine.routing import Routing
from loadgen.engine.sessions import OneServer, OwnSession, Routed, Sessions
from loadgen.engine.transaction_pooled import TransactionPooled
from loadgen.errors import GuardRefusal
from loadgen.runs.format.access import Access, DetectedPooler

if TYPE_CHECKING:
    from loadgen.engine.recording.recorder import Recorder

STATEMENT_TIMEOUT_MS: Final = 30_000
CHECK_INTERVAL_MS: Final = 1_000
"""client_connection_check_interval: how soon the server ends a query whose client was killed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Of every session: how long a statement may take, and whether the server looks if its client is still there."""

    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
    check_interval_ms: int | None = None

    @property
    def as_sql(self) -> dict[str, int]:
        found = {"statement_timeout": self.statement_timeout_ms}
        if self.check_interval_ms is not None:
            found["client_connection_check_interval"] = self.check_interval_ms
        return found

    @staticmethod
    def known_to(connection: psycopg.Connection) -> Settings:
        """What this server can do: PostgreSQL 14 on a system that tells of a closed socket checks its clients."""
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(b"SET LOCAL client_connection_check_interval = %d" % CHECK_INTERVAL_MS)
        except psycopg.Error:
            return Settings()
        return Settings(check_interval_ms=CHECK_INTERVAL_MS)


class Reach:
    """The endpoints, pools and routing of one process in one run.

    Of targets with an identity each connection is held to it, when it is opened and, where a pooler may lend another
    server to each transaction, in each transaction that writes.
    """

    def __init__(
        self, primary: Target, replicas: Sequence[Target], access: Access, settings: Settings, recorder: Recorder,
        next_user: Callable[[], int], *, pipeline: bool,
    ) -> None:  # fmt: skip
        found = access.found or DetectedPooler("none", prepared=True)
        self._recorder = recorder
        self._next_user = next_user
        self._every = access.reconnect_every
        self._endpoints = [
            Endpoint(_opener(target, found, settings, pipeline=pipeline), partial(_require, target), recorder.access)
            for target in (primary, *replicas)
        ]
        size = access.pool
        self._pools = [] if size is None else [Pool(endpoint, size, self._every) for endpoint in self._endpoints]
        self._routing = (
            Routing(access.read_policy, access.own_writes, len(replicas), recorder.access) if replicas else None
        )

    def sessions(self, rng: random.Random) -> Sessions:
        """Those of one more user."""
        rest = (self._recorder, rng, self._next_user)
        if self._routing is None and not self._pools and self._every is None:
            return OwnSession(self._endpoints[0], *rest)
        sources: Sequence[Source] = self._pools or [Own(endpoint, self._every) for endpoint in self._endpoints]
        if self._routing is None:
            return OneServer(sources[0], *rest)
        return Routed(sources[0], sources[1:], self._routing, *rest)

    def end(self) -> None:
        """All users have ended: close what they shared."""
        for pool in self._pools:
            pool.end()


def _require(target: Target, connection: Connection) -> None:
    """Ask where a connection leads. Raises DatabaseError (GUARD_REFUSED) if that is not where it must."""
    if target.identity is None:
        return

    def query(sql: bytes) -> Sequence[str | None] | None:
        try:
            return connection.row(sql)
        except DatabaseError as error:
            if error.sqlstate in REFUSED:
                return None
            raise

    try:
        target.require(read_identity(query, with_mark=target.identity.marked_at_us is not None))
    except GuardRefusal as error:
        raise DatabaseError(GUARD_REFUSED, str(error)) from error


def _opener(target: Target, found: DetectedPooler, settings: Settings, *, pipeline: bool) -> Callable[[], Connection]:
    conninfo, connect = _connector(target, found, settings, pipeline=pipeline)
    return lambda: connect(with_addresses(conninfo))


def _connector(
    target: Target, found: DetectedPooler, settings: Settings, *, pipeline: bool
) -> tuple[str, Callable[[str], Connection]]:
    """Where to connect, and how."""
    conninfo = make_conninfo(target.conninfo, application_name="loadgen")
    if target.password is not None:
        conninfo = make_conninfo(conninfo, password=target.password)
    if found.mode == "transaction":
        return conninfo, partial(
            TransactionPooled,
            settings=settings.as_sql,
            requirement=None if target.identity is None else requirement(target.identity),
            prepared=found.prepared,
            pipeline=pipeline,
        )
    if found.mode == "session":
        # Poolers refuse options at startup; what is set by command ends with the session, as they reset it.
        return conninfo, partial(Connection, settings=settings.as_sql, pipeline=pipeline)
    options = [str(conninfo_to_dict(conninfo).get("options") or "")]
    options += [f"-c {name}={value}" for name, value in settings.as_sql.items()]
    return make_conninfo(conninfo, options=" ".join(options).strip()), partial(Connection, pipeline=pipeline)
