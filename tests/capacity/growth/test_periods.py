"""Rhythms of dates and numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.growth.periods import Cadence, Grid

D = dt.date


def cadence(dates: Sequence[dt.date]) -> Cadence:
    found = Grid.dates(dates).labels.cadence
    assert found is not None
    return found


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
        ([D(2024, 1, d) for d in (4, 5, 8, 9, 10, 11, 12)], "weekday", D(2024, 1, 15)),
    ],
)
def test_rhythm_is_found_and_carried_on(dates: list[dt.date], name: str, following: dt.date) -> None:
    grid = Grid.dates(dates)
    assert (grid.exact, grid.count, cadence(dates).name) == (True, len(dates), name)
    assert grid.labels.date(grid.count + 1) == following
    assert grid.marks == [d.toordinal() for d in dates]


@pytest.mark.parametrize(
    ("dates", "count", "name"),
    [
        ([D(2024, 1, 31), D(2024, 2, 29), D(2024, 4, 30), D(2024, 5, 31)], 5, "month"),
        ([D(2024, 1, 1), D(2024, 1, 2), D(2024, 1, 6)], 6, "day"),
        ([D(2023, 12, 28), D(2023, 12, 29), D(2024, 1, 2), D(2024, 1, 3), D(2024, 1, 5)], 7, "weekday"),
    ],
)
def test_a_gap_leaves_the_rhythm_exact(dates: list[dt.date], count: int, name: str) -> None:
    grid = Grid.dates(dates)
    assert (grid.exact, grid.count, cadence(dates).name) == (True, count, name)
    assert set(grid.marks) >= {d.toordinal() for d in dates}
    assert len(grid.marks) == count


@pytest.mark.parametrize(
    ("steps", "name"),
    [((29, 33, 30, 28, 34), "month"), ((6, 8, 7, 5), "week"), ((88, 95, 90, 96), "quarter"), ((360, 371, 365), "year")],
)
def test_dates_without_rhythm_get_the_nearest_calendar_period(steps: tuple[int, ...], name: str) -> None:
    dates = [D(2020, 1, 7)]
    for step in steps:
        dates.append(dates[-1] + dt.timedelta(days=step))
    grid = Grid.dates(dates)
    assert (grid.exact, cadence(dates).name) == (False, name)
    assert grid.marks[-1] == dates[-1].toordinal()
    assert grid.marks[0] >= dates[0].toordinal()
    assert abs(grid.count - len(dates)) <= 1


@pytest.mark.parametrize(
    ("numbers", "step", "count"),
    [([1, 2, 3], 1, 3), ([1950, 1955, 1965], 5, 4), ([1, 3, 4], 1, 4), ([7], 1, 1), ([0, 2, 4, 7], 1, 8)],
)
def test_numbered_periods_have_a_step(numbers: list[int], step: int, count: int) -> None:
    grid = Grid.numbered(numbers)
    assert (grid.labels.step, grid.count) == (step, count)
    assert set(numbers) <= set(grid.marks)
    assert grid.labels.period(grid.count + 1) == numbers[-1] + step


@given(st.dates(D(1990, 1, 1), D(2090, 1, 1)), st.sampled_from([1, 2, 3, 12]), st.integers(3, 40))
def test_months_found_are_the_months_made(start: dt.date, months: int, count: int) -> None:
    made = Cadence(months=months, days=0, anchor_day=start.day)
    dates = [made.after(start, i) for i in range(count)]
    found = cadence(dates)
    assert found.months == months
    if not found.month_end:
        assert found.after(dates[-1], 5) == made.after(dates[-1], 5)


@given(st.dates(D(1990, 1, 1), D(2090, 1, 1)), st.integers(-400, 400), st.booleans(), st.sampled_from([1, 3, 12]))
def test_a_step_back_undoes_a_step_on(start: dt.date, steps: int, weekdays: bool, months: int) -> None:
    made = Cadence(0, 1, weekdays=True) if weekdays else Cadence(months, 0, anchor_day=start.day)
    if weekdays and start.weekday() > 4:
        start -= dt.timedelta(days=2)
    assert made.after(made.after(start, steps), -steps) == start
    if weekdays:
        assert made.after(start, steps).weekday() < 5


def test_the_calendar_ends() -> None:
    with pytest.raises(OverflowError):
        Cadence(12, 0, anchor_day=31).after(D(9999, 12, 31), 1)
    with pytest.raises(OverflowError):
        Cadence(12, 0, anchor_day=1).after(D(1, 1, 1), -1)


@given(st.lists(st.dates(D(1, 1, 1), D(9999, 12, 31)), min_size=1, max_size=30, unique=True).map(sorted))
def test_any_dates_have_a_grid_that_ends_at_the_last(dates: list[dt.date]) -> None:
    grid = Grid.dates(dates)
    assert grid.labels.date(grid.count) == dates[-1]
    assert grid.count >= 1
