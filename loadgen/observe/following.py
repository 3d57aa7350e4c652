"""A thread that looks at a server again and again, whatever becomes of the server meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final

import psycopg

from loadgen.database.connect import Target, connect
from loadgen.errors import LoadgenError
from loadgen.observe.queries import Connection

INTERVAL_S: Final = 1.0
STOP_S: Final = 5.0
"""How long a server that does not answer may hold up the end of a run."""


class Follower:
    """Looks at ``target`` each ``interval_s`` from :meth:`start` to :meth:`stop`, a last time then.

    ``begin`` is called with each new connection, and returns what looks. An error of the server in either is a gap: a
    new connection is tried until it answers again. ``ended`` is called in the thread when all is over.
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
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look a last time and end; a server that does not answer is not waited for longer than a few seconds."""
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

    def _run(self) -> None:
        try:
            while True:
                # An error is a gap in what is seen: the run must not end because of it.
                with (
                    contextlib.suppress(LoadgenError, psycopg.Error),
                    connect(self._target, autocommit=True, application_name=self._name) as connection,
                ):
                    self._connection = connection
                    self._follow(self._begin(connection))
                self._connection = None
                if self._stopping.wait(self._interval_s):
                    return
        finally:
            self._ended()

    def _follow(self, look: Callable[[], None]) -> None:
        """Look until stopped, one last time then; on a grid of whole intervals, so that errors do not add up."""
        due = time.monotonic()
        last = False
        while not last:
            last = self._stopping.is_set()
            look()
            due = max(due + self._interval_s, time.monotonic())
            if not last:
                self._stopping.wait(due - time.monotonic())
