"""How dates are written: days, months, due dates with their range, and moments."""

from __future__ import annotations

import datetime as dt

import pytest

from capacity.due import Due
from loadgen.report import dates

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
    assert dates.due(due) == text


def test_a_day_and_a_month_beyond_the_horizon_are_words() -> None:
    assert (dates.date(JAN), dates.date(None)) == ("31 Jan 2027", "not within the horizon")
    assert (dates.month(APR), dates.month(None)) == ("Apr 2027", "not within the horizon")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("2026-11-22T22:45:00+00:00", "22 Nov 2026, 22:45 UTC"), ("<yesterday>", "<yesterday>")],
)
def test_moment(text: str, shown: str) -> None:
    assert dates.moment(text) == shown
