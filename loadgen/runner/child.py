"""The parent's hold on one of its children: start it, speak lines of JSON with it, leave nothing behind."""

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
"""How much longer than its schedule a run may take before its child counts as hung."""
POLL_S: Final = 0.1
"""How often a run looks whether a signal asks it to end."""
ENDING_S: Final = 5.0
"""From a process's last output to its end, at most."""


class Child:
    """One process of a load generator, and threads that pass on what it says to ``inbox``, None at its end.

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
        """Whether a signal ended it."""
        return (self._process.poll() or 0) < 0

    def tell(self, command: Command) -> None:
        """Send one line. A dead child is noticed by the end of its output."""
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(orjson.dumps(command) + b"\n")
            self._process.stdin.flush()

    def let_go(self) -> None:
        """Ask it to end: it stops when its input ends."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def close(self) -> None:
        """End it: what does not stop when its input ends, or before an interrupt, is killed."""
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
                    with contextlib.suppress(OSError):  # what could not be said to one that died
                        stream.close()

    def kill(self) -> None:
        """End it at once; the server cancels what it was running when it notices."""
        self._process.kill()
        self._process.wait()

    @property
    def words(self) -> list[str]:
        """The last of what it said on stderr."""
        return self._stderr

    def ending(self) -> str | None:
        """How it ended, once its output has: the signal that killed it, or its last words. None: in good order."""
        try:
            code = self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            return "closed its output and lives on"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}{self.why()}" if code else None

    def why(self) -> str:
        """Its last words, to follow a message; empty when it had none."""
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
    """What is heard next; raises Empty where nothing is.

    Raises KeyboardInterrupt where a signal asks to stop, unless that is under way: between two looks at the inbox,
    since one that a handler raised could take an event with it (``interrupts.finishing``).
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
    """End several, which stop at the same time."""
    with interrupts.deferred():
        for child in children:
            child.let_go()
        for child in children:
            child.close()


def as_error(failed: Failed) -> LoadgenError:
    """The child's error as the parent's own, with the same exit code."""
    for kind in (UsageError, EnvironmentFault):
        if kind.exit_code == failed.exit_code:
            return kind(failed.message)
    error = LoadgenError(failed.message)
    error.exit_code = ExitCode(failed.exit_code)
    return error
