"""What is steady, what is not, and how often chance is taken for one or the other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from loadgen.runs.steadiness import _critical, _levels, beyond_chance, change_of, transient


def correlated(n: int, rho: float, seed: int, spread: float = 0.1) -> NDArray[np.float64]:
    """Values of mean 1 whose neighbours are alike."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(n + 50) * np.sqrt(1 - rho**2)
    for i in range(1, len(noise)):
        noise[i] += rho * noise[i - 1]
    return 1 + spread * noise[50:]


def test_the_statistic_by_its_definition() -> None:
    x = np.random.default_rng(3).standard_normal(9)
    n = len(x)
    expected = []
    for k in range(2, n - 1):
        change = sum(x[:k] - x.mean()) / np.sqrt(n)
        left = sum((x[:t].sum() - t / k * x[:k].sum()) ** 2 for t in range(1, k + 1))
        right = sum((x[t - 1 :].sum() - (n - t + 1) / (n - k) * x[k:].sum()) ** 2 for t in range(k + 1, n + 1))
        expected.append(change**2 / ((left + right) / n**2))
    assert _levels(x[None, :])[0] == pytest.approx(expected)


def test_the_critical_value_of_long_series_is_the_published_one() -> None:
    """Shao & Zhang 2010, table 1: 68.6 at 1 %; of 1,000 replicates of 120 values within a fifth."""
    assert _critical(120)[0] == pytest.approx(68.6, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rho", "most"), [(10, 0.0, 0.03), (30, 0.3, 0.05), (60, 0.5, 0.05), (300, 0.7, 0.05)])
def test_chance_is_rarely_taken_for_a_change(n: int, rho: float, most: float) -> None:
    alarms = sum(change_of(correlated(n, rho, seed).tolist()) is not None for seed in range(300))
    assert alarms / 300 <= most


@pytest.mark.parametrize(("n", "rho", "least"), [(30, 0.0, 0.9), (60, 0.3, 0.9), (120, 0.5, 0.9)])
def test_a_change_is_found_where_it_is(n: int, rho: float, least: float) -> None:
    found = []
    for seed in range(100):
        values = correlated(n, rho, seed)
        values[n // 2 :] *= 1.4
        shift = change_of(values.tolist())
        found.append(shift is not None and abs(shift.at - n // 2) <= n // 10 and 1.2 < shift.ratio < 1.6)
    assert np.mean(found) >= least


def test_constant_values_are_steady_and_a_step_between_them_is_not() -> None:
    assert change_of([50.0] * 90) is None
    assert change_of([0.1] * 33) is None
    shift = change_of([80.0] * 45 + [20.0] * 45)
    assert shift is not None
    assert (shift.at, shift.ratio, shift.trend) == (45, 0.25, False)
    assert change_of([1.0, 9.0] * 3) is None, "too few"


@pytest.mark.parametrize(("n", "rho"), [(30, 0.0), (90, 0.2), (120, 0.5)])
def test_a_trend_is_a_change(n: int, rho: float) -> None:
    found = [change_of((correlated(n, rho, seed) * np.linspace(1, 1.6, n)).tolist()) for seed in range(100)]
    assert sum(change is not None for change in found) >= 90
    assert all(change is None or 1.1 < change.ratio < 1.5 for change in found)


def test_mser_finds_the_end_of_a_transient() -> None:
    """An exponential approach from a half, gone but for a twentieth after 15 s."""
    ends = [
        transient((correlated(90, 0.2, seed, 0.05) * (1 - 0.5 * np.exp(-np.arange(90) / 5))).tolist())
        for seed in range(50)
    ]
    assert 5 <= np.median(ends) <= 20
    assert max(ends) <= 45
    assert transient([1.0]) == 0
    assert transient([3.0] * 60) == 0


def test_the_beginning_of_steady_values_is_like_the_rest() -> None:
    alarms = 0
    for seed in range(300):
        values = correlated(60, 0.5, seed).tolist()
        alarms += beyond_chance(values[:5], values[5:])
    assert alarms / 300 <= 0.05
    slow = [0.6] * 5 + correlated(55, 0.5, 1).tolist()
    assert beyond_chance(slow[:5], slow[5:])
    assert not beyond_chance([], [1.0])
    assert not beyond_chance([9.0] * 5, [1.0] * 14)
