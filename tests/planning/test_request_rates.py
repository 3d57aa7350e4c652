"""Request counts from a file: what is read, and that whatever else is in it is one line."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from production_samples import requests_csv

from capacity.values import Origin
from loadgen.errors import LoadgenError, RefusalError, UsageError
from loadgen.planning.workload.request_rates import measured_peak, read_requests


def test_zones_and_seconds_since_1970_are_the_same_times(tmp_path: Path) -> None:
    zoned = measured_peak(requests_csv(tmp_path / "z.csv"))
    plain = measured_peak(requests_csv(tmp_path / "p.csv", zone=""))
    lines = (tmp_path / "z.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    epochs = [f"{dt.datetime.fromisoformat(t).timestamp():.0f},{n}" for t, n in rows]
    (tmp_path / "e.csv").write_text("\n".join([lines[0], *epochs]))
    shifted = [
        f"{dt.datetime.fromisoformat(t).astimezone(dt.timezone(dt.timedelta(hours=5))).isoformat()},{n}"
        for t, n in rows
    ]
    (tmp_path / "s.csv").write_text("\n".join([lines[0], *shifted]))
    assert zoned.peak == plain.peak == measured_peak(tmp_path / "e.csv").peak == measured_peak(tmp_path / "s.csv").peak
    assert (zoned.zone, plain.zone) == ("given", "UTC")
    assert (zoned.first, zoned.last) == (dt.date(2026, 9, 7), dt.date(2026, 9, 27))
    assert "21 days of z.csv, 2026-09-07 to 2026-09-27, by 3600 s" in zoned.in_words


def test_order_is_put_right_and_said(tmp_path: Path) -> None:
    ordered = measured_peak(requests_csv(tmp_path / "r.csv"))
    header, *rows = (tmp_path / "r.csv").read_text().splitlines()
    random.Random(1).shuffle(rows)
    (tmp_path / "r.csv").write_text("\n".join([header, *rows]))
    turned = measured_peak(tmp_path / "r.csv")
    assert turned.peak == ordered.peak
    assert turned.unordered > 100 and ordered.unordered == 0


def test_rates_are_counts_over_time(tmp_path: Path) -> None:
    counted = measured_peak(requests_csv(tmp_path / "c.csv"))
    _, *rows = (tmp_path / "c.csv").read_text().splitlines()
    rates = [f"{t},{int(n) / 3600}" for t, n in (row.split(",") for row in rows)]
    (tmp_path / "r.csv").write_text("\n".join(["timestamp,requests_per_s", *rates]))
    found = measured_peak(tmp_path / "r.csv").peak
    assert found.mean_per_s == pytest.approx(counted.peak.mean_per_s)
    assert found.second.value == pytest.approx(counted.peak.second.value, rel=1e-3)


@pytest.mark.parametrize(
    ("comment", "origin"),
    [
        ("", Origin.MEASURED),
        ("# synthetic: a run of ours", Origin.SYNTHETIC),
        ("# Assumption: a guess", Origin.ASSUMPTION),
    ],
)
def test_a_comment_says_what_the_numbers_are(tmp_path: Path, comment: str, origin: Origin) -> None:
    assert measured_peak(requests_csv(tmp_path / "r.csv", comment=comment)).origin is origin


def test_a_missing_count_is_none_and_a_gap_leaves_its_day_out(tmp_path: Path) -> None:
    lines = requests_csv(tmp_path / "r.csv").read_text().splitlines()
    lines[5] = lines[5].split(",")[0] + ",NA"
    del lines[60:70]
    (tmp_path / "r.csv").write_text("\n".join(lines))
    found = measured_peak(tmp_path / "r.csv")
    assert (found.peak.days, found.peak.left_out_days) == (20, 1)
    assert "1 day incomplete left out" in found.in_words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rows"),
        ("timestamp,requests\n", "no rows below the header"),
        ("date,value\n2026-01-01,1\n", "line 1: columns are date, value; needs timestamp"),
        ("timestamp,requests\nsoon,1\n", "line 2: timestamp 'soon'"),
        ("timestamp,requests\n2026-01-01T00:00 Europe/Berlin,1\n", "line 2: timestamp"),
        ("timestamp,requests\n2026-01-01T00:00Z,1\n2026-01-01T01:00,1\n", "line 3: timestamp '2026-01-01T01:00'"),
        ("timestamp,requests\n2026-01-01T00:00Z,many\n", "line 2: count 'many'"),
        ("timestamp,requests\n2026-01-01T00:00Z,1,2\n", "line 2: 3 values for 2 columns"),
        ('timestamp,requests\n"2026-01-01T00:00Z,1\n', "line 2: not CSV"),
        ("timestamp,requests\n0001-01-01T00:00+14:00,1\n", "line 2: timestamp"),
    ],
)
def test_what_cannot_be_read_names_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_requests(tmp_path / "r.csv")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def _rows(text: str) -> str:
    return "timestamp,requests\n" + text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (_rows("2026-01-01T00:00Z,-1\n"), "negative"),
        (_rows("2026-01-01T00:00Z,inf\n"), "not_finite"),
        (_rows("2026-01-01T00:00Z,1e13\n"), "too_large"),
        (_rows("2026-01-01T00:00Z,nan\n"), "too_few_days"),
        (_rows("2026-01-01T00:00Z,1\n2026-01-01T00:00Z,1\n"), "doubled_time"),
        (_rows("".join(f"2026-01-{d:02}T00:00Z,5\n" for d in range(1, 30))), "too_coarse"),
        (_rows("".join(f"2026-01-01T00:{m:02}Z,5\n" for m in range(60))), "too_few_days"),
        (_rows("".join(f"2026-01-01T00:{at}Z,1\n" for at in ("00", "01", "02", "02:40"))), "irregular_times"),
    ],
)  # fmt: skip
def test_what_tells_no_peak_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(RefusalError) as caught:
        measured_peak(tmp_path / "r.csv")
    assert caught.value.refusal.code == code
    assert "r.csv" in caught.value.refusal.missing


def test_the_doubled_hour_of_autumn_is_told_from_others(tmp_path: Path) -> None:
    lines = requests_csv(tmp_path / "r.csv", zone="").read_text().splitlines()
    (tmp_path / "r.csv").write_text("\n".join([*lines[:50], lines[49], *lines[50:]]))
    with pytest.raises(RefusalError, match=r"doubled_time.*write local times with their offset"):
        measured_peak(tmp_path / "r.csv")


_CELLS = st.one_of(st.floats().map(str), st.text(max_size=8), st.datetimes().map(str), st.integers().map(str))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(_CELLS, max_size=3), max_size=12))
def test_anything_is_an_answer_or_one_line(tmp_path: Path, rows: list[list[str]]) -> None:
    text = "\n".join(["timestamp,requests", *(",".join(row) for row in rows)])
    (tmp_path / "any.csv").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        measured_peak(tmp_path / "any.csv")
    except LoadgenError as error:
        assert "\n" not in str(error)
