"""A user's way to the servers: takes a connection for each transaction, and gives it back when that is recorded."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from loadgen.engine.client import Connection
from loadgen.engine.failures import DatabaseError
from loadgen.engine.pooling import Endpoint, Source
from loadgen.engine.routing import PRIMARY, Routing
from loadgen.engine.transactions import Plan, Worker

if TYPE_CHECKING:
    from loadgen.engine.recording.recorder import Recorder


class Sessions(Protocol):
    """What a user asks for connections. Between :meth:`take` and :meth:`give` lies one transaction."""

    def warm(self) -> None:
        """Connect before the first transaction. Raises DatabaseError."""

    def take(self, plan: Plan) -> Worker:
        """What the transaction is carried out with. May wait. Raises DatabaseError where there is no connection."""

    def give(self, plan: Plan, *, committed: bool) -> bool:
        """The transaction has ended and is recorded; False where its connection broke, or there was none."""

    def close(self) -> None:
        """The user has ended."""


class OwnSession:
    """All transactions go to one server, over a session that is the user's for good: there is nothing to hand over."""

    def __init__(
        self, endpoint: Endpoint, recorder: Recorder, rng: random.Random, next_user: Callable[[], int]
    ) -> None:
        self._endpoint = endpoint
        self._worker: Worker | None = None
        self._rest = (recorder, rng, next_user)

    def warm(self) -> None:
        """See :class:`Sessions`."""
        if self._worker is None:
            self._open()

    def take(self, plan: Plan) -> Worker:
        """See :class:`Sessions`."""
        return self._worker or self._open()

    def give(self, plan: Plan, *, committed: bool) -> bool:
        """See :class:`Sessions`."""
        if committed:  # so it has just answered
            return True
        if self._worker is not None and self._worker.connection.usable:
            return True
        self.close()
        return False

    def close(self) -> None:
        """See :class:`Sessions`."""
        if self._worker is not None:
            self._worker.connection.close()
            self._worker = None

    def _open(self) -> Worker:
        self._worker = Worker(self._endpoint.open(), *self._rest)
        return self._worker


class OneServer:
    """All transactions go to one server, over connections of a source."""

    def __init__(self, source: Source, recorder: Recorder, rng: random.Random, next_user: Callable[[], int]) -> None:
        self._source = source
        self._connection: Connection | None = None
        self._worker: Worker | None = None
        self._rest = (recorder, rng, next_user)

    def warm(self) -> None:
        """See :class:`Sessions`."""
        self._source.warm()

    def take(self, plan: Plan) -> Worker:
        """See :class:`Sessions`."""
        connection = self._connection = self._source.take()
        worker = self._worker
        if worker is None or worker.connection is not connection:
            worker = self._worker = Worker(connection, *self._rest)
        return worker

    def give(self, plan: Plan, *, committed: bool) -> bool:
        """See :class:`Sessions`."""
        connection = self._connection
        if connection is None:
            return False
        self._connection = None
        usable = connection.usable
        self._source.give(connection)
        return usable

    def close(self) -> None:
        """See :class:`Sessions`."""
        if self._connection is not None:  # killed in a transaction
            self._source.give(self._connection)
            self._connection = None
        self._source.close()
        self._worker = None


class Routed:
    """Transactions that write go to the primary, those that only read where the routing says."""

    def __init__(
        self,
        primary: Source,
        replicas: Sequence[Source],
        routing: Routing,
        recorder: Recorder,
        rng: random.Random,
        next_user: Callable[[], int],
    ) -> None:
        self._sources = {PRIMARY: primary, **dict(enumerate(replicas))}
        self._routing = routing
        self._next_user = next_user
        self._recorder, self._rng = recorder, rng
        self._connection: Connection | None = None
        self._server = PRIMARY
        self._users: list[int] = []
        self._wanted = 0
        self._counted = False

    def warm(self) -> None:
        """See :class:`Sessions`. A replica that is not there is found out by the first read."""
        self._sources[PRIMARY].warm()
        for server, source in self._sources.items():
            if server != PRIMARY:
                with contextlib.suppress(DatabaseError):
                    source.warm()

    def take(self, plan: Plan) -> Worker:
        """See :class:`Sessions`."""
        users = self._users = [self._next_user() for _ in range(plan.transaction.repeat)]
        self._counted = False
        server = PRIMARY
        # A replica cannot promise serialisable reads, and refuses them.
        if not plan.writes and plan.transaction.isolation != "serializable":
            server = self._routing.choose(users)
            # Taken now: what another session writes for them from here on is not before this read.
            self._wanted = self._routing.written(users)
            if server != PRIMARY and not self._readable(server):
                server = PRIMARY
        connection = self._connection or self._take_from(PRIMARY)
        if not plan.writes:
            self._routing.begins(server)
            self._counted = True
        return Worker(connection, self._recorder, self._rng, iter(users).__next__)

    def give(self, plan: Plan, *, committed: bool) -> bool:
        """See :class:`Sessions`. Asks how far the log is, after a write and after a read that may have been stale."""
        if self._counted:
            self._routing.ends(self._server)
            self._counted = False
        connection = self._connection
        if connection is None:
            return False
        usable = connection.usable
        if usable and committed:
            with contextlib.suppress(DatabaseError):  # the next transaction on it will say so
                if plan.writes:
                    self._routing.wrote(self._users, connection)
                elif self._server != PRIMARY:
                    self._routing.read(self._server, self._wanted, connection)
        self._give_back()
        return usable

    def close(self) -> None:
        """See :class:`Sessions`."""
        if self._counted:
            self._routing.ends(self._server)
            self._counted = False
        self._give_back()
        for source in self._sources.values():
            source.close()

    def _readable(self, server: int) -> bool:
        """Take a replica's connection, if it can be reached and has what these users wrote."""
        try:
            connection = self._take_from(server)
            if self._routing.own_writes.kind != "lsn" or self._routing.has_replayed(server, self._wanted, connection):
                return True
        except DatabaseError:
            self._routing.not_reached(server)
        self._give_back()
        return False

    def _take_from(self, server: int) -> Connection:
        self._server = server
        self._connection = self._sources[server].take()
        return self._connection

    def _give_back(self) -> None:
        if self._connection is not None:
            self._sources[self._server].give(self._connection)
            self._connection = None
