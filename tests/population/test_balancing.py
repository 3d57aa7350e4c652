"""Swaps of cash: as many below the median as wanted, nothing else changed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from loadgen.population.household.balancing import balanced_cash

HOUSEHOLDS = 200


def drawn(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    cash = np.exp(2 * random.standard_normal(HOUSEHOLDS))
    return cash, cash + np.exp(2 + 1.5 * random.standard_normal(HOUSEHOLDS))


@pytest.mark.parametrize("wanted", [92, 97, 100, 103, 108])
@pytest.mark.parametrize("seed", range(5))
def test_as_many_are_below_as_wanted_and_the_balances_are_the_same(seed: int, wanted: int) -> None:
    cash, worth = drawn(seed)
    median = np.array([np.median(worth)])
    after = balanced_cash(cash, worth, median, np.zeros(HOUSEHOLDS, np.int64), np.array([wanted]))
    assert (worth + after - cash < median).sum() == wanted
    assert (np.sort(after) == np.sort(cash)).all()
    assert (after != cash).sum() <= 2 * abs(wanted - 100)


def test_strata_do_not_swap_with_each_other_and_small_ones_not_at_all() -> None:
    cash, worth = drawn(1)
    stratum = np.repeat([0, 1, 2], [120, 70, 10])
    median = np.array([np.median(worth[stratum == number]) for number in range(3)])
    after = balanced_cash(cash, worth, median, stratum, np.array([57, 37, 8]))
    for number, wanted in enumerate((57, 37, 5)):
        mine = stratum == number
        assert (worth + after - cash < median[number])[mine].sum() == wanted
        assert (np.sort(after[mine]) == np.sort(cash[mine])).all()


def test_where_nobody_can_swap_all_stays() -> None:
    worth = np.arange(HOUSEHOLDS, dtype=float)
    cash = np.ones(HOUSEHOLDS)
    assert (balanced_cash(cash, worth, np.array([100.0]), np.zeros(HOUSEHOLDS, np.int64), np.array([90])) == cash).all()
