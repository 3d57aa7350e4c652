"""Child processes of a load generator: start one, exchange lines of JSON with it, end it without leftovers."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson
from pydantic import TypeAdapter

from loadgen import interrupts
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, UsageError
from loadgen.runs.control import Command, Event, Failed

START_TIMEOUT_S: Final = 60.0
GRACE_S: Final = 30.0
"""Time that a run may take beyond its schedule before its child counts as hung."""
POLL_S: Final = 0.1
"""Interval between checks for a signal that asks to end the run."""
ENDING_S: Final = 5.0
"""Longest wait from the end of a process's output to its exit."""


class Child:
    """One process of a load generator, and threads that pass its events on to ``inbox``, None at its end.

    ``environment`` tells it where to connect (see ``Target.environment``): no password is on a command line.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], inbox: Inbox) -> None:
        self._stderr: list[str] = []
        # A session of its own: Ctrl-C in the terminal reaches the parent only, which then asks the child to stop.
        with interrupts.deferred():
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            interrupts.register(self.kill)
        self._readers = [
            threading.Thread(target=self._hear, args=(inbox,), daemon=True),
            threading.Thread(target=self._keep_errors, daemon=True),
        ]
        for thread in self._readers:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def was_killed(self) -> bool:
        """True if a signal ended the process."""
        return (self._process.poll() or 0) < 0

    def tell(self, command: Command) -> None:
        """Send one line. A dead child is noticed by the end of its output."""
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(orjson.dumps(command) + b"\n")
            self._process.stdin.flush()

    def let_go(self) -> None:
        """Ask the process to end by closing its input."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def close(self) -> None:
        """End the process: kill it if it does not stop in time when its input ends, or at an interrupt."""
        with interrupts.deferred():
            self.let_go()
            try:
                with interrupts.allowed():
                    self._process.wait(GRACE_S)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                self.kill()
            interrupts.unregister(self.kill)
            for thread in self._readers:
                thread.join(1.0)
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):  # unsent input of a process that died
                        stream.close()

    def kill(self) -> None:
        """Kill the process; the server cancels its statements when it notices."""
        self._process.kill()
        self._process.wait()

    @property
    def words(self) -> list[str]:
        """The last lines that the process wrote to stderr."""
        return self._stderr

    def ending(self) -> str | None:
        """How the process ended after its output did: a signal, or an exit code with its last line; None if orderly."""
        try:
            code = self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            return "closed its output but still runs"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}{self.why()}" if code else None

    def why(self) -> str:
        """The last line of stderr as a suffix of a message; empty when there is none."""
        self._readers[1].join(1.0)
        return f": {self._stderr[-1]}" if self._stderr else ""

    def _hear(self, inbox: Inbox) -> None:
        read: Callable[[bytes], Event] = TypeAdapter[Event](Event).validate_json
        assert self._process.stdout is not None
        for line in self._process.stdout:
            inbox.put((self, read(line)))
        inbox.put((self, None))

    def _keep_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._stderr = [*self._stderr[-19:], line.decode(errors="replace").rstrip()]


Inbox = queue.Queue[tuple[Child, Event | None]]


def next_event(inbox: Inbox, timeout_s: float, *, stopping: bool = False) -> tuple[Child, Event | None]:
    """Wait for the next event of any child; raises Empty after ``timeout_s``.

    Raises KeyboardInterrupt where a signal asks to stop, unless ``stopping`` already: between two reads of the inbox,
    since one raised by a handler could lose an event (``interrupts.finishing``).
    """
    deadline = time.monotonic() + timeout_s
    while stopping or not interrupts.received():
        left_s = deadline - time.monotonic()
        try:
            return inbox.get(timeout=max(min(left_s, POLL_S), 0.0))
        except queue.Empty:
            if left_s <= POLL_S:
                raise
    raise KeyboardInterrupt


def close_all(children: Sequence[Child]) -> None:
    """End several children, which stop at the same time."""
    with interrupts.deferred():
        for child in children:
            child.let_go()
        for child in children:
            child.close()


def as_error(failed: Failed) -> LoadgenError:
    """Convert a child's error to one of the parent's, with the same exit code."""
    for kind in (UsageError, EnvironmentFault):
        if kind.exit_code == failed.exit_code:
            return kind(failed.message)
    error = LoadgenError(failed.message)
    error.exit_code = ExitCode(failed.exit_code)
    return error
