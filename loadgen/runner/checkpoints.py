"""Checkpoints inside a short window of writes: without any, the cost of full-page images is left out of the result."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Final, Self

from psycopg import Connection, Error

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import LoadgenError
from loadgen.observe.checkpoint import force_checkpoint
from loadgen.observe.following import STOP_S, join_or_cancel

PLACES: Final = (0.25, 0.75)
"""Shares of the window at which checkpoints begin: two, so that pages are written in full twice, as in a long run."""


class ForcedCheckpoints:
    """A thread that asks for checkpoints while a run goes on; ``forced`` counts those that ended. A context manager."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self.forced = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stopping.set()
        if self._thread is not None:
            join_or_cancel(self._thread, lambda: self._connection, STOP_S)

    def spread_over(self, window_s: float) -> None:
        """Start the checkpoints of a window that begins now; none if it spans two timed ones anyway."""
        self._thread = threading.Thread(target=self._run, args=(window_s,), name="loadgen checkpoints", daemon=True)
        self._thread.start()

    def _run(self, window_s: float) -> None:
        # The server may be away, or the role may lack the right: the record's count of checkpoints then shows it.
        with contextlib.suppress(LoadgenError, Error), connect(self._target, autocommit=True) as connection:
            self._connection = connection
            if window_s >= len(PLACES) * _checkpoint_timeout_s(connection):
                return
            for previous, place in zip((0.0, *PLACES), PLACES, strict=False):
                if self._stopping.wait((place - previous) * window_s) or not force_checkpoint(connection):
                    return
                self.forced += 1


def _checkpoint_timeout_s(connection: Connection) -> float:
    row = connection.execute("SELECT setting FROM pg_settings WHERE name = 'checkpoint_timeout'").fetchone()
    return float(row[0]) if row else 0.0
