"""Sources of connections for transactions: the user's own session, or a pool that the users of a process share.

Either gives a connection for a transaction and takes it back, and may replace it after a number of transactions:
serverless functions without a pooler open one for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from gevent.lock import Semaphore

from loadgen.engine.client import Connection
from loadgen.engine.recording.access_counts import AccessCounts


class Endpoint:
    """One server as used by the users of a process. ``connect`` opens a connection or raises DatabaseError.

    ``guard`` raises it for a connection that leads to another database than the load's.
    """

    def __init__(
        self, connect: Callable[[], Connection], guard: Callable[[Connection], None], counts: AccessCounts
    ) -> None:
        self._connect = connect
        self._guard = guard
        self.counts = counts

    def open(self) -> Connection:
        """Open another connection, recording the time to connect without the guard's check."""
        began = time.monotonic()
        connection = self._connect()
        self.counts.connected(time.monotonic() - began)
        try:
            self._guard(connection)
        except BaseException:
            connection.close()
            raise
        return connection


class Source(Protocol):
    """Gives connections to one server, each for one transaction."""

    def warm(self) -> None:
        """Connect before the first transaction. Raises DatabaseError."""

    def take(self) -> Connection:
        """Take an idle connection, wait for one, or open one. Raises DatabaseError where none can be opened."""

    def give(self, connection: Connection) -> None:
        """Give a connection back, broken or not."""

    def close(self) -> None:
        """End one user's need of connections."""


class Unpooled:
    """A user's own session, closed after ``every`` transactions; the next one connects again."""

    def __init__(self, endpoint: Endpoint, every: int | None = None) -> None:
        self._endpoint = endpoint
        self._every = every
        self._connection: Connection | None = None
        self._carried = 0

    def warm(self) -> None:
        """See :class:`Source`; does nothing where connections are replaced."""
        if self._connection is None and self._every is None:
            self._open()

    def take(self) -> Connection:
        """See :class:`Source`."""
        return self._connection or self._open()

    def give(self, connection: Connection) -> None:
        """See :class:`Source`."""
        self._carried += 1
        if not connection.usable or self._carried == self._every:
            self.close()

    def close(self) -> None:
        """See :class:`Source`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        self._connection = self._endpoint.open()
        self._carried = 0
        return self._connection


class Pool:
    """At most ``size`` connections for all users of a process, opened when needed, with a queue for users that wait.

    The connection that was used last is used next, as pools and poolers do, and broken ones are replaced. :meth:`end`
    closes the pool, not any of its users.
    """

    def __init__(self, endpoint: Endpoint, size: int, every: int | None = None) -> None:
        self._endpoint = endpoint
        self._every = every
        self._size = size
        self._free = Semaphore(size)
        self._idle: list[Connection] = []
        self._carried: dict[Connection, int] = {}
        self._ended = False

    def warm(self) -> None:
        """See :class:`Source`; opens one more connection, unless the pool is full."""
        if self._every is not None or len(self._carried) >= self._size or not self._free.acquire(blocking=False):
            return
        try:
            connection = self._open()
            self._idle.append(connection)
        finally:
            self._free.release()

    def take(self) -> Connection:
        """See :class:`Source`."""
        began = time.monotonic()
        self._free.acquire()
        self._endpoint.counts.pool_waited(time.monotonic() - began)
        try:
            return self._idle.pop() if self._idle else self._open()
        except BaseException:
            self._free.release()
            raise

    def give(self, connection: Connection) -> None:
        """See :class:`Source`."""
        carried = self._carried[connection] = self._carried[connection] + 1
        if self._ended or not connection.usable or carried == self._every:
            connection.close()
            del self._carried[connection]
        else:
            self._idle.append(connection)
        self._free.release()

    def close(self) -> None:
        """See :class:`Source`; keeps the connections, which others may need."""

    def end(self) -> None:
        """Close idle connections now, and those in use when they come back."""
        self._ended = True
        for connection in self._idle:
            connection.close()
            del self._carried[connection]
        self._idle.clear()

    def _open(self) -> Connection:
        connection = self._endpoint.open()
        self._carried[connection] = 0
        return connection
