"""Endpoints of one process: its servers, pools and routing, by a run's schedule."""

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
from loadgen.engine.pooling import Endpoint, Pool, Source, Unpooled
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
"""client_connection_check_interval: time after which the server ends a query whose client was killed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of every session: statement timeout, and the interval of the server's checks of its client."""

    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
    check_interval_ms: int | None = None

    @property
    def as_sql(self) -> dict[str, int]:
        settings = {"statement_timeout": self.statement_timeout_ms}
        if self.check_interval_ms is not None:
            settings["client_connection_check_interval"] = self.check_interval_ms
        return settings

    @staticmethod
    def supported_by(connection: psycopg.Connection) -> Settings:
        """Settings that this server supports: since 14 it checks its clients, where the system allows it."""
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(b"SET LOCAL client_connection_check_interval = %d" % CHECK_INTERVAL_MS)
        except psycopg.Error:
            return Settings()
        return Settings(check_interval_ms=CHECK_INTERVAL_MS)


class Endpoints:
    """Endpoints, pools and routing of one process in one run.

    The identity of a target is verified when a connection is opened and, where a pooler may choose another server for
    each transaction, in each transaction that writes.
    """

    def __init__(
        self, primary: Target, replicas: Sequence[Target], access: Access, settings: Settings, recorder: Recorder,
        next_user: Callable[[], int], *, pipeline: bool,
    ) -> None:  # fmt: skip
        pooler = access.found or DetectedPooler("none", prepared=True)
        self._recorder = recorder
        self._next_user = next_user
        self._every = access.reconnect_every
        self._endpoints = [
            Endpoint(_opener(target, pooler, settings, pipeline=pipeline), partial(_require, target), recorder.access)
            for target in (primary, *replicas)
        ]
        size = access.pool
        self._pools = [] if size is None else [Pool(endpoint, size, self._every) for endpoint in self._endpoints]
        self._routing = (
            Routing(access.read_policy, access.own_writes, len(replicas), recorder.access) if replicas else None
        )

    def sessions(self, rng: random.Random) -> Sessions:
        """Make the sessions of one more user."""
        shared = (self._recorder, rng, self._next_user)
        if self._routing is None and not self._pools and self._every is None:
            return OwnSession(self._endpoints[0], *shared)
        sources: Sequence[Source] = self._pools or [Unpooled(endpoint, self._every) for endpoint in self._endpoints]
        if self._routing is None:
            return OneServer(sources[0], *shared)
        return Routed(sources[0], sources[1:], self._routing, *shared)

    def end(self) -> None:
        """Close the pools after all users have ended."""
        for pool in self._pools:
            pool.end()


def _require(target: Target, connection: Connection) -> None:
    """Verify the identity of a connection's database. Raises DatabaseError (GUARD_REFUSED) for another."""
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


def _opener(target: Target, pooler: DetectedPooler, settings: Settings, *, pipeline: bool) -> Callable[[], Connection]:
    conninfo, connect = _connector(target, pooler, settings, pipeline=pipeline)
    return lambda: connect(with_addresses(conninfo))


def _connector(
    target: Target, pooler: DetectedPooler, settings: Settings, *, pipeline: bool
) -> tuple[str, Callable[[str], Connection]]:
    """Connection string and class of connection for a target."""
    conninfo = make_conninfo(target.conninfo, application_name="loadgen")
    if target.password is not None:
        conninfo = make_conninfo(conninfo, password=target.password)
    if pooler.mode == "transaction":
        return conninfo, partial(
            TransactionPooled,
            settings=settings.as_sql,
            requirement=None if target.identity is None else requirement(target.identity),
            prepared=pooler.prepared,
            pipeline=pipeline,
        )
    if pooler.mode == "session":
        # Poolers refuse options at startup. Settings by command end with the session, which poolers reset.
        return conninfo, partial(Connection, settings=settings.as_sql, pipeline=pipeline)
    options = [str(conninfo_to_dict(conninfo).get("options") or "")]
    options += [f"-c {name}={value}" for name, value in settings.as_sql.items()]
    return make_conninfo(conninfo, options=" ".join(options).strip()), partial(Connection, pipeline=pipeline)
