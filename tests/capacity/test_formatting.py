"""Rules of formatting: digits follow an interval's width, units the size; bounds and missing values are said."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import formatting
from capacity.values import Interval

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
        (Interval(50_199.0, 50_200.0, 50_201.0), "50,200"),
    ],
)
def test_interval(interval: Interval, text: str) -> None:
    assert formatting.interval(interval) == text


@given(st.tuples(FINITE, FINITE, FINITE).map(sorted))
def test_interval_keeps_order_and_three_digits(ends: list[float]) -> None:
    low, value, high = ends
    text = formatting.interval(Interval(low, value, high))
    shown = [float(part.replace(",", "")) for part in re.findall(r"(?<![\d.])-?[\d,]+(?:\.\d+)?", text)]
    if len(shown) == 3:
        assert shown[1] <= shown[0] <= shown[2]
    assert shown[0] == pytest.approx(value, rel=0.006, abs=max(1e-12, 0.06 * (high - low)))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (0.0312, "0.0312"), (99.96, "100"), (1_234_567, "1,230,000"), (-2.5, "-2.50"), (None, "–")],
)
def test_number(value: float | None, text: str) -> None:
    assert formatting.number(value) == text


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (formatting.count, 1234.0, "1,234"),
        (formatting.milliseconds, 0.31, "0.310 ms"),
        (formatting.milliseconds, 1_240.0, "1.24 s"),
        (formatting.milliseconds, None, "–"),
        (formatting.seconds, 0.0, "0 s"),
        (formatting.seconds, 0.25, "250 ms"),
        (formatting.seconds, 59.0, "59 s"),
        (formatting.seconds, 90.0, "1.50 min"),
        (formatting.seconds, 7_200.0, "2 h"),
        (formatting.size, 0, "0 B"),
        (formatting.size, 512, "512 B"),
        (formatting.size, 1_024, "1 kB"),
        (formatting.size, 1.5 * 2**20, "1.50 MB"),
        (formatting.size, 8 * 2**30, "8 GB"),
        (formatting.size, 3 * 2**40, "3 TB"),
        (formatting.size, None, "–"),
        (formatting.size_interval, Interval(0.5 * 2**30, 1.2 * 2**30, 2 * 2**30), "1.2 (0.5–2.0) GB"),
        (formatting.share, 0.0, "0%"),
        (formatting.share, 1e-6, "< 0.01%"),
        (formatting.share, 0.07, "7%"),
        (formatting.share, 0.9953, "99.5%"),
        (formatting.share, 0.9996, "> 99.9%"),
        (formatting.share, 1.0, "100%"),
        (formatting.share_interval, Interval(0.9, 0.92, 0.95), "92% (90–95%)"),
        (formatting.share_interval, Interval.exact(0.5), "50%"),
        (formatting.chance, 0.94999, "94.9%"),
        (formatting.chance, 0.95, "95%"),
    ],
)
def test_units(function: Callable[[object], str], value: object, text: str) -> None:
    assert function(value) == text


@pytest.mark.parametrize(("unit", "text"), [("bytes", "2 (1–3) kB"), ("cores", "2,000 (1,000–3,100) cores")])
def test_quantity(unit: str, text: str) -> None:
    assert formatting.quantity(Interval(1_024, 2_048, 3_072), unit) == text


def test_one_is_singular_and_all_else_plural() -> None:
    assert [formatting.counted(n, "day") for n in (0, 1, 2, 1200)] == ["0 days", "1 day", "2 days", "1,200 days"]
