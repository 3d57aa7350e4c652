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
        ("date,value\n2026-01-31,\n", "line 2: value ''"),
        ("date,value\n2026-01-31,nan\n", "line 2: value nan"),
        ("date,value\n2026-01-31,inf\n", "line 2: value inf"),
        ("date,value\n# note\n2026-01-31,-5\n", "line 3: value -5 is negative"),
        ("date,value\n2026-01-31,1e16\n", "line 2: value 1e16 is above"),
        ("date,value\n31.01.2026,5\n", "line 2: date '31.01.2026'"),
        ("date,value\n2026-13-01,5\n", "line 2: date '2026-13-01'"),
        ("date,value\n2026-01-31,5,6\n", "line 2: 3 values for 2 columns"),
        ("date,value\n2026-01-31\n", "line 2: 1 values for 2 columns"),
        ('date,value\n2026-01-31,"5\n', "line 2: not CSV"),
        ("date,value\n2026-01-31,5\n2026-01-31,6\n", "line 3: 2026-01-31 stands there twice"),
        ("date,value\n2026-02-28,5\n2026-01-31,6\n", "line 3: 2026-01-31 comes after 2026-02-28"),
        ("period,value\n1.5,5\n", "line 2: period '1.5'"),
        ("period,value\n99999999999,5\n", "line 2: period 99999999999 is out of range"),
        ("period,value\n2,5\n1,5\n", "line 3: 1 comes after 2"),
    ],
)
def test_a_bad_file_is_one_line_that_names_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_csv(write(tmp_path, text))
    assert says in str(caught.value)
    assert "history.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


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
