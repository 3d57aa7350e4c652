"""The child's side of the record: what ended, second by second, written to the spool after each second's end.

Closing a second takes milliseconds of CPU, in which nobody else would be answered: one transaction in a hundred would
meet it. So it is done in pieces of a fraction of one, over the half second that follows.
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
"""Failures after waiting on the server: retries exhausted, statement and lock timeouts. They stay in the latency, so
that failing cannot make a server look fast; a transaction that failed at once is an error and has no latency."""

TICK_S: Final = 0.01
"""How often :meth:`Recorder.tick` is to be called."""
_CLOSING_TICKS: Final = 50
"""In how many of them a second is closed."""


class Output(Protocol):
    """Where lines go: a spool, or the wire to a master."""

    def write(self, line: bytes, /) -> object:
        """Keep one line, whole."""


def kept_in_latency(failure: DatabaseError) -> bool:
    """Whether a failed transaction has a latency."""
    return failure.sqlstate in KEPT_IN_LATENCY


class Recorder:
    """Counts into the current second; a transaction belongs to the second in which it was answered.

    Without an ``output`` (a bare locust) it counts and forgets.
    ``ahead_s``: seconds are those of a clock that this process's own is ahead of by so much.
    """

    def __init__(self, output: Output | None = None, ahead_s: float = 0.0) -> None:
        self._output = output
        # What was meant for a whole second must not fall before it by rounding.
        self._ahead_s = ahead_s and ahead_s - 1e-7
        self.on_tally: Callable[[float, str, spool.Tally], None] | None = None
        """Is given each transaction's part of each second, or of a part of one, with its start by this process's
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

        ``counts`` are the rows of those that were answered. ``times`` begins with when the first was sent, and goes on
        with when each was answered, the next one being sent at once. Without the latter they shared a round trip, and
        have no latency of their own.
        """
        if len(counts) != len(names):  # one failed, and what came after it was not answered
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
        """Record that a transaction is tried again."""
        self._retries += 1

    def hub_lag(self, seconds: float) -> None:
        """Record by how much a timer of the hub was late: the generator's own stall."""
        self._hub_lag.record_us(round(seconds * 1e6))

    def tick(self, now: float, users: int) -> None:
        """End the second if ``now`` is past it, and go on with closing the one before."""
        self._users = users
        self._roll(now)
        for _ in range(self._pieces_a_tick):
            next(self._closing, None)

    def close(self) -> None:
        """Write what is left."""
        self._end(time.monotonic())
        self._finish()

    def _begin(self, now: float) -> None:
        self._at = float(int(now - self._ahead_s))
        self._ends = self._at + 1.0 + self._ahead_s
        self._retries = 0
        self._new_examples: dict[str, str] = {}
        self._first_error = None
        self._counts = Counts()
        # The two that every transaction asks for.
        self._committed, self._answered = self._counts.committed, self._counts.answered

    def _roll(self, now: float) -> None:
        if now >= self._ends:
            self._end(now)

    def _end(self, now: float) -> None:
        """Leave the present second to be closed, and begin another."""
        self._finish()
        self._closing = self._closed()
        self._begin(now)

    def _finish(self) -> None:
        """What is left of closing the second before."""
        for _ in self._closing:
            pass

    def _closed(self) -> Iterator[None]:
        """Take the present second away, and write it, a piece at each step."""
        return self._written(self._counts, self._taken())

    def _taken(self) -> spool.Second:
        """Of the present second all but what is by name."""
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

    def _written(self, counts: Counts, second: spool.Second) -> Iterator[None]:
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
