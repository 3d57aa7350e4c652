"""When users sign up and write: along a curve that grows, with the day's, the week's and the year's rhythm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from capacity.arrays import Floats, Ints
from loadgen.population import calendar
from loadgen.population.calendar import US_PER_HOUR, USE_BY_HOUR
from loadgen.population.model import CHUNK_TABLES, Population

AS_OF = dt.date(2026, 3, 1)
POPULATION = Population(20_000, 11, AS_OF, 4_000)
YEAR_US = 365.25 * 24 * US_PER_HOUR


@cache
def signed_up_us() -> Ints:
    chunks = (POPULATION.chunk_rows(n, dict.fromkeys(CHUNK_TABLES, 1)) for n in range(POPULATION.chunks))
    return np.concatenate([np.asarray(chunk.tables[0].columns[3].values) for chunk in chunks])


@cache
def written_us() -> Ints:
    slices = map(POPULATION.chat_rows, POPULATION.chat_slices())
    return np.concatenate([np.asarray(rows.columns[-1].values) for rows in slices])


def shares(moments_us: Ints, by: str) -> Floats:
    """Of all moments, by hour of the day, day of the week (Monday first) or month."""
    hours = moments_us // US_PER_HOUR
    days = hours // 24
    months = (days.astype("datetime64[D]").astype("datetime64[M]")).astype(np.int64)
    place, places = {"hour": (hours % 24, 24), "weekday": ((days + 3) % 7, 7), "month": (months % 12, 12)}[by]
    return np.bincount(place, minlength=places) / len(moments_us)


@pytest.mark.slow
@pytest.mark.parametrize("moments_us", [signed_up_us, written_us], ids=["sign-ups", "chat"])
def test_hours_and_weekdays_have_their_shares(moments_us: Callable[[], Ints]) -> None:
    found = moments_us()
    assert shares(found, "hour") == pytest.approx(np.array(USE_BY_HOUR) / 24, abs=0.01)
    assert shares(found, "weekday") == pytest.approx(calendar._WEEKDAY / calendar._WEEKDAY.sum(), abs=0.01)
    assert shares(found, "hour").max() > 5 * shares(found, "hour").min()
    assert shares(found, "weekday")[:5].min() > 1.1 * shares(found, "weekday")[5:].max()


def test_spring_is_busier_than_summer_beyond_growth() -> None:
    """A month against the mean of the same one half a year before and after: what a steady growth leaves at one."""
    days = (written_us() - POPULATION.calendar.start_us) // (24 * US_PER_HOUR)
    by_month = np.bincount(days * 36 // calendar.HISTORY_DAYS, minlength=36).astype(float)  # from March
    for month in (12, 24):  # March and April of the second and third year
        spring = by_month[month : month + 2].sum()
        summers = by_month[month - 8 : month - 6].sum() * by_month[month + 4 : month + 6].sum()
        assert spring > 1.15 * np.sqrt(summers)


def test_sign_ups_grow_by_the_declared_factor() -> None:
    """Of years, so that the seasons cancel: each has as many as the one before times the cube root of all growth."""
    ages = np.minimum((POPULATION.calendar.end_us - signed_up_us()) // YEAR_US, 2).astype(int)
    last, middle, first = np.bincount(ages, minlength=3)
    assert middle / first == pytest.approx(calendar._GROWTH ** (1 / 3), rel=0.1)
    assert last / middle == pytest.approx(calendar._GROWTH ** (1 / 3), rel=0.1)
