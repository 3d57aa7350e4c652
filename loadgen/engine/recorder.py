"""The child's side of the record: what ended, second by second, written to the spool as each second closes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from loadgen.engine.access_counts import AccessCounts
from loadgen.engine.failures import DatabaseError
from loadgen.runs import histogram, spool
from loadgen.runs.hlog import Measure
from loadgen.runs.spool import LAG, RESPONSE, SERVICE

KEPT_IN_LATENCY: Final = frozenset({"40001", "40P01", "57014", "55P03"})
"""Failures after waiting on the server: retries exhausted, statement and lock timeouts. They stay in the latency, so
that failing cannot make a server look fast; a transaction that failed at once is an error and has no latency."""


_BATCH: Final = 1024
"""Values that are counted at once: singly they cost twice the instructions, and more would keep the hub from others."""

_Names = tuple[str | None, ...]


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
        if failure is None:
            values = self._committed[name]
            values += (intended, sent, answered, rows)
            if len(values) >= _BATCH:
                self._count_committed(name, values)
            return
        tally = self._transactions[name]
        tally.rows += rows
        self._count(tally, intended, sent, answered, failure)

    def _count_committed(self, name: str, values: list[float]) -> None:
        """Count transactions that wait for it, and forget them: what each was recorded with, one after the other."""
        intended, sent, answered, rows = np.fromiter(values, np.float64, len(values)).reshape(-1, 4).T
        values.clear()
        tally = self._transactions[name]
        tally.calls += len(rows)
        tally.rows += int(rows.sum())
        lag_us = _whole_us(np.maximum(sent - intended, 0.0))
        service_us = _whole_us(answered - sent)
        us = np.array((service_us, lag_us, lag_us + service_us))
        into = (tally.service, tally.lag, tally.response)
        for one, indexes, largest in zip(into, histogram.indexes_of(us).tolist(), us.max(1).tolist(), strict=True):
            one.record_indexes(indexes, largest)

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

    def statements(self, names: _Names, times: Sequence[float], counts: Sequence[int]) -> None:
        """Record statements that the server answered, in order; None stands for a command, which is not recorded.

        ``counts`` are the rows of those that were answered. ``times`` begins with when the first was sent, and goes on
        with when each was answered, the next one being sent at once. Without the latter they shared a round trip, and
        have no latency of their own.
        """
        if len(counts) != len(names):  # one failed, and what came after it was not answered
            self._count_statements(names[: len(counts)], times[: len(counts) + 1], counts)
            return
        all_times, all_counts = self._answered[names]
        all_times += times
        all_counts += counts
        if len(all_counts) >= _BATCH:
            self._count_answered(names)

    def _count_answered(self, names: _Names) -> None:
        """Count statements that wait for it, and forget them."""
        times, counts = self._answered[names]
        self._count_statements(names, times, counts)
        times.clear()
        counts.clear()

    def _count_statements(self, names: _Names, times: Sequence[float], counts: Sequence[int]) -> None:
        """Count any number of transactions' ``names``, one after the other."""
        if not counts:
            return
        by_name = np.fromiter(counts, np.int64, len(counts)).reshape(-1, len(names))
        calls = len(by_name)
        for name, rows in zip(names, by_name.sum(0).tolist(), strict=True):
            if name is not None:
                tally = self._statements[name]
                tally.calls += calls
                tally.rows += rows
        if len(times) == calls:
            return
        us = _whole_us(np.diff(np.fromiter(times, np.float64, len(times)).reshape(calls, -1))).T
        for name, indexes, largest in zip(names, histogram.indexes_of(us).tolist(), us.max(1).tolist(), strict=True):
            if name is not None:
                self._statements[name].service.record_indexes(indexes, largest)

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
        # What is to be counted into these, by transaction and by the list of its statements.
        self._committed: defaultdict[str, list[float]] = defaultdict(list)
        self._answered: defaultdict[_Names, tuple[list[float], list[int]]] = defaultdict(lambda: ([], []))

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
        for name, values in self._committed.items():
            if values:
                self._count_committed(name, values)
        for names in self._answered:
            self._count_answered(names)
        transactions = {name: tally.taken() for name, tally in self._transactions.items()}
        statements = {name: tally.taken() for name, tally in self._statements.items()}
        hub_lag = self._hub_lag.take()
        return spool.Second(self._at, self._users, self._retries, transactions, statements, hub_lag, self._new_examples)


def _whole_us(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(seconds * 1e6).astype(np.int64)
