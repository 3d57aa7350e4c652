"""Growth: the model, its interval, what is refused."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.growth import Forecast, Scenarios, forecast
from capacity.values import Refusal

SERIES = st.lists(st.integers(0, 10**7).map(float), min_size=12, max_size=48)


def noisy(count: int, seed: int) -> np.ndarray:
    return 1000 + np.cumsum(50 + 30 * np.random.default_rng(seed).standard_normal(count))


def test_carries_the_mean_step_of_the_last_twelve_periods_on() -> None:
    values = [0.0] * 5 + [10.0 * i + (3 if i == 2 else 0) for i in range(20)]
    answer = forecast(values, 3)
    assert isinstance(answer, Forecast)
    step = (values[-1] - values[-13]) / 12
    assert [p.point for p in answer.forecast] == pytest.approx([values[-1] + step * h for h in (1, 2, 3)])
    assert [p.period for p in answer.forecast] == [26, 27, 28]


def test_a_steady_history_has_a_narrower_interval_than_an_unsteady_one() -> None:
    calm, wild = (forecast(1000 + np.cumsum(50 + s * np.sin(np.arange(40) * 1.7)), 6) for s in (1, 40))
    assert isinstance(calm, Forecast) and isinstance(wild, Forecast)
    widths = [a.forecast[-1].high - a.forecast[-1].low for a in (calm, wild)]
    assert widths[0] < widths[1] / 10


@settings(max_examples=60, deadline=None)
@given(values=SERIES, horizon=st.integers(1, 40), level=st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_interval_holds_its_point_widens_and_stays_at_or_above_zero(
    values: list[float], horizon: int, level: float
) -> None:
    answer = forecast(values, horizon, level)
    if isinstance(answer, Refusal):
        assert answer.code == "constant"
        return
    assert isinstance(answer, Forecast)
    assert len(answer.forecast) == horizon
    assert 0 <= answer.coverage <= 1
    for p in answer.forecast:
        assert 0 <= p.low <= p.point <= p.high < math.inf
    ups = [p.high - p.point for p in answer.forecast if p.low > 0]
    assert all(b >= a - 1e-6 * max(1, abs(a)) for a, b in itertools.pairwise(ups))
    assert answer == forecast(values, horizon, level)


@settings(max_examples=40, deadline=None)
@given(values=SERIES, power=st.integers(-10, 10))
def test_rescaled_history_gives_the_rescaled_forecast(values: list[float], power: int) -> None:
    factor = 2.0**power
    plain, scaled = forecast(values, 12), forecast([v * factor for v in values], 12)
    if isinstance(plain, Refusal):
        assert isinstance(scaled, Refusal)
        return
    assert isinstance(plain, Forecast) and isinstance(scaled, Forecast)
    assert scaled.coverage == plain.coverage
    for p, s in zip(plain.forecast, scaled.forecast, strict=True):
        assert (s.point, s.low, s.high) == pytest.approx((p.point * factor, p.low * factor, p.high * factor))


def test_a_higher_level_is_wider() -> None:
    values = noisy(40, 3)
    narrow, wide = forecast(values, 12, 0.6), forecast(values, 12, 0.95)
    assert isinstance(narrow, Forecast) and isinstance(wide, Forecast)
    assert all(w.high - w.low > n.high - n.low for n, w in zip(narrow.forecast, wide.forecast, strict=True))


def test_coverage_over_many_random_walks_is_near_the_level_and_is_what_the_forecasts_state() -> None:
    held, stated = [], []
    for seed in range(60):
        values = noisy(48, seed)
        answer = forecast(values[:36], 12)
        assert isinstance(answer, Forecast)
        held += [p.low <= v <= p.high for p, v in zip(answer.forecast, values[36:], strict=True)]
        stated.append(answer.coverage)
    assert 0.82 <= np.mean(held) <= 0.97
    assert abs(np.mean(held) - np.mean(stated)) < 0.08


def test_achieved_coverage_is_not_nominal_by_construction() -> None:
    """A break halfway through: intervals from before it fail after it, and the coverage says so."""
    values = np.concatenate([1000 + 10.0 * np.arange(20), 1200 + 200.0 * np.arange(1, 9)]) + np.sin(np.arange(28))
    answer = forecast(values, 6)
    assert isinstance(answer, Forecast)
    assert answer.coverage < 0.85


def test_under_twelve_points_there_are_only_scenarios_in_order() -> None:
    answer = forecast([100, 110, 125, 131, 150], 4)
    assert isinstance(answer, Scenarios)
    low, mid, high = answer.scenarios
    assert (low.name, mid.name, high.name) == ("low", "mid", "high")
    for a, b, c in zip(low.points, mid.points, high.points, strict=True):
        assert a.point < b.point < c.point
    assert mid.points[-1].point == pytest.approx(150 + 4 * 12.5)
    assert [p.period for p in low.points] == [6, 7, 8, 9]


def test_falling_counts_stop_at_zero() -> None:
    answer = forecast([float(v) for v in range(130, 0, -10)], 24)
    assert isinstance(answer, Forecast)
    last = answer.forecast[-1]
    assert (last.low, last.point) == (0, 0)


@pytest.mark.parametrize(
    ("values", "horizon", "level", "code"),
    [
        ([], 6, 0.9, "too_few_points"),
        ([5.0], 6, 0.9, "too_few_points"),
        ([5.0, 6.0], 6, 0.9, "too_few_points"),
        (["a", "b", "c"], 6, 0.9, "not_numbers"),
        ([[1.0, 2.0], [3.0, 4.0]], 6, 0.9, "not_a_series"),
        ([1.0, math.nan, 3.0], 6, 0.9, "not_finite"),
        ([1.0, math.inf, 3.0], 6, 0.9, "not_finite"),
        ([1.0, -2.0, 3.0], 6, 0.9, "negative"),
        ([1.0, 2.0, 1e16], 6, 0.9, "too_large"),
        ([7.0] * 20, 6, 0.9, "constant"),
        ([7.0] * 19 + [8.0], 6, 0.9, "constant"),
        ([float(v) for v in range(20)], 0, 0.9, "horizon"),
        ([float(v) for v in range(20)], 5000, 0.9, "horizon"),
        ([float(v) for v in range(20)], 6, 1.0, "level"),
    ],
)
def test_what_carries_no_answer_is_refused(values: list[float], horizon: int, level: float, code: str) -> None:
    answer = forecast(values, horizon, level)
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_dates_go_on_at_month_ends_and_a_gap_is_refused_where_it_is() -> None:
    dates = [dt.date(2024 + m // 12, m % 12 + 1, 28) for m in range(14)]
    values = noisy(14, 1)
    answer = forecast(values, 2, dates=dates)
    assert isinstance(answer, Forecast)
    assert [p.date for p in answer.forecast] == [dt.date(2025, 3, 28), dt.date(2025, 4, 28)]
    refused = forecast(values[:13], 2, dates=dates[:5] + dates[6:])
    assert isinstance(refused, Refusal)
    assert refused.code == "irregular"
    assert "2024-05-28 to 2024-07-28" in refused.missing


def test_periods_go_on_from_the_last_and_must_be_consecutive() -> None:
    answer = forecast(noisy(14, 1), 2, periods=range(101, 115))
    assert isinstance(answer, Forecast)
    assert [p.period for p in answer.forecast] == [115, 116]
    assert isinstance(forecast([1, 2, 4], 2, periods=[1, 2, 4]), Refusal)
    assert isinstance(forecast([1, 2, 4], 2, periods=[1, 2]), Refusal)


def test_a_horizon_beyond_the_calendar_is_refused() -> None:
    dates = [dt.date(9900 + y, 12, 31) for y in range(14)]
    refused = forecast(noisy(14, 1), 200, dates=dates)
    assert isinstance(refused, Refusal)
    assert refused.code == "horizon"


def test_a_very_long_history_is_answered() -> None:
    answer = forecast(noisy(20_000, 2), 24)
    assert isinstance(answer, Forecast)
    assert answer.origins <= 240
