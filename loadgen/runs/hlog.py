"""HdrHistogram logs (format 1.3): a line for each interval and tag, readable by HdrHistogram's tools in any language.

Times are seconds since the log's base time; Interval_Max is in milliseconds with three decimals, which keeps the
largest latency to the microsecond. The lines are written here because the library's writer knows no tags and rounds
the maximum down; histograms are encoded and decoded by the library.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TextIO, cast, get_args

from loadgen.errors import UsageError
from loadgen.runs.histogram import HIGHEST_US, LOWEST_US, SIGNIFICANT_DIGITS, Histogram

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

Subject = Literal["txn", "stmt"]
Measure = Literal["service", "lag", "response", "censored"]
"""Kind of latency; ``censored`` has the response times of an open load that are lower bounds."""

_LEGEND: Final = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
_BASE = re.compile(r"#\[BaseTime: ([\d.]+) ")
_LINE = re.compile(r"(?:Tag=([^,\s]+),)?([\d.]+),([\d.]+),([\d.]+),(\S+)")


@dataclass(frozen=True, slots=True)
class Series:
    """Transaction or statement, and kind of latency: the tag of a line, ``txn:open_dashboard:response``."""

    subject: Subject
    name: str
    measure: Measure

    @property
    def tag(self) -> str:
        """The tag as a log has it. Raises ValueError for a name that a log cannot hold."""
        if not re.fullmatch(r"[^\s,:]+", self.name):
            raise ValueError(f"a latency log cannot name {self.name!r}: no space, comma or colon")
        return f"{self.subject}:{self.name}:{self.measure}"

    @staticmethod
    def from_tag(tag: str) -> Series:
        """Parse a tag. Raises ValueError for a tag of another tool."""
        subject, name, measure, *rest = [*tag.split(":"), "", ""]
        if subject not in get_args(Subject) or measure not in get_args(Measure) or not name or any(rest):
            raise ValueError(f"{tag!r} is not subject:name:measure")
        return Series(cast(Subject, subject), name, cast(Measure, measure))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: latencies recorded from ``start_s`` (since the log's base time) for ``length_s``."""

    tag: str
    start_s: float
    length_s: float
    histogram: Histogram


class Writer:
    """Appends entries to an open text file; the header is written at once."""

    def __init__(self, stream: TextIO, base_time: dt.datetime) -> None:
        self._stream = stream
        self._codec = _histogram()
        epoch = f"{base_time.timestamp():.3f} (seconds since epoch)"
        stream.write("#[Histogram log format version 1.3]\n")
        stream.write(f"#[StartTime: {epoch}, {base_time.isoformat()}]\n#[BaseTime: {epoch}]\n{_LEGEND}")

    def write(self, entry: Entry) -> None:
        """Write one line. Raises ValueError for a tag with a comma or white space."""
        if not re.fullmatch(r"[^,\s]+", entry.tag):
            raise ValueError(f"a latency log cannot hold the tag {entry.tag!r}: no comma, no white space")
        times = f"{entry.start_s:.3f},{entry.length_s:.3f},{entry.histogram.max_us / 1000:.3f}"
        self._stream.write(f"Tag={entry.tag},{times},{self._encoded(entry.histogram)}\n")

    def _encoded(self, histogram: Histogram) -> str:
        # One library object for all lines: making one costs ten times as much as encoding a line.
        codec = self._codec
        for index, count in histogram.counts.items():
            codec.counts[index] = count
        codec.total_count = histogram.total
        codec.max_value = histogram.max_us
        text: str = codec.encode().decode("ascii")
        for index in histogram.counts:
            codec.counts[index] = 0
        return text


def write(path: Path, base_time: dt.datetime, entries: Iterable[Entry]) -> None:
    """Write a whole log."""
    with path.open("w", encoding="ascii") as stream:
        writer = Writer(stream, base_time)
        for entry in entries:
            writer.write(entry)


def read(path: Path) -> Iterator[Entry]:
    """Read the entries of a log in order. Raises UsageError, naming the line, for a file that is no such log."""
    try:
        with path.open(encoding="ascii") as stream:
            yield from (_entry(line, path, number) for number, line in enumerate(stream, 1) if line[0] not in '#"')
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check that the run's directory is complete") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not an HdrHistogram log; give latency.hlog of a run") from error


def base_time(path: Path) -> dt.datetime:
    """Read the time of a log's second 0, in UTC. Raises UsageError for a log without one."""
    with path.open(encoding="ascii") as stream:
        for line in stream:
            if match := _BASE.match(line):
                return dt.datetime.fromtimestamp(float(match[1]), dt.UTC)
            if not line.startswith("#"):
                break
    raise UsageError(f"{path} has no base time; give latency.hlog of a run")


def _entry(line: str, path: Path, number: int) -> Entry:
    import zlib

    from hdrh.codec import HdrCookieException, HdrLengthException
    from hdrh.histogram import HdrHistogram

    try:
        match = _LINE.fullmatch(line.rstrip("\r\n"))
        if match is None:
            raise ValueError("not tag,start,length,max,histogram")
        decoded = HdrHistogram.decode(match[5])
        layout = (decoded.lowest_trackable_value, decoded.highest_trackable_value, decoded.significant_figures)
        if layout != (LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS):
            raise ValueError(f"another layout, {layout}")
        max_us = round(float(match[4]) * 1000)
        return Entry(match[1] or "", float(match[2]), float(match[3]), Histogram(_nonzero(decoded), max_us))
    except (ValueError, zlib.error, HdrCookieException, HdrLengthException) as error:
        raise UsageError(f"{path}, line {number} is not an interval ({error}); give latency.hlog of a run") from error


def _nonzero(decoded: HdrHistogram) -> dict[int, int]:
    import numpy as np

    counts = np.frombuffer(decoded.counts, np.uint64)
    slots = np.flatnonzero(counts)
    return dict(zip(slots.tolist(), counts[slots].tolist(), strict=True))


def _histogram() -> HdrHistogram:
    from hdrh.histogram import HdrHistogram

    return HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
