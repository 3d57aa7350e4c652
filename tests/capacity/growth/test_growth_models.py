"""The eight candidates: each goes on exactly where its own law has been, and is what its name says elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from capacity.growth import Forecast, forecast
from capacity.growth.models import PRIOR, paths

AHEAD = np.arange(1, 7)
NOISY = 500 + 20.0 * np.arange(40) + 15 * np.random.default_rng(2).standard_normal(40)


def by_model(values: np.ndarray, season: int | None = None) -> dict[str, np.ndarray]:
    """Forecasts at the last value, of the models that have one."""
    made, spoke = paths(values[None], np.array([len(values)]), len(AHEAD), season)
    return {name: made[0, i] for i, name in enumerate(PRIOR) if spoke[0, i]}


def test_all_of_them_are_tried() -> None:
    assert set(PRIOR) == {
        "naive", "drift", "last-season drift", "linear", "exponential", "logistic", "Gompertz", "damped smoothing",
    }  # fmt: skip
    assert set(by_model(NOISY)) >= {"naive", "drift", "last-season drift", "linear", "exponential", "damped smoothing"}


def test_naive_and_the_drifts_are_their_definitions() -> None:
    found = by_model(NOISY, season=12)
    last, first = NOISY[-1], NOISY[0]
    assert found["naive"] == pytest.approx(np.full(len(AHEAD), last))
    assert found["drift"] == pytest.approx(last + (last - first) / (len(NOISY) - 1) * AHEAD)
    assert found["last-season drift"] == pytest.approx(last + (last - NOISY[-13]) / 12 * AHEAD)


@pytest.mark.parametrize(
    ("name", "law", "within"),
    [
        ("linear", lambda t: 100 + 7.0 * t, 1e-9),
        ("exponential", lambda t: 100 * np.exp(0.03 * t), 1e-9),
        ("logistic", lambda t: 5000 / (1 + np.exp(-0.2 * (t - 20))), 0.02),
        ("Gompertz", lambda t: 5000 * np.exp(-np.exp(-0.12 * (t - 15))), 0.02),
        ("damped smoothing", lambda t: 100 + 50 * (1 - 0.9**t) / 0.1, 0.02),
    ],
)
def test_a_law_is_carried_on(name: str, law: Callable[[np.ndarray], np.ndarray], within: float) -> None:
    found = by_model(law(np.arange(36.0)))
    assert found[name] == pytest.approx(law(35.0 + AHEAD), rel=within)


def test_smoothing_dampens_its_trend() -> None:
    steps = np.diff(by_model(NOISY)["damped smoothing"])
    assert (np.diff(steps) < 0).all() and (steps > 0).all()


def test_values_at_zero_have_no_curve_that_never_gets_there() -> None:
    values = NOISY - NOISY.min()
    assert not {"exponential", "logistic", "Gompertz"} & set(by_model(values))


@pytest.mark.parametrize("unit", [1.0, 1e12, 1e-9])
def test_intervals_that_hold_every_later_value_are_not_said_to_fail(unit: float) -> None:
    """A history without noise: its errors are rounding, well inside the least width that any interval has."""
    answer = forecast(unit * (100 + np.arange(40)), 6)
    assert isinstance(answer, Forecast)
    assert answer.coverage >= answer.level
