"""Open load: arrivals come at scheduled times, and an idle connection takes the next.

The schedule does not depend on the server. An arrival that finds every connection busy waits its turn and is sent
late, but keeps its intended time, so that lag and response include the wait, as in wrk2 and pgbench -R. Timing from
the moment of sending instead would be coordinated omission.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import gevent
import greenlet

from loadgen.engine.pacing.alarm import Alarm, make_alarm


class Arrival(NamedTuple):
    """An arrival that a connection has taken; both times on the monotonic clock."""

    intended: float
    ready: float
    """Time from which it was due and a connection was free: sending it later is the generator's own lag."""


@dataclass(slots=True, eq=False)
class _Idle:
    greenlet: greenlet.greenlet
    turn: Arrival | None = None
    called: bool = False


class Dispatcher:
    """Hands arrivals to the greenlets of one hub, in order, each at its time or as soon as a greenlet is free."""

    def __init__(self, make: Callable[[Callable[[], None]], Alarm] = make_alarm) -> None:
        self._hub = gevent.get_hub()
        self._alarm = make(self._ring)
        self._idle: deque[_Idle] = deque()
        self._ahead: deque[float] = deque()
        self._source: Iterator[float] | None = None
        self._ends = math.inf

    @property
    def idle(self) -> int:
        """Number of connections that wait for an arrival."""
        return len(self._idle)

    def begin(self, arrivals: Iterator[float]) -> None:
        """Start to hand out ``arrivals``, ascending times on the monotonic clock."""
        self._source = arrivals
        self._alarm.set(time.monotonic())

    def end(self, at: float) -> None:
        """Drop arrivals meant for ``at`` or later."""
        self._ends = min(self._ends, at)
        if self._source is None:
            self._source = iter(())
        self._alarm.set(time.monotonic())

    def close(self) -> None:
        """Stop handing out arrivals."""
        self._alarm.close()

    def take(self) -> Arrival | None:
        """Wait for the next arrival and take it; None once there is no other."""
        now = time.monotonic()
        intended = self._next()
        if intended <= now:
            self._ahead.popleft()
            # If other connections are idle as well, the alarm is late, and no connection was missing.
            return Arrival(intended, intended if self._idle else now)
        if self._source is not None and intended == math.inf:
            return None
        idle = _Idle(greenlet.getcurrent())
        self._idle.append(idle)
        if len(self._idle) == 1 and intended < math.inf:
            self._alarm.set(intended)
        try:
            while not idle.called:
                self._hub.switch()
        finally:
            if not idle.called:  # the greenlet was killed
                self._idle.remove(idle)
        return idle.turn

    def backlog(self, now: float) -> int:
        """Number of arrivals that are due and that no connection has taken."""
        while (not self._ahead or self._ahead[-1] <= now) and self._draw():
            pass
        return len(self._ahead) - (1 if self._ahead and self._ahead[-1] > now else 0)

    def rest(self) -> Iterator[float]:
        """Take the arrivals that no connection took."""
        while self._next() < math.inf:
            yield self._ahead.popleft()

    def _next(self) -> float:
        """Time of the next arrival; infinite when there is none."""
        if not self._ahead and not self._draw():
            return math.inf
        if self._ahead[0] >= self._ends:
            self._ahead.clear()
            return math.inf
        return self._ahead[0]

    def _draw(self) -> bool:
        """Draw one more arrival; False where there is none."""
        if self._source is None:
            return False
        at = next(self._source, math.inf)
        if at >= self._ends:
            return False
        self._ahead.append(at)
        return True

    def _ring(self) -> None:
        """Wake an idle connection for each arrival that is due, then set the alarm to the next; called by the hub."""
        while self._idle:
            intended = self._next()
            if intended == math.inf:
                self._call(None)
            elif intended <= time.monotonic():
                self._ahead.popleft()
                self._call(Arrival(intended, intended))
            else:
                self._alarm.set(intended)
                return

    def _call(self, turn: Arrival | None) -> None:
        idle = self._idle.popleft()
        idle.turn = turn
        idle.called = True
        idle.greenlet.switch()
