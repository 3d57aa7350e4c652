"""Nonlinear least squares against NIST's certified values; ceilings that are there and that are not yet."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from capacity.growth import Forecast, Scenarios, forecast
from capacity.growth.ceiling import identified_ceiling, open_ceiling
from capacity.growth.nonlinear import fit_curve, gompertz, logistic

DATA = Path(__file__).parent.parent / "data"
TIME = np.arange(66)


def certified(name: str) -> tuple[np.ndarray, list[tuple[float, float]], float]:
    """x and y, the certified parameters with their standard deviations, the residual sum of squares."""
    text = (DATA / name).read_text()
    pairs = re.findall(r"b\d ([\d.e-]+) \((?:sd )?([\d.e-]+)\)", text)
    rss = re.search(r"RSS ([\d.]+)", text)
    assert rss
    rows = [line.split(",") for line in text.splitlines() if line[0].isdigit()]
    return np.array(rows, dtype=float).T, [(float(b), float(sd)) for b, sd in pairs], float(rss[1])


def test_nist_certified_values_from_both_of_its_starts() -> None:
    (x, y), parameters, rss = certified("nist_rat42.csv")
    assert len(parameters) == 3
    for start in ((100, 1, 0.1), (75, 2.5, 0.07)):
        fit = fit_curve(logistic, x, y, start)
        assert fit is not None
        assert fit.parameters == pytest.approx([b for b, _ in parameters], rel=1e-10)
        assert fit.standard_errors == pytest.approx([sd for _, sd in parameters], rel=1e-9)
        assert fit.squares == pytest.approx(rss, rel=1e-9)


@pytest.mark.parametrize(("curve", "truth"), [(logistic, (5000, 3, 0.2)), (gompertz, (5000, 1.5, 0.1))])
def test_a_fit_finds_the_curve_that_made_the_values(curve, truth: tuple[float, ...]) -> None:
    x = np.arange(1.0, 40)
    values, _ = curve(np.array(truth), x)
    fit = fit_curve(curve, x, values, tuple(0.8 * b for b in truth))
    assert fit is not None
    assert fit.parameters == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("curve", [logistic, gompertz])
def test_derivatives_are_those_of_the_curve(curve) -> None:
    b, x = np.array([50.0, 0.8, 0.07]), np.linspace(1, 60, 7)
    _, slopes = curve(b, x)
    for i in range(len(b)):
        step = np.zeros(len(b))
        step[i] = 1e-6 * b[i]
        numeric = (curve(b + step, x)[0] - curve(b - step, x)[0]) / (2 * step[i])
        assert slopes[:, i] == pytest.approx(numeric, rel=1e-6, abs=1e-6)


def test_what_cannot_be_told_apart_is_none() -> None:
    assert fit_curve(logistic, np.arange(10.0), np.zeros(10), (0.0, 1.0, 1.0)) is None
    assert fit_curve(logistic, np.ones(10), np.arange(10.0), (1.0, 1.0, 1.0)) is None


def sigmoid(inflection: float, speed: float, seed: int, noise: float = 0.01) -> np.ndarray:
    curve = 5000 / (1 + np.exp(-speed * (TIME - inflection)))
    return np.asarray(curve * (1 + noise * np.random.default_rng(seed).standard_normal(len(TIME))))


@pytest.mark.parametrize("speed", [0.15, 0.2])
@pytest.mark.parametrize("seed", range(4))
def test_a_ceiling_before_its_inflection_becomes_scenarios(speed: float, seed: int) -> None:
    values = sigmoid(44, speed, seed)
    answer = forecast(values[:36], 18)
    assert isinstance(answer, Scenarios)
    assert answer.code == "ceiling_not_identified"
    low, middle, high = answer.scenarios
    assert (low.name, middle.name, high.name) == ("ceiling", "linear", "compounding")
    for a, b, c in zip(low.points, middle.points, high.points, strict=True):
        assert a.point <= b.point <= c.point
    assert low.points[-1].point <= values[53] <= high.points[-1].point


@pytest.mark.parametrize("seed", range(4))
def test_a_ceiling_well_past_its_inflection_is_a_forecast_of_it(seed: int) -> None:
    values = sigmoid(20, 0.2, seed)
    answer = forecast(values[:48], 18)
    assert isinstance(answer, Forecast)
    last = answer.forecast[-1]
    assert last.point == pytest.approx(5000, rel=0.05)
    assert last.low <= 5000 <= last.high
    assert "logistic" in answer.model
    assert answer.ceiling is not None
    assert answer.ceiling.value == pytest.approx(5000, rel=0.03)
    assert answer.ceiling.low < answer.ceiling.value < answer.ceiling.high < 1.1 * answer.ceiling.low


@pytest.mark.slow
def test_the_interval_of_a_ceiling_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    curve = 5000 / (1 + np.exp(-0.2 * (TIME[:40] - 20)))
    found = [identified_ceiling(curve * (1 + 0.01 * rng.standard_normal(40)), "logistic", 0.9) for _ in range(120)]
    held = [c.low <= 5000 <= c.high for c in found if c]
    assert len(held) == 120
    assert 0.84 <= np.mean(held) <= 0.98


@pytest.mark.parametrize("rate", [0.01, 0.03])
def test_steady_compounding_without_a_ceiling_in_reach_is_a_forecast(rate: float) -> None:
    for seed in range(6):
        values = 300 * np.exp(rate * TIME + 0.02 * np.random.default_rng(seed).standard_normal(len(TIME)))
        answer = forecast(values[:36], 18)
        assert isinstance(answer, Forecast)
        assert answer.ceiling is None
        assert answer.forecast[-1].low <= values[53] <= answer.forecast[-1].high


def test_linear_growth_has_no_open_ceiling() -> None:
    noise = np.random.default_rng(0).standard_normal((20, 48))
    assert not any(open_ceiling(500 + 40.0 * np.arange(48) + 20 * row, 18) for row in noise)
