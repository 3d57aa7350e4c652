"""A timer of gevent's hub that is late by microseconds, not by milliseconds.

libev hands its timers to epoll_wait, which takes whole milliseconds, rounded up: a sleeping greenlet wakes up
to 1 ms late by design. A timerfd is precise to the kernel's clock and becomes readable
like any socket. Spinning through the last millisecond would be as precise, for some ten times the CPU at 1,000 wakes a
second.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

import gevent

_ABSOLUTE: Final = 1
"""TFD_TIMER_ABSTIME."""
_FLAGS: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
"""TFD_NONBLOCK and TFD_CLOEXEC, which have the same values."""


class Alarm(Protocol):
    """Calls one function in the hub, once, at the time that was set last."""

    def set(self, at: float) -> None:
        """Ring at ``at`` on the monotonic clock, in seconds; at once if that has passed."""

    def close(self) -> None:
        """Cancel the alarm for good."""


def make_alarm(ring: Callable[[], None]) -> Alarm:
    """Make the most precise alarm of this system; ``ring`` must not block."""
    return TimerfdAlarm(ring) if sys.platform == "linux" else HubAlarm(ring)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class TimerfdAlarm:
    """Alarm by a timerfd on CLOCK_MONOTONIC, the clock of :func:`time.monotonic`."""

    def __init__(self, ring: Callable[[], None]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._fd = int(libc.timerfd_create(time.CLOCK_MONOTONIC, _FLAGS))
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._spec = _Itimerspec()
        self._pointer = ctypes.byref(self._spec)
        self._ring = ring
        self._readable = gevent.get_hub().loop.io(self._fd, 1)
        self._readable.start(self._rang)

    def set(self, at: float) -> None:
        """See :class:`Alarm`."""
        value = self._spec.value
        # A time of zero would disarm the timer. Setting it also clears an expiry that was not read.
        value.seconds, value.nanoseconds = divmod(max(int(at * 1e9), 1), 1_000_000_000)
        if self._settime(self._fd, _ABSOLUTE, self._pointer, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """See :class:`Alarm`."""
        self._readable.stop()
        self._readable.close()
        os.close(self._fd)

    def _rang(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # set again between the hub's poll and this call
        self._ring()


class HubAlarm:
    """Alarm by the hub's own timer, up to a millisecond late, for systems without timerfd."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = gevent.get_hub().loop
        self._ring = ring
        self._timer = self._loop.timer(0.0)

    def set(self, at: float) -> None:
        """See :class:`Alarm`."""
        self._timer.stop()
        self._timer.close()
        self._loop.update_now()  # a timer would otherwise count from the loop's last wake-up
        self._timer = self._loop.timer(max(at - time.monotonic(), 0.0))
        self._timer.start(self._ring)

    def close(self) -> None:
        """See :class:`Alarm`."""
        self._timer.stop()
        self._timer.close()
