"""Projections: scaled from the grid they are what a simulation of the household itself gives."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.population import simulation
from loadgen.population.simulation import BANDS, LONGEST_YEARS, PATHS, SAMPLE_PATHS, Detail, project

BALANCES = st.floats(0, 1e8)
CONTRIBUTIONS = st.floats(-1e6, 1e6)
SHARES = st.floats(0, 1)


@pytest.mark.slow
@settings(deadline=None)  # the first call simulates the grid
@given(BALANCES, CONTRIBUTIONS, st.integers(1, 50), SHARES, st.sampled_from(Detail))
def test_bands_are_monotone_and_start_at_the_balance(
    balance: float, contribution: float, horizon: int, stock_share: float, detail: Detail
) -> None:
    document = json.loads(project(balance, contribution, horizon, stock_share, detail))
    bands = np.array([document["bands"][name] for name in BANDS])
    assert (np.diff(bands, axis=0) >= 0).all()
    assert (bands >= 0).all()
    assert bands[:, 0] == pytest.approx(balance, rel=1e-6, abs=0.01)
    assert bands.shape[1] == 1 + (min(horizon, 30) if detail is Detail.SUMMARY else LONGEST_YEARS)
    assert ("sample_paths" in document) == (detail is Detail.PATHS)
    assert np.array_equal(np.round(bands, 2), bands)
    assert 0 <= document["success_probability"] <= 1


@pytest.mark.parametrize("balance, contribution", [(250_000.0, 18_000.0), (900_000.0, -41_000.0), (0.0, 9_000.0)])
def test_scaling_agrees_with_simulating_the_household_itself(balance: float, contribution: float) -> None:
    stocks, bonds = simulation._real_growth()
    growth = 0.6 * stocks + 0.4 * bonds
    wealth, by_year = np.full(PATHS, balance), [np.full(PATHS, balance)]
    for factors in growth:
        wealth = np.maximum(wealth * factors + contribution, 0)
        by_year.append(wealth)
    document = json.loads(project(balance, contribution, 30, 0.6, goal=balance))
    for name, quantile in BANDS.items():
        for year in (1, 10, 25):
            simulated = np.quantile(by_year[year], quantile)
            assert document["bands"][name][year] == pytest.approx(simulated, rel=0.03, abs=0.03 * balance), (name, year)
    successes = (by_year[30] >= max(balance, 1e-9)).mean()
    assert document["success_probability"] == pytest.approx(successes, abs=0.02)


def test_returns_are_those_published() -> None:
    stocks, bonds = simulation._real_growth()
    assert np.median(bonds) == pytest.approx(1.048 / 1.025, rel=0.01)
    assert np.median(stocks) == pytest.approx(1.07 / 1.025, rel=0.015)
    assert stocks.std() > 3 * bonds.std()


@settings(deadline=None)  # the first call simulates the grid
@given(BALANCES, CONTRIBUTIONS, SHARES, st.floats(0, 1e7), st.floats(1, 1e7))
def test_a_higher_goal_is_never_likelier(
    balance: float, contribution: float, stock_share: float, goal: float, more: float
) -> None:
    low, high = (
        json.loads(project(balance, contribution, 20, stock_share, goal=g))["success_probability"]
        for g in (goal, goal + more)
    )
    assert high <= low


def test_money_that_is_spent_runs_out() -> None:
    document = json.loads(project(100_000, -30_000, 20, 0.5))
    assert document["success_probability"] == 0
    assert document["bands"]["p90"][20] == 0


def test_same_arguments_same_bytes_and_paths_are_single_paths() -> None:
    arguments = (123_456.78, 10_000.0, 25, 0.7, Detail.PATHS)
    assert project(*arguments) == project(*arguments)
    assert len(json.loads(project(*arguments))["sample_paths"]) == SAMPLE_PATHS
