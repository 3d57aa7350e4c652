"""Locust's own console, page, CSV and JSON with the figures as they were measured.

Locust was made for web pages: it counts response times below 100 ms in whole milliseconds and prints whole ones, so
that 0.3 ms becomes 0. Only how figures are rounded is replaced here, and when they are counted: what succeeds is
added once a second, from the recorder's histograms, since counting each request in Locust's way costs more than sending
some. Where anybody else listens to every request, every request is fired as Locust would.
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
"""What Locust shows in the column of an HTTP method."""

_WIDTH: Final = 7
"""Of a column of Locust's table."""


def bucket_ms(response_ms: float) -> float:
    """Three significant digits: at most 900 buckets for each power of ten."""
    return float(f"{response_ms:.3g}")


def shown_ms(value_ms: float) -> str:
    """At least three digits, and no more than a column holds: ``0.631``, ``12.3``, ``1720``."""
    decimals = 3 if value_ms < 1 else 2 if value_ms < 10 else 1 if value_ms < 100 else 0
    return f"{value_ms:.{decimals}f}"


def install() -> None:
    """Replace the rounding of Locust's statistics in this process; twice does no harm."""
    stats.bucket_response_time = bucket_ms  # type: ignore[assignment]  # Locust's own hook for other buckets
    StatsEntry.to_string = _to_string  # type: ignore[method-assign]
    StatsEntry.percentile = _percentile  # type: ignore[method-assign]
    StatsEntry.to_dict = _to_dict  # type: ignore[method-assign]
    StatsCSV._percentile_fields = _percentile_fields  # type: ignore[method-assign]


def attach(environment: Environment, recorder: Recorder) -> bool:
    """Have a recorder's seconds counted in Locust's statistics; True where every request must be fired instead."""
    if recorder.on_tally is None:
        others = [h for h in environment.events.request._handlers if getattr(h, "__module__", "") != "locust.runners"]
        recorder.on_tally = _leave if others else partial(_add, environment)
    return recorder.on_tally is _leave


def failed(environment: Environment, name: str, response_ms: float, failure: DatabaseError, in_second: bool) -> None:
    """Count a failure at once; ``in_second``: its time will be among those of its second."""
    if not in_second:
        environment.stats.log_request(REQUEST_TYPE, name, cast("int", response_ms), 0)
    environment.stats.log_error(REQUEST_TYPE, name, failure)


def unseen(at: float, name: str, tally: Tally) -> None:
    """As a recorder's ``on_tally``: nobody looks at Locust's statistics here."""


def _leave(at: float, name: str, tally: Tally) -> None:
    """Every request was fired."""


def _add(environment: Environment, at: float, name: str, tally: Tally) -> None:
    began = time.time() - time.monotonic() + at
    for entry in (environment.stats.total, environment.stats.get(name, REQUEST_TYPE)):
        _add_tally(entry, tally, began)


def _add_tally(entry: StatsEntry, tally: Tally, began: float) -> None:
    """As :meth:`StatsEntry.log` for each; what was dropped or not finished is no request."""
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
    found = _LOCUSTS_TO_DICT(self, escape_string_values)
    # The page shows these two as they come.
    return found | {
        "min_response_time": round(self.min_response_time or 0, 3),
        "max_response_time": round(self.max_response_time, 3),
    }


def _percentile_fields(self: StatsCSV, stats_entry: StatsEntry, use_current: bool = False) -> list[str] | list[int]:
    if not stats_entry.num_requests:
        return self.percentiles_na
    current = use_current and stats_entry.use_response_times_cache
    get = stats_entry.get_current_response_time_percentile if current else stats_entry.get_response_time_percentile
    return cast("list[int]", [get(p) or 0 for p in self.percentiles_to_report])  # floats, whatever Locust calls them


def _kind(entry: StatsEntry) -> str:
    return f"{entry.method} " if entry.method else ""
