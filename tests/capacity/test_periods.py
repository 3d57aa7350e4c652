"""Rhythms of dates."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.periods import Cadence, cadence_of

D = dt.date


@pytest.mark.parametrize(
    ("dates", "name", "following"),
    [
        ([D(2024, 1, 31), D(2024, 2, 29), D(2024, 3, 31)], "month", D(2024, 4, 30)),
        ([D(2024, 1, 30), D(2024, 2, 29), D(2024, 3, 30)], "month", D(2024, 4, 30)),
        ([D(2024, 1, 1), D(2024, 2, 1), D(2024, 3, 1)], "month", D(2024, 4, 1)),
        ([D(2024, 3, 31), D(2024, 6, 30), D(2024, 9, 30)], "quarter", D(2024, 12, 31)),
        ([D(2020, 2, 29), D(2021, 2, 28), D(2022, 2, 28)], "year", D(2023, 2, 28)),
        ([D(2024, 1, 1), D(2024, 1, 8), D(2024, 1, 15)], "week", D(2024, 1, 22)),
        ([D(2024, 2, 28), D(2024, 2, 29), D(2024, 3, 1)], "day", D(2024, 3, 2)),
        ([D(2024, 1, 1), D(2024, 1, 11), D(2024, 1, 21)], "10 days", D(2024, 1, 31)),
    ],
)
def test_rhythm_is_found_and_carried_on(dates: list[dt.date], name: str, following: dt.date) -> None:
    cadence = cadence_of(dates)
    assert cadence is not None
    assert cadence.name == name
    assert cadence.after(dates[-1], 1) == following


@pytest.mark.parametrize(
    "dates",
    [
        [D(2024, 1, 31), D(2024, 3, 31), D(2024, 4, 30)],
        [D(2024, 1, 5), D(2024, 2, 17), D(2024, 3, 1)],
        [D(2024, 1, 1), D(2024, 1, 1), D(2024, 1, 1)],
        [D(2024, 1, 3), D(2024, 1, 2), D(2024, 1, 1)],
    ],
)
def test_no_rhythm_is_none(dates: list[dt.date]) -> None:
    assert cadence_of(dates) is None


@given(st.dates(D(1990, 1, 1), D(2090, 1, 1)), st.sampled_from([1, 2, 3, 12]), st.integers(3, 40))
def test_months_found_are_the_months_made(start: dt.date, months: int, count: int) -> None:
    made = Cadence(months=months, days=0, anchor_day=start.day)
    dates = [made.after(start, i) for i in range(count)]
    found = cadence_of(dates)
    assert found is not None
    assert found.months == months
    if not found.month_end:
        assert found.after(dates[-1], 5) == made.after(dates[-1], 5)
