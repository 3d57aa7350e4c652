"""Growth: the model, its interval, what is refused."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.growth import Forecast, Scenarios, Season, forecast
from capacity.values import Refusal

SERIES = st.lists(st.integers(0, 10**7).map(float), min_size=12, max_size=48)


def noisy(count: int, seed: int) -> np.ndarray:
    return 1000 + np.cumsum(50 + 30 * np.random.default_rng(seed).standard_normal(count))


def shaped(count: int, seed: int, **parts: float) -> np.ndarray:
    """A line of 20 a period from 500 with noise of 10, and what else is asked for."""
    t = np.arange(count)
    values = 500 + 20.0 * t + 10 * np.random.default_rng(seed).standard_normal(count)
    values *= 1 + parts.get("season", 0) * np.sin(2 * np.pi * t / parts.get("length", 12))
    values[t >= parts.get("shift_at", count)] += parts.get("shift", 0)
    values[t == parts.get("outlier_at", count)] += parts.get("outlier", 0)
    return np.asarray(values)


def test_a_straight_line_goes_straight_on() -> None:
    answer = forecast([100 + 10.0 * i for i in range(24)], 6)
    assert isinstance(answer, Forecast)
    assert [p.point for p in answer.forecast] == pytest.approx([340 + 10.0 * h for h in range(6)], rel=2e-3)
    assert [p.period for p in answer.forecast] == [25, 26, 27, 28, 29, 30]
    assert sum(w.weight for w in answer.weights) <= 1


@pytest.mark.parametrize(
    ("name", "future"),
    [
        ("exponential", lambda t: 300 * np.exp(0.02 * t)),
        ("logistic", lambda t: 5000 / (1 + np.exp(-0.2 * (t - 20)))),
        ("Gompertz", lambda t: 5000 * np.exp(-np.exp(-0.12 * (t - 15)))),
    ],
)
def test_a_curve_is_recognised_and_followed(name: str, future: Callable[[np.ndarray], np.ndarray]) -> None:
    t = np.arange(54)
    values = future(t) * (1 + 0.01 * np.random.default_rng(3).standard_normal(54))
    answer = forecast(values[:36], 18, season=1)
    assert isinstance(answer, Forecast)
    assert name in [w.model for w in answer.weights]
    assert answer.forecast[-1].point == pytest.approx(future(t)[-1], rel=0.12)
    straight = values[35] + (values[35] - values[23]) / 12 * 18
    assert abs(answer.forecast[-1].point - future(t)[-1]) < 0.5 * abs(straight - future(t)[-1])


@pytest.mark.parametrize("length", [12, 4])
def test_a_season_is_found_named_and_carried_on(length: int) -> None:
    values = shaped(60, 1, season=0.2, length=length)
    for season in (length, None):
        answer = forecast(values[:48], 12, season=season)
        assert isinstance(answer, Forecast)
        assert answer.season == Season(length, multiplicative=True)
        assert "season of" in answer.model
        assert [p.point for p in answer.forecast] == pytest.approx(values[48:], rel=0.06)
    plain = forecast(shaped(48, 1), 12)
    assert isinstance(plain, Forecast)
    assert plain.season is None


def test_a_level_shift_is_named_and_not_taken_for_growth() -> None:
    shifted = forecast(shaped(48, 2, shift=600, shift_at=40), 12)
    plain = forecast(shaped(48, 2), 12)
    assert isinstance(shifted, Forecast) and isinstance(plain, Forecast)
    (found,) = shifted.findings
    assert (found.kind, found.period) == ("level_shift", 41)
    assert found.amount == pytest.approx(600, rel=0.1)
    steps = [a.forecast[-1].point - a.history[-1].value for a in (shifted, plain)]
    assert steps[0] == pytest.approx(steps[1], rel=0.5)
    assert plain.findings == ()


def test_an_outlier_is_named_and_hardly_moves_the_forecast() -> None:
    dates = [dt.date(2022 + m // 12, m % 12 + 1, 1) for m in range(40)]
    hit, plain = (forecast(shaped(40, 4, outlier=o, outlier_at=20), 12, dates=dates) for o in (700, 0))
    assert isinstance(hit, Forecast) and isinstance(plain, Forecast)
    (found,) = hit.findings
    assert (found.kind, found.period, found.date) == ("outlier", 21, dates[20])
    assert found.amount == pytest.approx(700, rel=0.1)
    assert hit.forecast[-1].point == pytest.approx(plain.forecast[-1].point, rel=0.03)


@pytest.mark.slow
def test_no_breaks_are_seen_in_noise() -> None:
    found = [forecast(noisy(48, seed), 6) for seed in range(30)]
    assert sum(len(a.findings) for a in found if isinstance(a, Forecast)) <= 2


def test_a_steady_history_has_a_narrower_interval_than_an_unsteady_one() -> None:
    calm, wild = (forecast(1000 + np.cumsum(50 + s * np.sin(np.arange(40) * 1.7)), 6) for s in (1, 40))
    assert isinstance(calm, Forecast) and isinstance(wild, Forecast)
    widths = [a.forecast[-1].high - a.forecast[-1].low for a in (calm, wild)]
    assert widths[0] < widths[1] / 10


@pytest.mark.slow
@settings(max_examples=25)
@given(values=SERIES, horizon=st.integers(1, 40), level=st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_interval_holds_its_point_widens_and_stays_at_or_above_zero(
    values: list[float], horizon: int, level: float
) -> None:
    answer = forecast(values, horizon, level)
    if isinstance(answer, Refusal):
        assert answer.code == "constant"
        return
    if isinstance(answer, Scenarios):
        assert answer.code == "ceiling_not_identified"
        return
    assert len(answer.forecast) == horizon
    assert 0 <= answer.coverage <= 1
    for p in answer.forecast:
        assert 0 <= p.low <= p.point <= p.high < math.inf
    widths = [p.high - p.low for p in answer.forecast]
    assert all(b >= a - 1e-9 * max(values) for a, b in itertools.pairwise(widths))
    assert answer == forecast(values, horizon, level)


@settings(max_examples=15)
@given(values=SERIES, factor=st.sampled_from([2.0**-10, 0.001, 0.7, 3.0, 10.0, 2.0**10]))
def test_rescaled_history_gives_the_rescaled_forecast(values: list[float], factor: float) -> None:
    plain, scaled = forecast(values, 12), forecast([v * factor for v in values], 12)
    assert type(scaled) is type(plain)
    if not (isinstance(plain, Forecast) and isinstance(scaled, Forecast)):
        return
    assert scaled.coverage == plain.coverage
    for p, s in zip(plain.forecast, scaled.forecast, strict=True):
        assert (s.point, s.low, s.high) == pytest.approx((p.point * factor, p.low * factor, p.high * factor))


@settings(max_examples=12)
@given(values=SERIES, levels=st.tuples(st.floats(0.5, 0.99), st.floats(0.5, 0.99)).map(sorted))
def test_a_higher_level_is_never_narrower(values: list[float], levels: list[float]) -> None:
    narrow, wide = (forecast(values, 12, level) for level in levels)
    assert type(narrow) is type(wide)
    if isinstance(narrow, Forecast) and isinstance(wide, Forecast):
        for n, w in zip(narrow.forecast, wide.forecast, strict=True):
            assert w.low <= n.low and n.high <= w.high * (1 + 1e-12)


@pytest.mark.slow
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
    assert last.low == 0 <= last.point < 1


@pytest.mark.parametrize(
    ("values", "horizon", "level", "code"),
    [
        ([], 6, 0.9, "too_few_points"),
        ([5.0], 6, 0.9, "too_few_points"),
        ([5.0, 6.0], 6, 0.9, "too_few_points"),
        (["a", "b", "c"], 6, 0.9, "not_numbers"),
        ([[1.0, 2.0], [3.0, 4.0]], 6, 0.9, "not_a_series"),
        ([math.nan] * 12, 6, 0.9, "too_few_points"),
        ([1.0, math.nan, 3.0], 6, 0.9, "too_few_points"),
        ([1.0, math.nan, math.nan, 3.0, 4.0], 6, 0.9, "irregular"),
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


def test_dates_go_on_and_an_empty_period_is_interpolated_and_said() -> None:
    dates = [dt.date(2024 + m // 12, m % 12 + 1, 28) for m in range(14)]
    values = noisy(14, 1)
    answer = forecast(values, 2, dates=dates)
    assert isinstance(answer, Forecast)
    assert [p.date for p in answer.forecast] == [dt.date(2025, 3, 28), dt.date(2025, 4, 28)]
    gapped = forecast(np.delete(values, 5), 2, dates=dates[:5] + dates[6:])
    assert isinstance(gapped, Forecast)
    assert [(a.kind, a.count) for a in gapped.adjustments] == [("interpolated", 1)]
    assert gapped.history[5].value == pytest.approx((values[4] + values[6]) / 2, rel=0.01)
    assert gapped.history[5].date == dates[5]


def test_periods_go_on_from_the_last() -> None:
    answer = forecast(noisy(14, 1), 2, periods=range(101, 115))
    assert isinstance(answer, Forecast)
    assert [p.period for p in answer.forecast] == [115, 116]
    fives = forecast(noisy(14, 1), 2, periods=range(1950, 2020, 5))
    assert isinstance(fives, Forecast)
    assert [p.period for p in fives.forecast] == [2020, 2025]
    assert isinstance(forecast([1, 2, 4], 2, periods=[1, 2]), Refusal)


def test_a_horizon_beyond_the_calendar_is_refused() -> None:
    dates = [dt.date(9900 + y, 12, 31) for y in range(14)]
    refused = forecast(noisy(14, 1), 200, dates=dates)
    assert isinstance(refused, Refusal)
    assert refused.code == "horizon"


def test_a_very_long_history_is_answered() -> None:
    answer = forecast(noisy(20_000, 2), 24)
    assert isinstance(answer, Forecast)
    assert answer.origins <= 60
    assert [a.kind for a in answer.adjustments] == ["shortened"]
    assert answer.forecast[0].period == 20_001
