"""Counts of one second by name, and values that wait to be counted in batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from capacity.arrays import Floats, Ints
from loadgen.runs import histogram, spool
from loadgen.runs.hlog import Measure
from loadgen.runs.spool import LAG, RESPONSE, SERVICE

BATCH: Final = 1024
"""Values counted together: singly they cost twice the instructions, and more would stop the hub for too long."""

Names = tuple[str | None, ...]
"""Statement names of a transaction in order; None is a command, which is not recorded."""


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
        """Take the counts as a tally of the spool, and start the histograms again."""
        return spool.Tally(self.calls, self.rows, dict(self.errors), self.histograms())

    def histograms(self) -> dict[Measure, histogram.Histogram]:
        """Take the histograms that are not empty, and start again."""
        histograms: dict[Measure, histogram.Histogram] = {
            SERVICE: self.service.take(),
            LAG: self.lag.take(),
            RESPONSE: self.response.take(),
        }
        return {measure: values for measure, values in histograms.items() if values.counts}


class Counts:
    """Counts of one second; callers that fill ``committed`` or ``answered`` count them at every :data:`BATCH`."""

    __slots__ = ("answered", "committed", "statements", "transactions")

    def __init__(self) -> None:
        self.transactions: defaultdict[str, Tally] = defaultdict(Tally)
        self.statements: defaultdict[str, Tally] = defaultdict(Tally)
        self.committed: defaultdict[str, list[float]] = defaultdict(list)
        """Values to count by transaction: intended, sent, answered and rows of each, one after the other."""
        self.answered: defaultdict[Names, tuple[list[float], list[int]]] = defaultdict(lambda: ([], []))
        """Values to count by list of statements: times and counts of :meth:`count_statements`."""

    @property
    def size(self) -> int:
        """Upper bound of the number of names, those that only wait to be counted included."""
        waiting = sum(map(len, self.answered))
        return len(self.transactions) + len(self.committed) + len(self.statements) + waiting

    def waiting(self) -> Iterator[None]:
        """Count waiting values, a piece at each step."""
        for name in self.committed:
            self.count_committed(name)
            yield
        for names in self.answered:
            self.count_answered(names)
            yield

    def count_committed(self, name: str) -> None:
        """Count the waiting transactions of this name."""
        values = self.committed[name]
        if not values:
            return
        intended, sent, answered, rows = np.fromiter(values, np.float64, len(values)).reshape(-1, 4).T
        values.clear()
        tally = self.transactions[name]
        tally.calls += len(rows)
        tally.rows += int(rows.sum())
        lag_us = _whole_us(np.maximum(sent - intended, 0.0))
        service_us = _whole_us(answered - sent)
        us = np.array((service_us, lag_us, lag_us + service_us))
        recorders = (tally.service, tally.lag, tally.response)
        for recorder, indexes, max_us in zip(
            recorders, histogram.indexes_of(us).tolist(), us.max(1).tolist(), strict=True
        ):
            recorder.record_indexes(indexes, max_us)

    def count_answered(self, names: Names) -> None:
        """Count the waiting statements of this list of names."""
        times, counts = self.answered[names]
        self.count_statements(names, times, counts)
        times.clear()
        counts.clear()

    def count_statements(self, names: Names, times: Sequence[float], counts: Sequence[int]) -> None:
        """Count the statements ``names`` of any number of transactions, in sequence; see ``Recorder.statements``."""
        if not counts:
            return
        by_name = np.fromiter(counts, np.int64, len(counts)).reshape(-1, len(names))
        calls = len(by_name)
        for name, rows in zip(names, by_name.sum(0).tolist(), strict=True):
            if name is not None:
                tally = self.statements[name]
                tally.calls += calls
                tally.rows += rows
        if len(times) == calls:
            return
        us = _whole_us(np.diff(np.fromiter(times, np.float64, len(times)).reshape(calls, -1))).T
        for name, indexes, largest in zip(names, histogram.indexes_of(us).tolist(), us.max(1).tolist(), strict=True):
            if name is not None:
                self.statements[name].service.record_indexes(indexes, largest)


def _whole_us(seconds: Floats) -> Ints:
    return np.rint(seconds * 1e6).astype(np.int64)
