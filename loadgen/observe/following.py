"""A thread that polls a server, and reconnects when the server was away."""

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
from loadgen.observe.queries import Connection
from loadgen.observe.starts import History, Loss, Presence, Start
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/server.sql")

INTERVAL_S: Final = 1.0
STOP_S: Final = 5.0
"""Longest wait at the end of a run for a server that does not answer or is recovering."""
RETRY_S: Final = 0.2


class Follower:
    """Polls ``target`` each ``interval_s`` from :meth:`start` to :meth:`stop`, and a last time then.

    ``begin`` is called with each new connection and returns the function to poll with. An error of the server in either
    is a gap: the thread reconnects until the server answers. It calls ``ended`` when it ends.
    :attr:`history` has the starts of the server that answered, and when none did.
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
        self.may_read_start = True
        """True if this role may read when the server started."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Poll a last time and end, within a few seconds even if the server does not answer."""
        self._wait_until = time.monotonic() + STOP_S
        self._stopping.set()
        join_or_cancel(self._thread, lambda: self._connection, self._interval_s)

    @property
    def running(self) -> bool:
        """True if the thread runs, possibly after a :meth:`stop` that gave up waiting."""
        return self._thread.is_alive()

    @property
    def history(self) -> History:
        """Starts of the server that answered, and sessions lost, so far."""
        return History(tuple(self._presences), tuple(self._losses))

    def _run(self) -> None:
        try:
            last = False
            while not last:
                last = self._stopping.is_set()
                # An error is a gap in the samples: the run must not end because of it.
                try:
                    with connect(self._target, autocommit=True, application_name=self._name) as connection:
                        self._connection = connection
                        self._follow(connection, self._begin(connection))
                        return
                except (LoadgenError, psycopg.Error) as error:
                    self._losses.append(_loss(error))
                    if self._losses[-1].answered and self._stopping.is_set():
                        return  # the server is up; one that is away gets a last attempt
                    if last and _recovering(error) and time.monotonic() < self._wait_until:
                        last = False  # after its recovery it shows why it was away
                        time.sleep(RETRY_S)
                finally:
                    self._connection = None
                self._stopping.wait(self._interval_s)
        finally:
            self._ended()

    def _follow(self, connection: Connection, poll: Callable[[], None]) -> None:
        """Poll until stopped, and a last time then, on a grid of whole intervals so that delays do not add up."""
        due = time.monotonic()
        last = False
        while not last:
            last = self._stopping.is_set()
            self._read_start(connection)
            poll()
            due = max(due + self._interval_s, time.monotonic())
            if not last:
                self._stopping.wait(due - time.monotonic())

    def _read_start(self, connection: Connection) -> None:
        """Read the server's start at every poll: behind a pooler a session outlives the server."""
        if not self.may_read_start:
            return
        try:
            with connection.cursor(row_factory=class_row(Start)) as cursor:
                start = cursor.execute(_SQL["start"]).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            self.may_read_start = False
            return
        assert start is not None  # a SELECT without FROM has one row
        now = time.monotonic()
        if self._presences and self._presences[-1].start == start:
            self._presences[-1] = replace(self._presences[-1], until=now)
        else:
            self._presences.append(Presence(start, now, now))


def join_or_cancel(thread: threading.Thread, connection: Callable[[], Connection | None], patience_s: float) -> None:
    """Wait for a thread to end; after ``patience_s`` seconds cancel its query, and give it ``STOP_S`` more."""
    thread.join(patience_s)
    in_use = connection()
    if thread.is_alive() and in_use is not None:
        with contextlib.suppress(psycopg.Error):
            in_use.cancel_safe(timeout=STOP_S)
    thread.join(STOP_S)


def _recovering(error: LoadgenError | psycopg.Error) -> bool:
    """True if the postmaster refuses sessions until recovery has ended."""
    return "the database system is" in str(error if isinstance(error, psycopg.Error) else error.__cause__)


def _loss(error: LoadgenError | psycopg.Error) -> Loss:
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    words = str(error).strip().split("\n")[0]
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if state is not None:
        answered = not state.startswith(("08", "57P"))  # the connection broke, or the server shut down
    else:  # libpq gives no SQLSTATE for a failed connection
        answered = "FATAL:" in str(cause) and not _recovering(error)
    return Loss(time.monotonic(), words, answered)
