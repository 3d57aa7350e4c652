"""Logs come back as written, here and through the hdrhistogram package's own reader."""

from __future__ import annotations

import base64
import datetime as dt
import struct
import zlib
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadgen.errors import UsageError
from loadgen.runs import hlog
from loadgen.runs.histogram import EMPTY, HIGHEST_US, LOWEST_US, SIGNIFICANT_DIGITS, Histogram

BASE = dt.datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=dt.UTC)
HISTOGRAMS = st.lists(st.integers(0, HIGHEST_US), max_size=40).map(Histogram.of)
TAGS = ["txn:open_dashboard:response", "stmt:goals:service"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TAGS), HISTOGRAMS), max_size=5))
def test_round_trip(tmp_path: Path, written: list[tuple[str, Histogram]]) -> None:
    entries = [hlog.Entry(tag, second, 1.0, histogram) for second, (tag, histogram) in enumerate(written)]
    path = tmp_path / "latency.hlog"
    hlog.write(path, BASE, entries)
    assert list(hlog.read(path)) == entries
    assert hlog.base_time(path) == BASE


def test_the_packages_own_reader_sees_the_same(tmp_path: Path) -> None:
    histograms = [Histogram.of([1, 5_003, 5_003, HIGHEST_US]), EMPTY, Histogram.of(range(0, 100_000, 7))]
    entries = [hlog.Entry(TAGS[i % 2], float(i), 1.0, histogram) for i, histogram in enumerate(histograms)]
    path = tmp_path / "latency.hlog"
    hlog.write(path, BASE, entries)
    reader = HistogramLogReader(str(path), HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS))
    try:
        for entry in entries:
            read = reader.get_next_interval_histogram()
            assert {i: n for i, n in enumerate(read.counts) if n} == entry.histogram.counts
            assert read.get_total_count() == entry.histogram.total
            assert read.get_tag() == entry.tag
            start_ms = (BASE.timestamp() + entry.start_s) * 1000
            assert read.get_start_time_stamp() == pytest.approx(start_ms, abs=1)
            assert read.get_end_time_stamp() == pytest.approx(start_ms + 1000, abs=1)
        assert reader.get_next_interval_histogram() is None
    finally:
        reader.close()


def decoded(text: str) -> tuple[tuple[int, ...], dict[int, int]]:
    """A histogram's layout and counts, by the published format alone (HdrHistogram's V2 encoding, compressed)."""
    packed = base64.b64decode(text)
    cookie, length = struct.unpack(">ii", packed[:8])
    assert cookie == 0x1C849304 | 0x10
    assert length == len(packed) - 8
    payload = zlib.decompress(packed[8:])
    cookie, length, offset, digits, lowest, highest, ratio = struct.unpack(">iiiiqqd", payload[:40])
    assert cookie == 0x1C849303 | 0x10
    assert (offset, ratio, length) == (0, 1.0, len(payload) - 40)
    counts: dict[int, int] = {}
    slot, place = 0, 40
    while place < len(payload):
        number, shift = 0, 0
        while True:  # LEB128 of nine bytes at most: seven bits a byte, all eight of the ninth
            byte = payload[place]
            place += 1
            number |= (byte if shift == 56 else byte & 0x7F) << shift
            shift += 7
            if shift > 56 or not byte & 0x80:
                break
        value = (number >> 1) ^ -(number & 1)  # zigzag
        if value > 0:
            counts[slot] = value
        slot += 1 if value >= 0 else -value  # below zero: so many empty ones
    return (lowest, highest, digits), counts


def test_lines_are_of_the_published_format(tmp_path: Path) -> None:
    """What Java's HistogramLogProcessor and others read; no line of the library is used to read it here."""
    histogram = Histogram.of([1, 1, 900, 5_003, *range(100_000, 900_000, 11), HIGHEST_US])
    path = tmp_path / "latency.hlog"
    hlog.write(path, BASE, [hlog.Entry(TAGS[0], 3.0, 1.0, histogram)])
    version, started, base, legend, line = path.read_text("ascii").splitlines()
    assert version == "#[Histogram log format version 1.3]"
    assert started.startswith(f"#[StartTime: {BASE.timestamp():.3f} (seconds since epoch)")
    assert base == f"#[BaseTime: {BASE.timestamp():.3f} (seconds since epoch)]"
    assert legend == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    tag, start, length, longest, text = line.split(",")
    assert (tag, start, length, longest) == (f"Tag={TAGS[0]}", "3.000", "1.000", f"{HIGHEST_US / 1000:.3f}")
    layout, counts = decoded(text)
    assert layout == (LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
    assert counts == histogram.counts


def test_series_are_tags_and_back() -> None:
    series = hlog.Series("stmt", "goals_by_status", "service")
    assert series.tag == "stmt:goals_by_status:service"
    assert hlog.Series.from_tag(series.tag) == series
    for tag in ("", "txn:a", "txn:a:b", "x:a:lag", "txn::lag", "txn:a:lag:more"):
        with pytest.raises(ValueError, match="subject:name:measure"):
            hlog.Series.from_tag(tag)
    with pytest.raises(ValueError, match="no space"):
        _ = hlog.Series("txn", "two words", "lag").tag


@pytest.mark.parametrize(
    "line", ["nonsense", "Tag=a,0.0,1.0,0.1,HISTnonsense", "Tag=a,0.0,1.0,x,HIST", "Tag=a b,0,1,1,HIST", "0,1,1,"]
)
def test_broken_lines_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "latency.hlog"
    hlog.write(path, BASE, [])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(UsageError, match="line 5 is not an interval"):
        list(hlog.read(path))


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = HdrHistogram(1, 1000, 2)
    other.record_value(5)
    path = tmp_path / "other.hlog"
    path.write_text(f"0.0,1.0,0.1,{other.encode().decode()}\n")
    with pytest.raises(UsageError, match="another layout"):
        list(hlog.read(path))
    with pytest.raises(UsageError, match="no base time"):
        hlog.base_time(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not an HdrHistogram log"):
        list(hlog.read(path))
    with pytest.raises(UsageError, match="cannot read"):
        list(hlog.read(tmp_path / "absent"))


def test_a_tag_that_would_break_the_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no comma"):
        hlog.write(tmp_path / "x", BASE, [hlog.Entry("a,b", 0, 1, EMPTY)])
