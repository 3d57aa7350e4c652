"""Whatever comes in: an answer that keeps its promises, or a typed refusal; never a warning or an exception."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.growth import Forecast, Scenarios, forecast
from capacity.values import Refusal

ANY = st.lists(
    st.one_of(st.floats(), st.floats(0, 1e15), st.integers(0, 100).map(float), st.just(math.nan)), max_size=40
)
GOOD = st.floats(0, 1e15) | st.integers(0, 9).map(float)
MOSTLY = st.lists(GOOD | st.just(math.nan), min_size=10, max_size=40)


def kept(answer: Forecast | Scenarios | Refusal, horizon: int) -> None:
    """The promises that every answer makes."""
    if isinstance(answer, Refusal):
        assert answer.code and answer.missing and answer.do
    elif isinstance(answer, Scenarios):
        assert answer.why
        assert all(len(s.points) == horizon for s in answer.scenarios)
        assert all(math.isfinite(p.point) and p.point >= 0 for s in answer.scenarios for p in s.points)
    else:
        assert len(answer.forecast) == horizon
        assert 0 <= answer.coverage <= 1
        assert all(0 <= p.low <= p.point <= p.high < math.inf for p in answer.forecast)
        widths = [p.high - p.low for p in answer.forecast]
        top = max(o.value for o in answer.history)
        assert all(b >= a - 1e-9 * top for a, b in itertools.pairwise(widths))


@settings(max_examples=100, deadline=None)
@given(values=ANY, horizon=st.integers(-2, 30), level=st.floats(0, 1))
def test_any_numbers(values: list[float], horizon: int, level: float) -> None:
    kept(forecast(values, horizon, level), horizon)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(values=MOSTLY, horizon=st.integers(1, 24), data=st.data())
def test_any_dates_in_any_order_twice_or_missing(values: list[float], horizon: int, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        days = data.draw(st.lists(st.integers(0, 900), min_size=len(values), max_size=len(values)))
        labels = [dt.date(2020, 1, 1) + dt.timedelta(days=d) for d in days]
        answer = forecast(values, horizon, dates=labels)
    else:
        size = len(values)
        answer = forecast(
            values, horizon, periods=data.draw(st.lists(st.integers(-9, 60), min_size=size, max_size=size))
        )
    kept(answer, horizon)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"periods": [math.nan] * 24}, "labels"),
        ({"periods": [i + 0.5 for i in range(24)]}, "labels"),
        ({"periods": [10**30 * i for i in range(24)]}, "labels"),
        ({"periods": [-(2**62), *range(22), 2**62]}, "labels"),
        ({"periods": []}, "labels"),
        ({"dates": []}, "labels"),
        ({"values": [10**400] * 24}, "not_numbers"),
        ({"values": [None, "many"] * 12}, "not_numbers"),
        ({"horizon": 6.5}, "horizon"),
        ({"horizon": math.nan}, "horizon"),
        ({"level": math.nan}, "level"),
    ],
)
def test_arguments_that_are_none_are_refused(changed: dict[str, Any], code: str) -> None:
    arguments: dict[str, Any] = {"values": line(24), "horizon": 6}
    answer = forecast(**(arguments | changed))
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_labels_may_be_an_array() -> None:
    made = forecast(line(24), 6, periods=np.arange(1, 25))
    assert made == forecast(line(24), 6)


@pytest.mark.slow
@pytest.mark.parametrize("labelled", ["by day", "out of order", "all of one day"])
def test_a_hundred_thousand_rows_are_answered(labelled: str) -> None:
    count, options = 100_000, {}
    if labelled == "by day":
        options["dates"] = [dt.date(1700, 1, 1) + dt.timedelta(days=i) for i in range(count)]
    elif labelled == "out of order":
        options["periods"] = np.random.default_rng(1).permutation(count)
    else:
        options["dates"] = [dt.date(2020, 1, 1)] * count
    kept(forecast(line(count), 18, **options), 18)


def line(count: int) -> np.ndarray:
    return 1000 + 20.0 * np.arange(count) + np.random.default_rng(0).standard_normal(count)


@pytest.mark.parametrize(
    ("values", "horizon"),
    [
        ([0.0] * 11 + [1e15], 18),
        ([1e-300 * (i + 1) for i in range(20)], 18),
        ([1e15 * (1 - 0.5**i) for i in range(40)], 1200),
        (list(range(400, 0, -10)), 60),
        ([1.0, 1e15] * 12, 18),
        ([2.0**i for i in range(49)], 18),
        ([5.0] * 10 + [9.0] * 10, 12),
        ([0.0] * 20 + [3.0] + [0.0] * 20, 12),
        ([float(i % 12) for i in range(60)], 24),
        ([100.0 + i % 7 for i in range(60)], 24),
        (line(5000), 1200),
        (line(12), 1200),
    ],
)
def test_odd_shapes(values: list[float], horizon: int) -> None:
    kept(forecast(values, horizon), horizon)


def test_shuffled_rows_give_the_same_forecast() -> None:
    values, dates = line(36), [dt.date(2023 + m // 12, m % 12 + 1, 1) for m in range(36)]
    order = np.random.default_rng(1).permutation(36)
    plain = forecast(values, 12, dates=dates)
    mixed = forecast(values[order], 12, dates=[dates[i] for i in order])
    assert isinstance(plain, Forecast) and isinstance(mixed, Forecast)
    assert mixed.forecast == plain.forecast
    assert [a.kind for a in mixed.adjustments] == ["sorted"]


def test_a_gap_of_a_few_periods_hardly_matters_and_too_many_are_refused_where_they_are() -> None:
    values, dates = line(36), [dt.date(2023 + m // 12, m % 12 + 1, 1) for m in range(36)]
    plain = forecast(values, 12, dates=dates)
    few = forecast(np.delete(values, [9, 10, 20]), 12, dates=[d for i, d in enumerate(dates) if i not in (9, 10, 20)])
    assert isinstance(plain, Forecast) and isinstance(few, Forecast)
    assert few.forecast[-1].point == pytest.approx(plain.forecast[-1].point, rel=0.01)
    assert [(a.kind, a.count) for a in few.adjustments] == [("interpolated", 3)]
    empty = values.copy()
    empty[9:11] = empty[20] = math.nan
    assert forecast(empty, 12, dates=dates) == few
    many = forecast(np.delete(values, range(10, 19)), 12, dates=dates[:10] + dates[19:])
    assert isinstance(many, Refusal)
    assert many.code == "irregular"
    assert "27 rows for 36 periods (month), with the longest gap from 2023-10-01 to 2024-08-01" in many.missing


def test_doubles_are_the_last_or_their_mean() -> None:
    values, periods = [*line(24), 9999.0], [*range(1, 25), 24]
    last, mean = (forecast(values, 6, periods=periods, duplicates=d) for d in ("last", "mean"))
    assert isinstance(last, Forecast) and isinstance(mean, Forecast)
    assert last.history[-1].value == 9999
    assert mean.history[-1].value == pytest.approx((9999 + line(24)[-1]) / 2)
    assert [(a.kind, a.count) for a in last.adjustments] == [("duplicate", 1)]


def test_odd_dates_are_read_off_by_month() -> None:
    rng = np.random.default_rng(2)
    days = np.cumsum(30 + rng.integers(-4, 5, 40))
    dates = [dt.date(2022, 1, 5) + dt.timedelta(days=int(d)) for d in days]
    answer = forecast(1000 + 2.0 * days, 6, dates=dates)
    assert isinstance(answer, Forecast)
    assert [a.kind for a in answer.adjustments] == ["resampled"]
    ahead = [p.date for p in answer.forecast]
    assert all(d is not None and d.day == dates[-1].day for d in ahead)
    for point in answer.forecast:
        assert point.date is not None
        assert point.point == pytest.approx(1000 + 2.0 * (point.date - dt.date(2022, 1, 5)).days, rel=0.01)


def test_weekdays_have_no_gaps_at_weekends() -> None:
    days = [d for i in range(60) if (d := dt.date(2026, 1, 5) + dt.timedelta(days=i)).weekday() < 5]
    answer = forecast(line(len(days)), 5, dates=days)
    assert isinstance(answer, Forecast)
    assert answer.adjustments == ()
    assert all(p.date is not None and p.date.weekday() < 5 for p in answer.forecast)


def test_the_level_of_a_scenario_is_none_and_of_a_forecast_what_was_asked_for() -> None:
    for level in (0.5, 0.8, 0.99):
        answer = forecast(line(24), 6, level)
        assert isinstance(answer, Forecast)
        assert answer.level == level
