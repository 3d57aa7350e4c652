"""Logs come back as written, here and through the hdrhistogram package's own reader."""

from __future__ import annotations

import datetime as dt
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
