"""Locust's own console, page, CSV and JSON with exact figures.

Locust was made for web pages: it counts response times below 100 ms in whole milliseconds and prints whole ones, so
that 0.3 ms becomes 0. This module replaces the rounding of figures, and the time of counting: successes are
added once a second, from the recorder's histograms, since counting each request as Locust does costs more than sending
some. Where there are other listeners to requests, every request is fired as Locust would.
"""

from __future__ import annotations

import time
from functools import cache, partial
from typing import Final, cast

from locust import stats
from locust.env import Environment
from locust.stats import StatsCSV, StatsEntry

from loadgen.engine.failures import DatabaseError
from loadgen.engine.recording.recorder import Recorder
from loadgen.runs.histogram import highest_us, lowest_us
from loadgen.runs.spool import CENSORED, RESPONSE, Tally

REQUEST_TYPE: Final = "transaction"
"""Text in Locust's column of HTTP methods."""

_WIDTH: Final = 7
"""Width of a column of Locust's table."""


def bucket_ms(response_ms: float) -> float:
    """Round to three significant digits, at most 900 buckets for each power of ten."""
    return float(f"{response_ms:.3g}")


def shown_ms(value_ms: float) -> str:
    """Format with at least three digits, within a column: ``0.631``, ``12.3``, ``1720``."""
    decimals = 3 if value_ms < 1 else 2 if value_ms < 10 else 1 if value_ms < 100 else 0
    return f"{value_ms:.{decimals}f}"


def install() -> None:
    """Replace the rounding of Locust's statistics in this process; idempotent."""
    stats.bucket_response_time = bucket_ms  # type: ignore[assignment]  # Locust's own hook for other buckets
    StatsEntry.to_string = _to_string  # type: ignore[method-assign]
    StatsEntry.percentile = _percentile  # type: ignore[method-assign]
    StatsEntry.to_dict = _to_dict  # type: ignore[method-assign]
    StatsCSV._percentile_fields = _percentile_fields  # type: ignore[method-assign]


def attach(environment: Environment, recorder: Recorder) -> bool:
    """Count a recorder's seconds in Locust's statistics; returns True where every request must be fired instead."""
    if recorder.on_tally is None:
        others = [h for h in environment.events.request._handlers if getattr(h, "__module__", "") != "locust.runners"]
        recorder.on_tally = _ignore_fired if others else partial(_add, environment)
    return recorder.on_tally is _ignore_fired


def failed(environment: Environment, name: str, response_ms: float, failure: DatabaseError, in_second: bool) -> None:
    """Count a failure at once; ``in_second``: its time will be counted with its second."""
    if not in_second:
        environment.stats.log_request(REQUEST_TYPE, name, cast("int", response_ms), 0)
    environment.stats.log_error(REQUEST_TYPE, name, failure)


def ignore(at: float, name: str, tally: Tally) -> None:
    """Ignore a tally, where nothing shows Locust's statistics."""


def _ignore_fired(at: float, name: str, tally: Tally) -> None:
    """Ignore a tally, where every request was fired."""


def _add(environment: Environment, at: float, name: str, tally: Tally) -> None:
    began = time.time() - time.monotonic() + at
    for entry in (environment.stats.total, environment.stats.get(name, REQUEST_TYPE)):
        _add_tally(entry, tally, began)


def _add_tally(entry: StatsEntry, tally: Tally, began: float) -> None:
    """Count like :meth:`StatsEntry.log`, without requests that were dropped or not finished."""
    response, censored = tally.histogram(RESPONSE), tally.histogram(CENSORED).counts
    counts = {slot: n - censored.get(slot, 0) for slot, n in response.counts.items() if n > censored.get(slot, 0)}
    if not counts:
        return
    last = entry.last_request_timestamp or 0.0
    middle = int(began + 0.5)
    if entry.use_response_times_cache and last and middle > int(last):
        entry._cache_response_times(middle - 1)
    requests = sum(counts.values())
    entry.num_requests += requests
    entry.num_reqs_per_sec[middle] += requests
    entry.last_request_timestamp = max(last, min(began + 1.0, time.time()))
    entry.total_content_length += tally.rows
    entry.total_response_time += cast("int", sum(_middle_ms(slot) * n for slot, n in counts.items()))
    least, most = lowest_us(min(counts)) / 1000, min(highest_us(max(counts)), response.max_us) / 1000
    entry.min_response_time = cast("int", min(least, entry.min_response_time or least))
    entry.max_response_time = cast("int", max(most, entry.max_response_time))
    for slot, n in counts.items():
        entry.response_times[_bucket_of(slot)] += n


def _middle_ms(slot: int) -> float:
    return (lowest_us(slot) + highest_us(slot)) / 2000


@cache
def _bucket_of(slot: int) -> int:
    return cast("int", bucket_ms(_middle_ms(slot)))


_LOCUSTS_TO_DICT: Final = StatsEntry.to_dict


def _to_string(self: StatsEntry, current: bool = True) -> str:
    rps, failed = (
        (self.current_rps, self.current_fail_per_sec) if current else (self.total_rps, self.total_fail_per_sec)
    )
    name_width = stats.STATS_NAME_WIDTH - stats.STATS_TYPE_WIDTH + 4
    times = (self.avg_response_time, self.min_response_time or 0, self.max_response_time, self.median_response_time)
    average, least, most, median = (f"{shown_ms(value):>{_WIDTH}}" for value in times)
    who = f"{_kind(self):<{stats.STATS_TYPE_WIDTH}} {self.name:<{name_width}}"
    failures = f"{self.num_failures:d}({self.fail_ratio:.2%})"
    return (
        f"{who} {self.num_requests:7d} {failures:>12} |{average} {least} {most}{median} | {rps or 0:7.2f} "
        f"{failed or 0:11.2f}"
    )


def _percentile(self: StatsEntry) -> str:
    if not self.num_requests:
        raise ValueError("a percentile needs a successful request")
    first, *others = (shown_ms(self.get_response_time_percentile(p)) for p in stats.PERCENTILES_TO_REPORT)
    columns = " ".join(f"{value:>6}" for value in [*others, str(self.num_requests)])
    who = f"{self.method or '':<{stats.STATS_TYPE_WIDTH}} {self.name:<{stats.STATS_NAME_WIDTH}}"
    return f"{who} {first:>8} {columns}"


def _to_dict(self: StatsEntry, escape_string_values: bool = False) -> dict[str, int | float | str]:
    figures = _LOCUSTS_TO_DICT(self, escape_string_values)
    # Locust's page shows these two unrounded.
    return figures | {
        "min_response_time": round(self.min_response_time or 0, 3),
        "max_response_time": round(self.max_response_time, 3),
    }


def _percentile_fields(self: StatsCSV, stats_entry: StatsEntry, use_current: bool = False) -> list[str] | list[int]:
    if not stats_entry.num_requests:
        return self.percentiles_na
    current = use_current and stats_entry.use_response_times_cache
    get = stats_entry.get_current_response_time_percentile if current else stats_entry.get_response_time_percentile
    return cast("list[int]", [get(p) or 0 for p in self.percentiles_to_report])  # floats, despite Locust's type


def _kind(entry: StatsEntry) -> str:
    return f"{entry.method} " if entry.method else ""
