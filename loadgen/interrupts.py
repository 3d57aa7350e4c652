"""Interruptions: SIGINT, SIGTERM or SIGHUP end a command in order, at whatever moment they come.

Within :func:`interruptible` a signal raises KeyboardInterrupt, but not in a :func:`deferred` section, whose end it
waits for. Code of others can swallow an exception or raise another in its place (imports, extensions, ``__del__``): so
:func:`received` decides how the command ended, and KeyboardInterrupt is raised again until somebody handles it. What a
command must not leave behind is a :func:`cleanup`, carried out at its end even where an interrupt hit the code that
would have done it. Before a command begins, nothing is there to be kept, and the process ends at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time

TYPE_CHECKING = False  # as in typing, which takes 8 ms to import, in which no signal would be handled
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Final, NoReturn, TypeVar

    T = TypeVar("T")

EXIT_CODE: Final = 130
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_S: Final = 0.2
_PATIENCE_S: Final = 60.0
"""Longer than the drain of a run and the grace for its processes (assumption): what still goes on then hangs, and one
more signal breaks it, even in a deferred section."""


class _State:
    """Of this process; of the main thread alone, in which Python calls handlers."""

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
    """Take the signals over, but those that this process was started to ignore (nohup). First thing in a process.

    ``at_once`` says that the command was interrupted, should that be before it begins.
    """
    _state.say_at_once = at_once
    _state.terminals = tuple(number for number in (1, 2) if os.isatty(number))
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _on_signal)
    signal.signal(signal.SIGALRM, _on_alarm)
    shown = sys.unraisablehook
    sys.unraisablehook = lambda it: None if received() and it.exc_type is KeyboardInterrupt else shown(it)


def received() -> bool:
    """Whether a signal asked this process to end."""
    return _state.received_at is not None


def interruptible(work: Callable[[], T]) -> T:
    """Call ``work``: within it, and nowhere else, a signal raises KeyboardInterrupt."""
    _state.begun = True
    return work()


def acknowledge() -> None:
    """Go on to an end in order after a signal: nothing is raised any more."""
    _state.acknowledged = True
    signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """A section that is done whole: a signal waits until its end. Does nothing in other threads, which hear of none."""
    with _depth(+1):
        yield


@contextlib.contextmanager
def allowed() -> Iterator[None]:
    """A wait within a deferred section, which a signal ends."""
    with _depth(None):
        if received() and not _state.raised:
            _deliver(sys._getframe())
        yield


@contextlib.contextmanager
def finishing() -> Iterator[None]:
    """A deferred section that sees to a signal itself, by :func:`received`; none is raised after it either."""
    with deferred():
        yield
        if received():
            acknowledge()


@contextlib.contextmanager
def cleanup(action: Callable[[], object]) -> Iterator[None]:
    """Carry out ``action`` once at the end of the block, whatever ends it."""
    register(action)
    try:
        yield
    finally:
        with deferred():
            unregister(action)
            action()


def register(action: Callable[[], object]) -> None:
    """Have ``action`` carried out when the command ends, unless it is unregistered before."""
    _state.cleanups.append(action)


def unregister(action: Callable[[], object]) -> None:
    """Forget an action: what it would clear away is in order."""
    with contextlib.suppress(ValueError):
        _state.cleanups.remove(action)


def clean_up() -> None:
    """Carry out what is left to clear away, the latest first."""
    while _state.cleanups:
        with contextlib.suppress(Exception):  # one that fails (a server that is gone) must not keep the others
            _state.cleanups.pop()()


def note(text: str) -> None:
    """What to tell, after the word "interrupted", whoever interrupts from here on: where the record is, say."""
    _state.note = text


def line() -> str:
    """The one line that ends an interrupted command."""
    return f"interrupted; {_state.note}" if _state.note else "interrupted"


def leave() -> NoReturn:
    """End this process with the exit code of an interruption, waiting for no thread."""
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
    """Let a signal take effect, if this is a moment for it, or whatever ``hangs`` has had its time."""
    if not _state.begun:
        if not _state.depth:
            _state.say_at_once()
            clean_up()
            leave()
    elif not _is_interruptible(frame):
        if hangs:
            os._exit(EXIT_CODE)
    elif hangs or not (_state.depth or _state.acknowledged or (_state.raised and sys.exception() is not None)):
        # While an exception is handled, this one or what others made of it, it is on its way.
        _state.raised = True
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
        raise KeyboardInterrupt


def _is_interruptible(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not interruptible.__code__:
        frame = frame.f_back
    return frame is not None
