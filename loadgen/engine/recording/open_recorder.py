"""Recorder of an open load: counts each arrival in its intended second, whenever it was answered, if ever.

A stall of two seconds then shows in those two seconds, and percentiles of a window are those of all arrivals meant for
it. An arrival that was never sent, or not answered in time, is recorded by a lower bound of its response: censored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from loadgen.engine.recording.counts import Counts, Tally
from loadgen.engine.recording.recorder import Output, Recorder
from loadgen.runs import histogram, spool
from loadgen.runs.format.result import LATE_MS
from loadgen.runs.hlog import Measure
from loadgen.runs.spool import CENSORED

if TYPE_CHECKING:
    from loadgen.engine.failures import DatabaseError
    from loadgen.engine.pacing.dispatch import Arrival

_LATE_S: Final = LATE_MS / 1000


class _OpenTally(Tally):
    __slots__ = ("censored", "dropped", "ended", "failed", "late", "unfinished", "unsent", "waited")

    def __init__(self) -> None:
        super().__init__()
        self.censored = histogram.Recorder()
        self.ended = self.failed = self.late = self.waited = self.dropped = self.unsent = self.unfinished = 0

    def histograms(self) -> dict[Measure, histogram.Histogram]:
        censored = self.censored.take()
        return super().histograms() | ({CENSORED: censored} if censored.counts else {})

    def taken(self) -> spool.Tally:
        taken = super().taken()
        counted = spool.OpenTally(
            ended=self.ended,
            failed=self.failed,
            late=self.late,
            waited=self.waited,
            dropped=self.dropped,
            unsent=self.unsent,
            unfinished=self.unfinished,
        )
        return spool.Tally(taken.calls, taken.rows, taken.errors, taken.histograms, counted)


_Tallies = defaultdict[str, _OpenTally]


class OpenRecorder(Recorder):
    """Counts arrivals by intended second, but statements, retries and the hub's lag by the current one."""

    def __init__(self, output: Output | None = None, ahead_s: float = 0.0) -> None:
        self._by_intended = _by_second()
        self._own_lag = histogram.Recorder()
        self._backlog = self._backlog_most = 0
        super().__init__(output, ahead_s)

    def arrival(
        self, name: str, turn: Arrival, sent: float, answered: float, rows: int, failure: DatabaseError | None
    ) -> None:
        """Record an arrival that was answered."""
        if answered >= self._ends:
            self._roll(answered)
        tally = self._of(name, turn.intended)
        tally.rows += rows
        self._count(name, tally, turn.intended, sent, answered, failure)
        tally.late += sent - turn.intended > _LATE_S
        tally.waited += turn.ready > turn.intended
        self._own_lag.record_us(round((sent - turn.ready) * 1e6))
        now = self._by_intended[self._at][name]
        now.ended += 1
        now.failed += failure is not None

    def dropped(self, name: str, intended: float, now: float) -> None:
        """Record an arrival that was past the late limit, and not sent."""
        self._roll(now)
        tally = self._of(name, intended)
        tally.dropped += 1
        self._never_sent(tally, now - intended)

    def unsent(self, name: str, intended: float, now: float) -> None:
        """Record an arrival that still waited when the drain ended."""
        tally = self._of(name, intended)
        tally.unsent += 1
        self._never_sent(tally, now - intended)

    def unfinished(self, name: str, intended: float, sent: float, now: float) -> None:
        """Record an arrival that was sent, and not answered when the drain ended."""
        tally = self._of(name, intended)
        tally.unfinished += 1
        tally.late += sent - intended > _LATE_S
        tally.lag.record_us(round((sent - intended) * 1e6))
        self._censor(tally, now - intended)

    def backlog(self, waiting: int) -> None:
        """Record how many arrivals are due that no connection has taken."""
        self._backlog = waiting
        self._backlog_most = max(self._backlog_most, waiting)

    def _of(self, name: str, intended: float) -> _OpenTally:
        return self._by_intended[float(int(intended - self._ahead_s))][name]

    def _never_sent(self, tally: _OpenTally, waited_s: float) -> None:
        tally.late += 1
        tally.lag.record_us(round(waited_s * 1e6))
        self._censor(tally, waited_s)

    def _censor(self, tally: _OpenTally, at_least_s: float) -> None:
        us = round(at_least_s * 1e6)
        tally.response.record_us(us)
        tally.censored.record_us(us)

    def _close_second(self) -> Iterator[None]:
        by_intended, self._by_intended = self._by_intended, _by_second()
        return self._write_all_seconds(self._counts, self._take_second(), by_intended)

    def _write_all_seconds(
        self, counts: Counts, second: spool.Second, by_intended: dict[float, _Tallies]
    ) -> Iterator[None]:
        yield from counts.waiting()
        yield from self._write(second, by_intended.pop(second.at, {}), counts.statements)
        # Earlier seconds with answers since then; reading the spool merges them.
        for at, tallies in by_intended.items():
            yield from self._write(spool.Second(at, 0, 0, {}, {}, histogram.EMPTY), tallies, {})

    def _take_second(self) -> spool.Second:
        second = replace(
            super()._take_second(), own_lag=self._own_lag.take(), backlog=self._backlog_most, backlog_end=self._backlog
        )
        self._backlog_most = self._backlog
        return second


def _by_second() -> defaultdict[float, _Tallies]:
    return defaultdict(lambda: defaultdict(_OpenTally))
