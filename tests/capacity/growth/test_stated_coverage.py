"""The coverage that a forecast states, beside the one that it has: on simulated futures, where that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pytest

from capacity.growth import Forecast, forecast

pytestmark = pytest.mark.slow

HISTORY, HORIZON, SEEDS = 48, 12, 32

Floats = np.ndarray


def _logistic(t: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    middle, speed = HISTORY * rng.uniform(0.3, 0.6), rng.uniform(6, 10) / HISTORY
    return np.asarray(5000 / (1 + np.exp(-speed * (t - middle))) * (1 + 0.005 * noise))


def _gompertz(t: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    middle, speed = HISTORY * rng.uniform(0.24, 0.48), rng.uniform(4, 6) / HISTORY
    return np.asarray(5000 * np.exp(-np.exp(-speed * (t - middle))) * (1 + 0.005 * noise))


def _seasonal(t: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    wave = 1 + rng.uniform(0.1, 0.2) * np.sin(2 * np.pi * t / 12)
    return np.asarray((500 + 20 * t) * wave * (1 + 0.01 * noise))


def _walk(t: Floats, noise: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(1000 + np.cumsum(rng.uniform(30, 60) + 30 * noise))


FAMILIES: Final[dict[str, Callable[[Floats, Floats, np.random.Generator], Floats]]] = {
    "logistic": _logistic,
    "Gompertz": _gompertz,
    "seasonal": _seasonal,
    "random walk": _walk,
}


@pytest.fixture(scope="module")
def made() -> dict[str, tuple[list[Forecast], float]]:
    """By family: the forecasts, and the share of the futures' values that their intervals hold."""
    found = {}
    for number, (name, family) in enumerate(FAMILIES.items()):
        answers, held = [], []
        for seed in range(SEEDS):
            rng = np.random.default_rng([number, seed])
            values = family(np.arange(HISTORY + HORIZON), rng.standard_normal(HISTORY + HORIZON), rng)
            answer = forecast(values[:HISTORY], HORIZON, season=12)
            if isinstance(answer, Forecast):
                answers.append(answer)
                held += [p.low <= v <= p.high for p, v in zip(answer.forecast, values[HISTORY:], strict=True)]
        found[name] = (answers, float(np.mean(held)))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_stated_is_what_comes(made: dict[str, tuple[list[Forecast], float]], family: str) -> None:
    answers, held = made[family]
    assert len(answers) >= 0.8 * SEEDS
    assert abs(np.mean([a.coverage for a in answers]) - held) <= 0.08


def test_its_interval_holds_the_true_coverage(made: dict[str, tuple[list[Forecast], float]]) -> None:
    holds = []
    for answers, held in made.values():
        for answer in answers:
            found = answer.coverage_range
            assert found is not None
            assert 0 <= found.low <= found.value == answer.coverage <= found.high <= 1
            # The true coverage is itself of a few futures: known to a few points.
            holds.append(found.low - 0.02 <= held <= found.high + 0.02)
    assert np.mean(holds) >= 0.85


def test_the_few_that_are_told_too_narrow_are_few(made: dict[str, tuple[list[Forecast], float]]) -> None:
    every = [answer.claims_too_much for answers, _ in made.values() for answer in answers]
    assert np.mean(every) <= 0.1
