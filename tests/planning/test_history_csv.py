"""Histories from CSV files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from capacity.growth import Forecast, Scenarios
from capacity.values import Origin
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.history import read_csv


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "history.csv"
    path.write_text(text, "utf-8")
    return path


def test_dates_and_values_are_read_whatever_surrounds_them(tmp_path: Path) -> None:
    text = "\ufeff# users by month\nnote, Value ,date\nx,10,2026-01-31\n\n# gap\ny, 12.5 ,2026-02-28\n"
    history = read_csv(write(tmp_path, text))
    assert history.values == (10, 12.5)
    assert history.dates == (dt.date(2026, 1, 31), dt.date(2026, 2, 28))
    assert history.periods is None
    assert history.origin is Origin.MEASURED


def test_periods_are_read(tmp_path: Path) -> None:
    history = read_csv(write(tmp_path, "period,value\n-1,1\n0,2\n1,3\n"))
    assert (history.periods, history.dates) == ((-1, 0, 1), None)
    assert isinstance(history.forecast(3, 0.9), Scenarios)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rows"),
        ("date,value\n", "no rows below the header"),
        ("date,users\n2026-01-31,5\n", "line 1: columns are date, users"),
        ("month,value\n2026-01-31,5\n", "line 1: columns are month, value"),
        ("date,value\n2026-01-31,many\n", "line 2: value 'many'"),
        ("date,value\n31.01.2026,5\n", "line 2: date '31.01.2026': expected year-month-day, such as 2025-07-31"),
        ("date;value\n2026-01-31;5\n", "line 1: columns are separated by semicolons; write commas, such as date,value"),
        ("date\tvalue\n2026-01-31\t5\n", "line 1: columns are separated by tabs; write commas"),
        ("date,value\n2026-13,5\n", "line 2: date '2026-13'"),
        ("date,value\n2026-13-01,5\n", "line 2: date '2026-13-01'"),
        ("date,value\n2026-01-31,5,6\n", "line 2: 3 values for 2 columns"),
        ("date,value\n2026-01-31\n", "line 2: 1 value for 2 columns"),
        ('date,value\n2026-01-31,"5\n', "line 2: not CSV"),
        ("period,value\n1.5,5\n", "line 2: period '1.5'"),
        ("period,value\n99999999999,5\n", "line 2: period 99999999999 is out of range"),
    ],
)
def test_a_bad_file_is_one_line_that_names_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_csv(write(tmp_path, text))
    assert says in str(caught.value)
    assert "history.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("date,value\n# note\n2026-01-31,-5\n", "negative", "line 3: value -5"),
        ("date,value\n2026-01-31,inf\n", "not_finite", "line 2: value inf"),
        ("date,value\n2026-01-31,1e16\n", "too_large", "line 2: value 1e16"),
    ],
)
def test_a_number_that_is_no_count_is_refused_where_it_stands(tmp_path: Path, text: str, code: str, says: str) -> None:
    with pytest.raises(RefusalError) as caught:
        read_csv(write(tmp_path, text))
    assert caught.value.refusal.code == code
    assert says in str(caught.value)
    assert "history.csv" in str(caught.value)


def test_months_and_times_of_day_are_dates(tmp_path: Path) -> None:
    rows = "2026-02,1\n2026-03-31T12:00:00,2\n2026-04-30 23:59:59,3\n2026-05-31T00:00:00Z,4\n"
    dates = read_csv(write(tmp_path, "date,value\n" + rows)).dates
    assert dates == (dt.date(2026, 2, 28), dt.date(2026, 3, 31), dt.date(2026, 4, 30), dt.date(2026, 5, 31))


def test_disorder_doubles_and_missing_values_are_handled_and_said(tmp_path: Path) -> None:
    rows = [f"{n},{100 + 10 * n + n % 3}" for n in range(24)]
    rows[7] = "7,NA"
    rows[9] = "9,"
    tangled = [*rows[12:], *rows[:12], "23,345"]
    answer = read_csv(write(tmp_path, "period,value\n" + "\n".join(tangled) + "\n")).forecast(6, 0.9)
    assert isinstance(answer, Forecast)
    assert {a.kind: a.count for a in answer.adjustments} == {"sorted": 1, "duplicate": 1, "interpolated": 2}
    assert [o.period for o in answer.history] == list(range(24))
    assert answer.history[-1].value == 345
    mean = read_csv(tmp_path / "history.csv").forecast(6, 0.9, duplicates="mean")
    assert isinstance(mean, Forecast)
    assert mean.history[-1].value == pytest.approx((345 + 332) / 2)


def test_what_is_no_text_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for path, says in (
        (tmp_path / "none.csv", "No such file"),
        (tmp_path, "directory"),
        (tmp_path / "binary.csv", "UTF-8"),
    ):
        with pytest.raises(UsageError, match=says):
            read_csv(path)


def test_an_endless_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than 100,000 rows"):
        read_csv(write(tmp_path, "period,value\n" + "1,1\n" * 100_001))


def test_a_gap_and_one_row_are_refusals_that_name_the_file(tmp_path: Path) -> None:
    for text, code in (
        ("date,value\n2026-01-31,5\n", "too_few_points"),
        ("date,value\n2026-01-31,5\n2026-02-28,6\n2026-05-31,7\n", "irregular"),
        ("period,value\n1,5\n2,6\n4,7\n", "irregular"),
    ):
        with pytest.raises(RefusalError, match=r"history\.csv") as caught:
            read_csv(write(tmp_path, text)).forecast(6, 0.9)
        assert caught.value.refusal.code == code


def test_twelve_rows_give_an_interval(tmp_path: Path) -> None:
    rows = "".join(f"{n},{100 + 10 * n + n % 3}\n" for n in range(12))
    assert isinstance(read_csv(write(tmp_path, "period,value\n" + rows)).forecast(6, 0.9), Forecast)
