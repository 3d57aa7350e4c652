"""How numbers are written: digits follow the interval's width, bounds and gaps are said in words."""

from __future__ import annotations

import datetime as dt
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.due import Due
from capacity.values import Interval
from loadgen.report import numbers

FINITE = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(1180, 1240, 1310), "1,240 (1,180–1,310)"),
        (Interval(0.93, 1, 1.07), "1.00 (0.93–1.07)"),
        (Interval(1, 2, 3), "2 (1–3)"),
        (Interval(1, 2, math.inf), "2 (at least 1)"),
        (Interval.exact(21_744), "21,744"),
        (Interval.exact(0), "0"),
        (Interval.exact(0.7), "0.7"),
        (Interval(0.15, 0.2, 0.3), "0.20 (0.15–0.30)"),
        (Interval(1_910, 6_894, 11_870), "6,900 (1,900–11,900)"),
        (Interval(498.4, 499.5, 500.6), "500 (498–501)"),
    ],
)
def test_interval(interval: Interval, text: str) -> None:
    assert numbers.interval(interval) == text


@given(st.tuples(FINITE, FINITE, FINITE).map(sorted))
def test_interval_keeps_order_and_three_digits(ends: list[float]) -> None:
    low, value, high = ends
    text = numbers.interval(Interval(low, value, high))
    shown = [float(part.replace(",", "")) for part in re.findall(r"(?<![\d.])-?[\d,]+(?:\.\d+)?", text)]
    if len(shown) == 3:
        assert shown[1] <= shown[0] <= shown[2]
    assert shown[0] == pytest.approx(value, rel=0.006, abs=max(1e-12, 0.06 * (high - low)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.0312, "0.0312"), (99.96, "100"), (1_234_567, "1,230,000"), (-2.5, "-2.50"), (None, "–")],
)
def test_number(value: float | None, text: str) -> None:
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (numbers.milliseconds, 0.31, "0.310 ms"),
        (numbers.milliseconds, 1_240.0, "1.24 s"),
        (numbers.size, 0, "0 B"),
        (numbers.size, 8 * 2**30, "8 GiB"),
        (numbers.share, 0.0, "0%"),
        (numbers.share, 1e-6, "< 0.01%"),
        (numbers.share, 0.9996, "> 99.9%"),
        (numbers.share, 0.9953, "99.5%"),
        (numbers.share, 1.0, "100%"),
        (numbers.month, None, "not within the horizon"),
        (numbers.moment, "2026-11-22T22:45:00+00:00", "22 Nov 2026, 22:45 UTC"),
        (numbers.moment, "<yesterday>", "<yesterday>"),
    ],
)
def test_units(function: object, value: object, text: str) -> None:
    assert callable(function)
    assert function(value) == text


JAN, APR = dt.date(2027, 1, 31), dt.date(2027, 4, 30)


@pytest.mark.parametrize(
    ("due", "text"),
    [
        (Due(JAN, APR, None), "Apr 2027 (Jan 2027 to beyond the horizon)"),
        (Due(APR, None, None), "not within the horizon; Apr 2027 at the earliest"),
        (Due(None, None, None), "not within the horizon"),
        (Due(APR, APR, APR), "Apr 2027"),
    ],
)
def test_due(due: Due, text: str) -> None:
    assert numbers.due(due) == text


def test_bytes_of_an_interval_share_one_unit() -> None:
    assert numbers.quantity(Interval(0.5 * 2**30, 1.2 * 2**30, 2 * 2**30), "bytes") == "1.2 (0.5–2.0) GiB"
