"""Interruptions: SIGINT, SIGTERM or SIGHUP end a command in order, at whatever moment they come.

Within :func:`interruptible` a signal raises KeyboardInterrupt, except in a :func:`deferred` section, whose end it waits
for. Foreign code can swallow an exception or raise another in its place (imports, extensions, ``__del__``): so
:func:`received` decides how the command ended, and KeyboardInterrupt is raised again until it is handled. Register a
:func:`cleanup` for what a command must not leave behind: it runs at the end of the command even if an interrupt hit the
code that should have run it. Before a command begins there is nothing to keep, and a signal ends the process at once.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time

TYPE_CHECKING = False  # not from typing, whose import takes 8 ms in which no signal would be handled
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Final, NoReturn, TypeVar

    T = TypeVar("T")

EXIT_CODE: Final = 130
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_S: Final = 0.2
_PATIENCE_S: Final = 60.0
"""Time in s after which work that a signal should have ended counts as hung (assumption: longer than the drain of a run
and the grace for its processes). One more signal then interrupts it, even in a deferred section."""


class _State:
    """Interruption state of this process; used by the main thread alone, in which Python calls signal handlers."""

    def __init__(self) -> None:
        self.received_at: float | None = None
        self.raised = False
        self.acknowledged = False
        self.begun = False
        self.depth = 0
        self.note = ""
        self.terminals: tuple[int, ...] = ()
        self.cleanups: list[Callable[[], object]] = []
        self.say_at_once: Callable[[], None] = lambda: None


_state: Final = _State()


def install(at_once: Callable[[], None]) -> None:
    """Install the signal handlers, except for signals that the process was started to ignore (nohup).

    Call this first in a process. ``at_once`` reports an interruption before the command begins.
    """
    _state.say_at_once = at_once
    _state.terminals = tuple(number for number in (1, 2) if os.isatty(number))
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _on_signal)
    signal.signal(signal.SIGALRM, _on_alarm)
    atexit.register(_ignore)  # first, and so called last
    shown = sys.unraisablehook
    sys.unraisablehook = lambda it: None if received() and it.exc_type is KeyboardInterrupt else shown(it)


def received() -> bool:
    """Return whether a signal asked this process to end."""
    return _state.received_at is not None


def interruptible(work: Callable[[], T]) -> T:
    """Call ``work``: within it, and nowhere else, a signal raises KeyboardInterrupt."""
    _state.begun = True
    return work()


def acknowledge() -> None:
    """Acknowledge a signal: KeyboardInterrupt is not raised again, so that the command can end in order."""
    _state.acknowledged = True
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """A section that a signal does not interrupt. No effect in other threads, which receive none."""
    with _depth(+1):
        yield


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """A wait within a deferred section that a signal may interrupt."""
    with _depth(None):
        if received() and not _state.raised:
            _deliver(sys._getframe())
        yield


@contextlib.contextmanager
def finishing() -> Iterator[None]:
    """A deferred section that checks :func:`received` itself; a signal is not raised after it either."""
    with deferred():
        yield
        if received():
            acknowledge()


@contextlib.contextmanager
def cleanup(action: Callable[[], object]) -> Iterator[None]:
    """Run ``action`` once at the end of the block, whatever ends it."""
    register(action)
    try:
        yield
    finally:
        with deferred():
            unregister(action)
            action()


def register(action: Callable[[], object]) -> None:
    """Run ``action`` when the command ends, unless it is unregistered before."""
    _state.cleanups.append(action)


def unregister(action: Callable[[], object]) -> None:
    """Remove a registered action."""
    with contextlib.suppress(ValueError):
        _state.cleanups.remove(action)


def clean_up() -> None:
    """Run the registered actions, the latest first."""
    while _state.cleanups:
        with contextlib.suppress(Exception):  # a failure (the server is gone) must not prevent the other actions
            _state.cleanups.pop()()


def note(text: str) -> None:
    """Set the text after "interrupted" in the message of an interruption from now on, such as the record's path."""
    _state.note = text


def line() -> str:
    """Message of an interrupted command, one line."""
    return f"interrupted; {_state.note}" if _state.note else "interrupted"


def leave() -> NoReturn:
    """End this process with the exit code of an interruption, without waiting for threads."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(EXIT_CODE)


@contextlib.contextmanager
def _depth(change: int | None) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _state.depth
    _state.depth = before + change if change else 0
    try:
        yield
    finally:
        _state.depth = before
        if change and received() and not _state.raised:
            _deliver(sys._getframe())


def _ignore() -> None:
    """Ignore signals: Python is about to drop its handlers, and one more would kill a command that is through."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _on_signal(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _state.received_at is None:
        _state.received_at = now
    if number == signal.SIGHUP:  # the terminal is gone: each line to it would be an error
        for terminal in _state.terminals:
            os.dup2(os.open(os.devnull, os.O_WRONLY), terminal)
    _deliver(frame, hangs=now - _state.received_at > _PATIENCE_S)


def _on_alarm(number: int, frame: FrameType | None) -> None:
    if not _state.depth:
        _deliver(frame)


def _deliver(frame: FrameType | None, *, hangs: bool = False) -> None:
    """Raise KeyboardInterrupt for a signal unless it must wait; always if the command ``hangs``."""
    if not _state.begun:
        if not _state.depth:
            _state.say_at_once()
            clean_up()
            leave()
    elif not _is_interruptible(frame):
        if hangs:
            os._exit(EXIT_CODE)
    elif hangs or not (_state.depth or _state.acknowledged or (_state.raised and sys.exception() is not None)):
        # While another exception is handled, KeyboardInterrupt or its replacement is still propagating.
        _state.raised = True
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
        raise KeyboardInterrupt


def _is_interruptible(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not interruptible.__code__:
        frame = frame.f_back
    return frame is not None
