"""Counted requests from a CSV file, and the peak to mean that they tell."""

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

KIND: Final = Kind("requests", "timestamp,requests", "minute", 3_000_000, 128 * MIB, "sum it up by minute")
"""As many rows are a month of seconds, five years of minutes; its size is an assumption: 42 characters a row."""
COLUMNS: Final = ("requests", "requests_per_s")
SYNTHETIC: Final = re.compile(r"#\s*synthetic\b", re.IGNORECASE)
"""A comment above the header that begins so says that a load generator made the requests."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Counts by the second since 1970 at which their bucket begins; NaN where nothing was counted."""

    start_s: tuple[float, ...]
    counts: tuple[float, ...]
    rates: bool
    """They are requests a second rather than requests."""
    zone: Literal["UTC", "given"]
    """``UTC``: the file's times name no zone, and are taken for that."""
    unordered: int
    """Rows that stand before an earlier one."""
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class MeasuredPeak:
    """The peak to mean of a file, with everything that its reader must know."""

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
        """What was counted, when, and how finely."""
        days = counted(self.peak.days, "day")
        parts = [f"{days} of {self.source}, {self.first} to {self.last}, by {self.peak.bucket_s:g} s"]
        if self.peak.left_out_days:
            parts.append(f"{counted(self.peak.left_out_days, 'day')} not counted whole left out")
        if self.peak.bucket_s > FINEST_S:
            parts.append(f"the busiest was {self.peak.ratio.value:.3g}, carried to its seconds as independent arrivals")
        return "; ".join(parts)


def measured_peak(path: Path, level: float = LEVEL) -> MeasuredPeak:
    """The peak to mean of a file of counts. Raises UsageError and RefusalError as :func:`read_requests` does, and
    RefusalError for counts that tell no peak."""
    read = read_requests(path)
    times, counts = read.start_s, read.counts
    peak = peak_to_mean(times, counts, level)
    if isinstance(peak, Refusal):
        raise RefusalError(Refusal(peak.code, f"{path}: needs {peak.missing}", _do(peak, read)))
    if read.rates:
        # Rates say the same ratio; the seconds within a bucket need its count.
        scaled = peak_to_mean(times, [count * peak.bucket_s for count in counts], level)
        assert isinstance(scaled, Peak), scaled
        peak = scaled
    return MeasuredPeak(
        peak, _day(peak.first_day), _day(peak.last_day), len(times), read.unordered, read.zone, read.origin, read.source
    )


def read_requests(path: Path) -> Requests:
    """Read ``timestamp,requests`` or ``timestamp,requests_per_s``; other columns are ignored, and ``#`` lines but for
    ``# assumption …`` and ``# synthetic …`` above the header, which say what the numbers are.

    A timestamp begins its bucket: ISO 8601 with a zone, the same without one (taken for UTC), or seconds since 1970;
    one kind in a file. An empty or ``NA`` count was not taken. Raises UsageError that names the line for what cannot be
    read, RefusalError for a number that is no count.
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
                f"{where}: timestamp {cells[at_time]!r} is of another kind than those above; write all alike"
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
    """A doubled hour in autumn is the usual reason for doubled times without a zone."""
    if refusal.code == "doubled_time" and read.zone == "UTC":
        return f"{refusal.do}; of local times write the offset too, as 2026-10-25T02:00+01:00"
    return refusal.do


def _day(number: int) -> dt.date:
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=number * SECONDS_A_DAY)).date()


def _time(text: str, where: str) -> tuple[float, Literal["epoch", "zoned", "local"]]:
    """Seconds since 1970, and how they were written."""
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return float(text), "epoch"
    example = "2026-10-01T09:00:00Z, or seconds since 1970"
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{where}: timestamp {text!r} is not one; write {example}") from error
    if not 1970 < found.year < 2200:
        raise UsageError(f"{where}: timestamp {text!r} is out of range; write {example}")
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
