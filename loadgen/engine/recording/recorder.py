"""Recorder of the child: counts by second, written to the spool after each second's end.

Closing a second takes milliseconds of CPU, in which no other greenlet runs, and which one transaction in a hundred
would meet. So it is done in pieces of a fraction of one, over the half second that follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from loadgen.engine.failures import DatabaseError
from loadgen.engine.recording.access_counts import AccessCounts
from loadgen.engine.recording.counts import BATCH, Counts, Names, Tally
from loadgen.runs import histogram, spool
from loadgen.runs.format.result import FirstError

KEPT_IN_LATENCY: Final = frozenset({"40001", "40P01", "57014", "55P03"})
"""SQLSTATEs of failures after a wait for the server: retries exhausted, statement and lock timeouts. Latencies include
them, so that failing cannot make a server look fast; a transaction that failed at once is an error without latency."""

TICK_S: Final = 0.01
"""Interval between calls of :meth:`Recorder.tick`."""
_CLOSING_TICKS: Final = 50
"""Number of ticks over which a second is closed."""


class Output(Protocol):
    """Output of lines: a spool, or the connection to a master."""

    def write(self, line: bytes, /) -> object:
        """Write one whole line."""


def kept_in_latency(failure: DatabaseError) -> bool:
    """True if latencies include a failed transaction."""
    return failure.sqlstate in KEPT_IN_LATENCY


class Recorder:
    """Counts into the current second; a transaction belongs to the second in which it was answered.

    Without an ``output`` (a bare locust) it counts and forgets.
    ``ahead_s``: how far this process's clock is ahead of the one that defines seconds.
    """

    def __init__(self, output: Output | None = None, ahead_s: float = 0.0) -> None:
        self._output = output
        # Rounding must not put an arrival meant for a whole second before it.
        self._ahead_s = ahead_s and ahead_s - 1e-7
        self.on_tally: Callable[[float, str, spool.Tally], None] | None = None
        """Called with each transaction's tally of a second, or of a part of one, and its start by this process's
        clock."""
        self._users = 0
        self._hub_lag = histogram.Recorder()
        self.access = AccessCounts()
        self._examples: dict[str, str] = {}
        self._first_error: FirstError | None = None
        self._closing: Iterator[None] = iter(())
        self._pieces_a_tick = 1
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
            if len(values) >= BATCH:
                self._counts.count_committed(name)
            return
        tally = self._counts.transactions[name]
        tally.rows += rows
        self._count(name, tally, intended, sent, answered, failure)

    def _count(
        self, name: str, tally: Tally, intended: float, sent: float, answered: float, failure: DatabaseError | None
    ) -> None:
        tally.calls += 1
        if failure is not None:
            tally.errors[failure.sqlstate] += 1
            if failure.sqlstate not in self._examples:
                self._examples[failure.sqlstate] = self._new_examples[failure.sqlstate] = failure.message
            if self._first_error is None:
                at = answered - self._ahead_s
                self._first_error = FirstError(at, name, failure.statement, failure.sqlstate, failure.message)
            if not kept_in_latency(failure):
                return
        lag_us = round((sent - intended) * 1e6) if sent > intended else 0
        service_us = round((answered - sent) * 1e6)
        tally.service.record_us(service_us)
        tally.lag.record_us(lag_us)
        tally.response.record_us(lag_us + service_us)

    def statements(self, names: Names, times: Sequence[float], counts: Sequence[int]) -> None:
        """Record statements that the server answered, in order; None stands for a command, which is not recorded.

        ``counts`` are the rows of each answer. ``times`` begins with the time of sending the first statement, followed
        by that of each answer, at which the next statement is sent. Without the latter, the statements shared a round
        trip and have no latency of their own.
        """
        if len(counts) != len(names):  # one failed, and those after it were not answered
            self._counts.count_statements(names[: len(counts)], times[: len(counts) + 1], counts)
            return
        all_times, all_counts = self._answered[names]
        all_times += times
        all_counts += counts
        if len(all_counts) >= BATCH:
            self._counts.count_answered(names)

    def statement_failed(self, name: str, sqlstate: str) -> None:
        """Record one statement that the server refused or never answered."""
        tally = self._counts.statements[name]
        tally.calls += 1
        tally.errors[sqlstate] += 1

    def retry(self) -> None:
        """Record a retry of a transaction."""
        self._retries += 1

    def hub_lag(self, seconds: float) -> None:
        """Record the lag of a timer of the hub, a stall of the generator itself."""
        self._hub_lag.record_us(round(seconds * 1e6))

    def tick(self, now: float, users: int) -> None:
        """End the second if ``now`` is past it, and continue closing the one before."""
        self._users = users
        self._roll(now)
        for _ in range(self._pieces_a_tick):
            next(self._closing, None)

    def close(self) -> None:
        """Write all that is not written yet."""
        self._end(time.monotonic())
        self._finish()

    def _begin(self, now: float) -> None:
        self._at = float(int(now - self._ahead_s))
        self._ends = self._at + 1.0 + self._ahead_s
        self._retries = 0
        self._new_examples: dict[str, str] = {}
        self._first_error = None
        self._counts = Counts()
        # Cached, since every transaction needs both.
        self._committed, self._answered = self._counts.committed, self._counts.answered

    def _roll(self, now: float) -> None:
        if now >= self._ends:
            self._end(now)

    def _end(self, now: float) -> None:
        """Start to close the current second, and begin another."""
        self._finish()
        self._closing = self._close_second()
        self._begin(now)

    def _finish(self) -> None:
        """Finish closing the second before."""
        for _ in self._closing:
            pass

    def _close_second(self) -> Iterator[None]:
        """Take the current second and write it, a piece at each step."""
        return self._write_all(self._counts, self._take_second())

    def _take_second(self) -> spool.Second:
        """Take the current second without its counts by name."""
        self._pieces_a_tick = 1 + self._counts.size // _CLOSING_TICKS
        return spool.Second(
            at=self._at,
            users=self._users,
            retries=self._retries,
            transactions={},
            statements={},
            hub_lag=self._hub_lag.take(),
            error_examples=self._new_examples,
            first_error=self._first_error,
            access=self.access.take(),
        )

    def _write_all(self, counts: Counts, second: spool.Second) -> Iterator[None]:
        yield from counts.waiting()
        yield from self._write(second, counts.transactions, counts.statements)

    def _write(
        self, second: spool.Second, transactions: Mapping[str, Tally], statements: Mapping[str, Tally]
    ) -> Iterator[None]:
        line = spool.Line(second)
        for name, tally in transactions.items():
            taken = tally.taken()
            line.transaction(name, taken)
            yield
            if self.on_tally is not None:
                self.on_tally(second.at + self._ahead_s, name, taken)
                yield
        for name, tally in statements.items():
            line.statement(name, tally.taken())
            yield
        if self._output is not None:
            self._output.write(line.encoded())
