"""The child's side of the record: what ended, second by second, written to the spool as each second closes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from loadgen.engine.access_counts import AccessCounts
from loadgen.engine.failures import DatabaseError
from loadgen.runs import histogram, spool
from loadgen.runs.hlog import Measure
from loadgen.runs.spool import LAG, RESPONSE, SERVICE

KEPT_IN_LATENCY: Final = frozenset({"40001", "40P01", "57014", "55P03"})
"""Failures after waiting on the server: retries exhausted, statement and lock timeouts. They stay in the latency, so
that failing cannot make a server look fast; a transaction that failed at once is an error and has no latency."""


class Output(Protocol):
    """Where lines go: a spool, or the wire to a master."""

    def write(self, line: bytes, /) -> object:
        """Keep one line, whole."""


def kept_in_latency(failure: DatabaseError) -> bool:
    """Whether a failed transaction has a latency."""
    return failure.sqlstate in KEPT_IN_LATENCY


class Tally:
    """Counts of one name within the current second."""

    __slots__ = ("calls", "errors", "lag", "response", "rows", "service")

    def __init__(self) -> None:
        self.calls = 0
        self.rows = 0
        self.errors: defaultdict[str, int] = defaultdict(int)
        self.service = histogram.Recorder()
        self.lag = histogram.Recorder()
        self.response = histogram.Recorder()

    def taken(self) -> spool.Tally:
        return spool.Tally(self.calls, self.rows, dict(self.errors), self.histograms())

    def histograms(self) -> dict[Measure, histogram.Histogram]:
        """Those that hold anything; they begin anew."""
        taken: dict[Measure, histogram.Histogram] = {
            SERVICE: self.service.take(),
            LAG: self.lag.take(),
            RESPONSE: self.response.take(),
        }
        return {measure: found for measure, found in taken.items() if found.counts}


class Recorder:
    """Counts into the current second; a transaction belongs to the second in which it was answered.

    Without an ``output`` (a bare locust) it counts and forgets. ``tick`` must be called about once a second.
    ``ahead_s``: seconds are those of a clock that this process's own is ahead of by so much.
    """

    def __init__(self, output: Output | None = None, ahead_s: float = 0.0) -> None:
        self._output = output
        # What was meant for a whole second must not fall before it by rounding.
        self._ahead_s = ahead_s and ahead_s - 1e-7
        self.on_second: Callable[[float, Mapping[str, spool.Tally]], None] | None = None
        """Is given the transactions of each second, or of a part of one, with its start by this process's clock."""
        self._users = 0
        self._hub_lag = histogram.Recorder()
        self.access = AccessCounts()
        self._examples: dict[str, str] = {}
        self._begin(time.monotonic())

    def transaction(
        self, name: str, intended: float, sent: float, answered: float, rows: int, failure: DatabaseError | None
    ) -> None:
        """Record one transaction's latencies. Times are monotonic seconds; ``failure`` is None when it committed."""
        if answered >= self._ends:
            self._roll(answered)
        tally = self._transactions[name]
        tally.rows += rows
        self._count(tally, intended, sent, answered, failure)

    def _count(
        self, tally: Tally, intended: float, sent: float, answered: float, failure: DatabaseError | None
    ) -> None:
        tally.calls += 1
        if failure is not None:
            tally.errors[failure.sqlstate] += 1
            if failure.sqlstate not in self._examples:
                self._examples[failure.sqlstate] = self._new_examples[failure.sqlstate] = failure.message
            if not kept_in_latency(failure):
                return
        lag_us = round((sent - intended) * 1e6) if sent > intended else 0
        service_us = round((answered - sent) * 1e6)
        tally.service.record_us(service_us)
        tally.lag.record_us(lag_us)
        tally.response.record_us(lag_us + service_us)

    def statements(
        self, names: Iterable[str | None], sent: float, counts: Sequence[int], times: Sequence[float]
    ) -> None:
        """Record statements that the server answered, in order; None stands for a command, which is not recorded.

        ``times`` is when each was answered, having been sent as soon as the one before it was. Without it they shared
        a round trip, and have no latency of their own.
        """
        tallies = self._statements
        if not times:
            for name, count in zip(names, counts, strict=False):
                if name is not None:
                    tally = tallies[name]
                    tally.calls += 1
                    tally.rows += count
            return
        for name, count, answered in zip(names, counts, times, strict=False):
            if name is not None:
                tally = tallies[name]
                tally.calls += 1
                tally.rows += count
                tally.service.record_us(round((answered - sent) * 1e6))
            sent = answered

    def statement_failed(self, name: str, sqlstate: str) -> None:
        """Record one statement that the server refused or never answered."""
        tally = self._statements[name]
        tally.calls += 1
        tally.errors[sqlstate] += 1

    def retry(self) -> None:
        """Record that a transaction is tried again."""
        self._retries += 1

    def hub_lag(self, seconds: float) -> None:
        """Record by how much a timer of the hub was late: the generator's own stall."""
        self._hub_lag.record_us(round(seconds * 1e6))

    def tick(self, now: float, users: int) -> None:
        """Close the second if ``now`` is past it."""
        self._users = users
        self._roll(now)

    def close(self) -> None:
        """Write what is left."""
        self._write()
        self._begin(time.monotonic())

    def _begin(self, now: float) -> None:
        self._at = float(int(now - self._ahead_s))
        self._ends = self._at + 1.0 + self._ahead_s
        self._retries = 0
        self._new_examples: dict[str, str] = {}
        self._transactions: defaultdict[str, Tally] = defaultdict(Tally)
        self._statements: defaultdict[str, Tally] = defaultdict(Tally)

    def _roll(self, now: float) -> None:
        if now >= self._ends:
            self._write()
            self._begin(now)

    def _write(self) -> None:
        self._give(replace(self._taken(), access=self.access.take()))

    def _give(self, second: spool.Second) -> None:
        if self._output is not None:
            self._output.write(spool.encode(second))
        if self.on_second is not None:
            self.on_second(second.at + self._ahead_s, second.transactions)

    def _taken(self) -> spool.Second:
        """What the present second holds."""
        transactions = {name: tally.taken() for name, tally in self._transactions.items()}
        statements = {name: tally.taken() for name, tally in self._statements.items()}
        hub_lag = self._hub_lag.take()
        return spool.Second(self._at, self._users, self._retries, transactions, statements, hub_lag, self._new_examples)
