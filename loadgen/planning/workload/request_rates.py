"""Request counts from a CSV file, and their peak to mean."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from capacity.formatting import counted
from capacity.values import LEVEL, Origin, Refusal
from capacity.workload.block import SECONDS_A_DAY
from capacity.workload.peak_to_mean import FINEST_S, Peak, peak_to_mean
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.sheet import ASSUMED, MISSING, Kind, read_sheet
from loadgen.user_files import MIB

KIND: Final = Kind("requests", "timestamp,requests", "minute", 3_000_000, 128 * MIB, "add up the counts by minute")
"""As many rows are a month of seconds, five years of minutes; its size is an assumption: 42 characters a row."""
COLUMNS: Final = ("requests", "requests_per_s")
SYNTHETIC: Final = re.compile(r"#\s*synthetic\b", re.IGNORECASE)
"""Beginning of a comment above the header that marks requests of a load generator."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Counts by bucket, which begins at ``start_s`` seconds since 1970; NaN where there is no count."""

    start_s: tuple[float, ...]
    counts: tuple[float, ...]
    rates: bool
    """Whether counts are requests per second instead of requests."""
    zone: Literal["UTC", "given"]
    """``UTC`` if the file's times have no time zone and are read as UTC."""
    unordered: int
    """Number of rows that are followed by an earlier one."""
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class MeasuredPeak:
    """Peak to mean of a file, with facts about its rows."""

    peak: Peak
    first: dt.date
    last: dt.date
    rows: int
    unordered: int
    zone: Literal["UTC", "given"]
    origin: Origin
    source: str

    @property
    def in_words(self) -> str:
        """Source, period and resolution of the counts, as text."""
        days = counted(self.peak.days, "day")
        parts = [f"{days} of {self.source}, {self.first} to {self.last}, by {self.peak.bucket_s:g} s"]
        if self.peak.left_out_days:
            parts.append(f"{counted(self.peak.left_out_days, 'day')} incomplete left out")
        if self.peak.bucket_s > FINEST_S:
            parts.append(f"the busiest was {self.peak.ratio.value:.3g}, scaled to seconds as independent arrivals")
        return "; ".join(parts)


def measured_peak(path: Path, level: float = LEVEL) -> MeasuredPeak:
    """Estimate the peak to mean of a file of counts.

    Raises UsageError and RefusalError as :func:`read_requests` does, and RefusalError for counts without a peak.
    """
    read = read_requests(path)
    times, counts = read.start_s, read.counts
    peak = peak_to_mean(times, counts, level)
    if isinstance(peak, Refusal):
        raise RefusalError(Refusal(peak.code, f"{path}: needs {peak.missing}", _do(peak, read)))
    if read.rates:
        # Rates give the same ratio, but the busiest second of a bucket needs its count.
        scaled = peak_to_mean(times, [count * peak.bucket_s for count in counts], level)
        assert isinstance(scaled, Peak), scaled
        peak = scaled
    return MeasuredPeak(
        peak, _day(peak.first_day), _day(peak.last_day), len(times), read.unordered, read.zone, read.origin, read.source
    )


def read_requests(path: Path) -> Requests:
    """Read a CSV file with columns ``timestamp,requests`` or ``timestamp,requests_per_s``.

    Other columns are ignored, and so are ``#`` lines, but ``# assumption …`` or ``# synthetic …`` above the header
    marks the origin of the numbers. A timestamp is the beginning of its bucket: ISO 8601 with a time zone, or without
    one (read as UTC), or seconds since 1970; one kind per file. An empty or ``NA`` count is missing. Raises UsageError
    with the line for what cannot be read, RefusalError for a number that is not a count.
    """
    sheet = read_sheet(path, KIND)
    header = sheet.header
    column = next((name for name in COLUMNS if name in header), None)
    if column is None or "timestamp" not in header:
        found = ", ".join(header)
        raise UsageError(f"{sheet.where}: columns are {found}; needs timestamp, and requests or requests_per_s")
    at_time, at_count = header.index("timestamp"), header.index(column)
    times, counts, kinds = [], [], set()
    for where, cells in sheet.rows():
        time, kind = _time(cells[at_time], where)
        kinds.add(kind)
        if len(kinds) > 1:
            raise UsageError(
                f"{where}: timestamp {cells[at_time]!r} is not written like those above; write all in the same way"
            )
        times.append(time)
        counts.append(_count(cells[at_count], where))
    if not times:
        raise UsageError(f"{path}: no rows below the header; write one row per minute")
    origin = Origin.MEASURED
    if any(ASSUMED.match(line) for line in sheet.comments):
        origin = Origin.ASSUMPTION
    elif any(SYNTHETIC.match(line) for line in sheet.comments):
        origin = Origin.SYNTHETIC
    source = path.name.encode("utf-8", "replace").decode()
    unordered = sum(after < before for before, after in itertools.pairwise(times))
    zone: Literal["UTC", "given"] = "UTC" if "local" in kinds else "given"
    return Requests(tuple(times), tuple(counts), column == COLUMNS[1], zone, unordered, origin, source)


def _do(refusal: Refusal, read: Requests) -> str:
    """Advice for a refusal; the usual reason for duplicate times without a zone is the extra hour in autumn."""
    if refusal.code == "doubled_time" and read.zone == "UTC":
        return f"{refusal.do}; write local times with their offset, such as 2026-10-25T02:00+01:00"
    return refusal.do


def _day(number: int) -> dt.date:
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=number * SECONDS_A_DAY)).date()


def _time(text: str, where: str) -> tuple[float, Literal["epoch", "zoned", "local"]]:
    """Seconds since 1970, and the format of the text."""
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return float(text), "epoch"
    example = "2026-10-01T09:00:00Z, or seconds since 1970"
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{where}: timestamp {text!r}: expected {example}") from error
    if not 1970 < found.year < 2200:
        raise UsageError(f"{where}: timestamp {text!r} is out of range; expected {example}")
    return found.replace(tzinfo=found.tzinfo or dt.UTC).timestamp(), "zoned" if found.tzinfo else "local"


def _count(text: str, where: str) -> float:
    if text.lower() in MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{where}: count {text!r} is not a number; correct it") from error
    if math.isinf(value) or value < 0 or value > 1e12:
        code = "not_finite" if math.isinf(value) else "negative" if value < 0 else "too_large"
        missing = f"{where}: count {text}: needs a number from 0 to 1e12"
        raise RefusalError(Refusal(code, missing, "correct it, or leave the count empty"))
    return value
