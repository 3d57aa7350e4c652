"""A user's access to the servers: takes a connection for each transaction, and gives it back once recorded."""

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
    """Source of a user's connections. Between :meth:`take` and :meth:`give` lies one transaction."""

    def warm(self) -> None:
        """Connect before the first transaction. Raises DatabaseError."""

    def take(self, plan: Plan) -> Worker:
        """Take a worker for a transaction. May wait. Raises DatabaseError where there is no connection."""

    def give(self, plan: Plan, *, committed: bool) -> bool:
        """Give the worker back after recording; returns False where its connection broke, or there was none."""

    def close(self) -> None:
        """Close the sessions of a user that has ended."""


class OwnSession:
    """Sends all transactions to one server, over one session of the user."""

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
        if committed:  # a commit proves it alive
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
    """Sends all transactions to one server, over connections of a source."""

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
        if self._connection is not None:  # the user was killed in a transaction
            self._source.give(self._connection)
            self._connection = None
        self._source.close()
        self._worker = None


class Routed:
    """Sends transactions that write to the primary, and read-only ones where the routing says."""

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
        """See :class:`Sessions`. The first read detects a replica that cannot be reached."""
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
        # A replica refuses serializable transactions.
        if not plan.writes and plan.transaction.isolation != "serializable":
            server = self._routing.choose(users)
            # Before the read: later writes of other sessions for them do not count.
            self._wanted = self._routing.written(users)
            if server != PRIMARY and not self._readable(server):
                server = PRIMARY
        connection = self._connection or self._take_from(PRIMARY)
        if not plan.writes:
            self._routing.begins(server)
            self._counted = True
        return Worker(connection, self._recorder, self._rng, iter(users).__next__)

    def give(self, plan: Plan, *, committed: bool) -> bool:
        """See :class:`Sessions`. Queries the WAL position after a write, and after a read that may have been stale."""
        if self._counted:
            self._routing.ends(self._server)
            self._counted = False
        connection = self._connection
        if connection is None:
            return False
        usable = connection.usable
        if usable and committed:
            with contextlib.suppress(DatabaseError):  # the next transaction on it will fail
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
        """Take a replica's connection, if it can be reached and has replayed these users' writes."""
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
