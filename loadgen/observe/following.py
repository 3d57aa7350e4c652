"""A thread that looks at a server again and again, whatever becomes of the server meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import psycopg
from psycopg.rows import class_row

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import LoadgenError
from loadgen.observe.queries import Connection, text
from loadgen.observe.starts import History, Loss, Presence, Start

INTERVAL_S: Final = 1.0
STOP_S: Final = 5.0
"""How long a server that does not answer, or that is recovering, may hold up the end of a run."""
RETRY_S: Final = 0.2


class Follower:
    """Looks at ``target`` each ``interval_s`` from :meth:`start` to :meth:`stop`, a last time then.

    ``begin`` is called with each new connection, and returns what looks. An error of the server in either is a gap: a
    new connection is tried until it answers again. ``ended`` is called in the thread when all is over.
    Which start of the server answered, and when none did, is :attr:`history`.
    """

    def __init__(
        self,
        target: Target,
        name: str,
        begin: Callable[[Connection], Callable[[], None]],
        *,
        interval_s: float = INTERVAL_S,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._target = target
        self._name = name
        self._begin = begin
        self._ended = ended
        self._interval_s = interval_s
        self._stopping = threading.Event()
        self._wait_until = 0.0
        self._connection: Connection | None = None
        self._presences: list[Presence] = []
        self._losses: list[Loss] = []
        self.starts_seen = True
        """Whether this role may see when the server started."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look a last time and end; a server that does not answer is not waited for longer than a few seconds."""
        self._wait_until = time.monotonic() + STOP_S
        self._stopping.set()
        self._thread.join(self._interval_s)
        connection = self._connection
        if self._thread.is_alive() and connection is not None:
            with contextlib.suppress(psycopg.Error):
                connection.cancel_safe(timeout=STOP_S)
        self._thread.join(STOP_S)

    @property
    def running(self) -> bool:
        """Whether the thread is at work, or was left behind by :meth:`stop`."""
        return self._thread.is_alive()

    @property
    def history(self) -> History:
        """Which start of the server answered when, and when none did, so far."""
        return History(tuple(self._presences), tuple(self._losses))

    def _run(self) -> None:
        try:
            last = False
            while not last:
                last = self._stopping.is_set()
                # An error is a gap in what is seen: the run must not end because of it.
                try:
                    with connect(self._target, autocommit=True, application_name=self._name) as connection:
                        self._connection = connection
                        self._follow(connection, self._begin(connection))
                        return
                except (LoadgenError, psycopg.Error) as error:
                    self._losses.append(_loss(error))
                    if self._losses[-1].answered and self._stopping.is_set():
                        return  # it is there: one that is not gets a last chance to show that it is back
                    if last and _recovering(error) and time.monotonic() < self._wait_until:
                        last = False  # it will be back in a moment, and then tells why it was away
                        time.sleep(RETRY_S)
                finally:
                    self._connection = None
                self._stopping.wait(self._interval_s)
        finally:
            self._ended()

    def _follow(self, connection: Connection, look: Callable[[], None]) -> None:
        """Look until stopped, one last time then; on a grid of whole intervals, so that errors do not add up."""
        due = time.monotonic()
        last = False
        while not last:
            last = self._stopping.is_set()
            self._see_start(connection)
            look()
            due = max(due + self._interval_s, time.monotonic())
            if not last:
                self._stopping.wait(due - time.monotonic())

    def _see_start(self, connection: Connection) -> None:
        """At every look, not only in a new session: behind a pooler a session outlives its server."""
        if not self.starts_seen:
            return
        try:
            with connection.cursor(row_factory=class_row(Start)) as cursor:
                start = cursor.execute(text("start")).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            self.starts_seen = False
            return
        assert start is not None  # a SELECT without FROM has one row
        now = time.monotonic()
        if self._presences and self._presences[-1].start == start:
            self._presences[-1] = replace(self._presences[-1], until=now)
        else:
            self._presences.append(Presence(start, now, now))


def _recovering(error: LoadgenError | psycopg.Error) -> bool:
    """Whether the postmaster is there and refuses sessions until recovery has ended."""
    return "the database system is" in str(error if isinstance(error, psycopg.Error) else error.__cause__)


def _loss(error: LoadgenError | psycopg.Error) -> Loss:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    words = str(error).strip().split("\n")[0]
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state is not None:
        answered = not state.startswith(("08", "57P"))  # a connection that broke, or was ended by the server's own end
    else:  # libpq tells of a failed connection in words alone
        answered = "FATAL:" in str(cause) and "the database system is" not in str(cause)
    return Loss(time.monotonic(), words, answered)
