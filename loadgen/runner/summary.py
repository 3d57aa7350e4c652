"""Sum up the seconds of a run for its record, and write its latency log and timeline."""

from __future__ import annotations

import csv
import datetime as dt
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Final

from loadgen.runner.access_result import access_result
from loadgen.runner.arrivals import open_result, totals
from loadgen.runs import hlog
from loadgen.runs.control import Phase
from loadgen.runs.estimate import latency, throughput
from loadgen.runs.format.result import RunResult, StatementResult, TransactionResult
from loadgen.runs.format.use import GeneratorPart, GeneratorUse, ServerUse
from loadgen.runs.histogram import EMPTY, Histogram, merge
from loadgen.runs.spool import CENSORED, LAG, RESPONSE, SERVICE, Second, Tally, earlier

TIMELINE_COLUMNS: Final = (
    "second", "phase", "users", "transactions", "errors", "response_p50_ms", "response_p95_ms", "response_max_ms",
    "offered", "dropped", "backlog", "lag_p99_ms",
)  # fmt: skip
CLOCK_S: Final = 0.001
"""Tolerance for another machine's clock, which may end the window a little before the whole second."""
_NOTHING: Final = Tally(0, 0, {}, {})


@dataclass(frozen=True, slots=True)
class Window:
    """Beginning of each phase on the monotonic clock; ``measure`` and ``drain`` bound the window."""

    began: dict[Phase, float]

    @property
    def start(self) -> float | None:
        """Beginning of the measured window; None if it was never reached."""
        return self.began.get("measure")

    def phase(self, at: float) -> Phase:
        """Phase of the second that starts at ``at``: the one in its middle."""
        reached = [phase for phase, began in self.began.items() if began <= at + 0.5]
        return reached[-1] if reached else "ramp"

    def warmup(self, seconds: Iterable[Second]) -> list[Second]:
        """The seconds before the window."""
        return [] if self.start is None else [second for second in seconds if second.at < round(self.start)]

    def warmed(self, seconds: Iterable[Second]) -> list[Second]:
        """The whole seconds of the warm-up, all users there."""
        began = self.began.get("warmup", math.inf)
        return [second for second in self.warmup(seconds) if second.at >= began]

    def bounds(self, seconds: Iterable[Second]) -> tuple[int, int]:
        """The whole seconds inside the window: the first, and the one after the last; both 0 when it never began."""
        if self.start is None:
            return 0, 0
        first = round(self.start)
        end = self.began.get("drain", max((second.at for second in seconds), default=float(first)) + 1)
        return first, int(end + CLOCK_S)

    def seconds(self, seconds: Iterable[Second]) -> list[Second]:
        """The seconds of :meth:`bounds`, one for each even where nothing happened."""
        by_start = {second.at: second for second in seconds}
        return [by_start.get(float(s)) or _empty(float(s)) for s in range(*self.bounds(by_start.values()))]


def summarise(
    window: Sequence[Second],
    server: ServerUse,
    generator_cpu_cores: float,
    peak_rss_bytes: int,
    examples: Mapping[str, str] | None = None,
    warmup: Sequence[Second] = (),
    parts: Sequence[GeneratorPart] = (),
) -> RunResult:
    """Sum up the seconds of a window; ``examples`` are messages by SQLSTATE. Raises ValueError for no second.

    ``warmup``: the seconds before it, for the lag of an open load; ``parts``: the generator's processes.
    """
    transactions = _names(second.transactions for second in window)
    statements = _names(second.statements for second in window)

    def everything(kind: hlog.Measure) -> list[Histogram]:
        return [merge(t.histogram(kind) for t in second.transactions.values()) for second in window]

    errors = Counter[str]()
    for second in window:
        for tally in second.transactions.values():
            errors.update(tally.errors)
    calls = [sum(t.calls for t in second.transactions.values()) for second in window]
    done = [committed(second) for second in window]
    hub_lag = merge(second.hub_lag for second in window)
    first_error = reduce(earlier, (second.first_error for second in window), None)
    censored = merge(everything(CENSORED))
    return RunResult(
        window_s=float(len(window)),
        count=sum(calls),
        errors=errors.total(),
        errors_by_sqlstate=dict(errors.most_common()),
        retries=sum(second.retries for second in window),
        throughput_tps=throughput(done),
        service=latency(everything(SERVICE)),
        lag=latency(everything(LAG), censored),
        response=latency(everything(RESPONSE), censored),
        transactions=tuple(_transaction(name, window) for name in transactions),
        statements=tuple(_statement(name, window) for name in statements),
        server=server,
        generator=GeneratorUse(
            cpu_cores=generator_cpu_cores,
            hub_lag_p99_ms=max([hub_lag.percentile_us(99) / 1000, *(part.hub_lag_p99_ms for part in parts)]),
            peak_rss_bytes=peak_rss_bytes,
            parts=tuple(parts),
        ),
        error_examples={state: words for state, words in (examples or {}).items() if state in errors},
        first_error=first_error and replace(first_error, at_s=first_error.at_s - window[0].at),
        arrivals=open_result(window, warmup),
        access=access_result(window),
    )


def committed(second: Second) -> int:
    """Transactions that ended well in a second."""
    return sum(t.ended - t.failed for t in second.transactions.values())


def _transaction(name: str, window: Sequence[Second]) -> TransactionResult:
    tallies = [second.transactions.get(name, _NOTHING) for second in window]
    censored = merge(t.histogram(CENSORED) for t in tallies)
    return TransactionResult(
        name=name,
        count=sum(t.calls for t in tallies),
        errors=sum(sum(t.errors.values()) for t in tallies),
        throughput_tps=throughput([t.ended - t.failed for t in tallies]),
        service=latency([t.histogram(SERVICE) for t in tallies]),
        lag=latency([t.histogram(LAG) for t in tallies], censored),
        response=latency([t.histogram(RESPONSE) for t in tallies], censored),
    )


def _statement(name: str, window: Sequence[Second]) -> StatementResult:
    tallies = [second.statements.get(name, _NOTHING) for second in window]
    return StatementResult(
        name=name,
        calls=sum(t.calls for t in tallies),
        rows=sum(t.rows for t in tallies),
        errors=sum(sum(t.errors.values()) for t in tallies),
        service=latency([t.histogram(SERVICE) for t in tallies]),
    )


def write_latency_log(path: Path, seconds: Sequence[Second]) -> None:
    """Write ``latency.hlog``: every second of the run, ramp and drain included, by transaction and statement."""
    if not seconds:
        return
    # The spool's clock is monotonic; the log states its second 0 as a date.
    base = seconds[0].at
    began = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=time.monotonic() - base)
    hlog.write(path, began, _entries(seconds, base))


def _entries(seconds: Sequence[Second], base: float) -> Iterator[hlog.Entry]:
    for second in seconds:
        yield from _entries_of("txn", second.transactions, second.at - base)
        yield from _entries_of("stmt", second.statements, second.at - base)


def _entries_of(subject: hlog.Subject, tallies: Mapping[str, Tally], start_s: float) -> Iterator[hlog.Entry]:
    for name, tally in tallies.items():
        for measure, histogram in tally.histograms.items():
            yield hlog.Entry(hlog.Series(subject, name, measure).tag, start_s, 1.0, histogram)


def write_timeline(path: Path, seconds: Sequence[Second], window: Window) -> None:
    """Write ``timeline.csv``: a row per second. Latencies are response times, empty where nothing was answered.

    Under an open load, transactions and errors are those answered in the second; latencies, and the columns from
    ``offered`` on, are those of the arrivals meant for it.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(TIMELINE_COLUMNS)
        for second in seconds:
            tallies = second.transactions.values()
            response = merge(t.histogram(RESPONSE) for t in tallies)
            writer.writerow(
                [
                    round(second.at - seconds[0].at),
                    window.phase(second.at),
                    second.users,
                    sum(t.ended for t in tallies),
                    sum(t.failed for t in tallies),
                    *(_ms(response, us) for us in (response.percentile_us(50), response.percentile_us(95))),
                    _ms(response, response.max_us),
                    *_arrived(second),
                ]
            )


def _arrived(second: Second) -> tuple[object, ...]:
    """Columns of an open load; empty for a closed one."""
    if all(t.open is None for t in second.transactions.values()):
        return ("",) * 4
    arrivals = totals(second.transactions.values())
    lag = merge(t.histogram(LAG) for t in second.transactions.values())
    return (arrivals.offered, arrivals.dropped, second.backlog, _ms(lag, lag.percentile_us(99)))


def _ms(histogram: Histogram, us: int) -> str:
    return f"{us / 1000:.3f}" if histogram.total else ""


def _names(groups: Iterable[dict[str, Tally]]) -> list[str]:
    """Names in any of the groups, sorted."""
    return sorted({name for group in groups for name in group})


def _empty(at: float) -> Second:
    return Second(at, 0, 0, {}, {}, EMPTY)
