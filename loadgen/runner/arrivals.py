"""Outcomes of the arrivals of an open load, from the seconds that its generator wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from loadgen.runs.format.result import OpenResult
from loadgen.runs.histogram import merge
from loadgen.runs.spool import LAG, OpenTally, Second, Tally


@dataclass(frozen=True, slots=True)
class Totals:
    """Arrivals that were meant for the same time."""

    finished: int
    counted: OpenTally

    @property
    def dropped(self) -> int:
        return self.counted.dropped

    @property
    def unfinished(self) -> int:
        return self.counted.unfinished + self.counted.unsent

    @property
    def offered(self) -> int:
        return self.finished + self.dropped + self.unfinished

    @property
    def started(self) -> int:
        return self.finished + self.counted.unfinished


def totals(tallies: Iterable[Tally]) -> Totals:
    """Sum the arrivals over transactions and seconds."""
    finished, counted = 0, OpenTally()
    for tally in tallies:
        finished += tally.calls
        counted = counted if tally.open is None else counted.plus(tally.open)
    return Totals(finished, counted)


def open_result(window: Sequence[Second], warmup: Sequence[Second]) -> OpenResult | None:
    """Sum the arrivals of a window; None for a closed load."""
    tallies = [tally for second in window for tally in second.transactions.values()]
    if all(tally.open is None for tally in tallies):
        return None
    arrivals = totals(tallies)
    warmup_lag = merge(t.histogram(LAG) for t in chain.from_iterable(s.transactions.values() for s in warmup))
    return OpenResult(
        offered=arrivals.offered,
        started=arrivals.started,
        finished=arrivals.finished,
        late=arrivals.counted.late,
        dropped=arrivals.dropped,
        unfinished=arrivals.unfinished,
        waited=arrivals.counted.waited,
        backlog_most=max(second.backlog for second in window),
        backlog_end=window[-1].backlog_end,
        own_lag_p99_ms=merge(second.own_lag for second in window).percentile_us(99) / 1000,
        warmup_lag_p99_ms=warmup_lag.percentile_us(99) / 1000 if warmup_lag.total else None,
    )
