"""Activity ranks: a bijection, and a Zipf law at any exponent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from loadgen.population.activity import ActivityRanks, zipf_ranks
from loadgen.population.streams import Part, Stream


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(1, 3_000), st.integers(0, 2**63 - 1))
def test_ranks_and_users_correspond_one_to_one(users: int, seed: int) -> None:
    ranks = np.arange(1, users + 1)
    mapping = ActivityRanks(users, seed)
    found = mapping.user_of(ranks)
    assert np.array_equal(np.sort(found), ranks)
    assert np.array_equal(mapping.rank_of(found), ranks)


@settings(deadline=None)
@given(st.integers(1, 10**9), st.integers(0, 10**6), st.data())
def test_large_populations_need_no_table(users: int, seed: int, data: st.DataObject) -> None:
    rank = np.array([data.draw(st.integers(1, users))])
    mapping = ActivityRanks(users, seed)
    user = mapping.user_of(rank)
    assert 1 <= user[0] <= users
    assert mapping.rank_of(user)[0] == rank[0]


def test_active_users_are_scattered_over_ids() -> None:
    users = ActivityRanks(100_000, 1).user_of(np.arange(1, 2_001))
    assert stats.kstest(users / 100_000, "uniform").pvalue > 0.001
    assert not np.array_equal(users, ActivityRanks(100_000, 2).user_of(np.arange(1, 2_001)))


@pytest.mark.parametrize("theta", [0.0, 0.6, 0.99, 1.0, 1.4])
def test_zipf_ranks_follow_the_power_law(theta: float) -> None:
    users, size = 200, 200_000
    drawn = zipf_ranks(np.random.default_rng(5), users, theta, size)
    weights = np.arange(1.0, users + 1) ** -theta
    expected = size * weights / weights.sum()
    assert stats.chisquare(np.bincount(drawn, minlength=users + 1)[1:], expected).pvalue > 0.001


@pytest.mark.parametrize("users", [1, 2, 3, 10_000_000])
def test_zipf_ranks_stay_within_the_users(users: int) -> None:
    drawn = zipf_ranks(Stream(1, Part.CHAT), users, 0.99, 20_000)
    assert drawn.min() == 1
    assert drawn.max() <= users


def test_requests_go_to_the_active() -> None:
    mapping = ActivityRanks(1_000, 9)
    drawn = mapping.draw_users(np.random.default_rng(1), 50_000)
    counts = np.bincount(drawn, minlength=1_001)
    assert mapping.rank_of(np.array([counts.argmax()]))[0] == 1


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one user"):
        ActivityRanks(0, 1)
    with pytest.raises(ValueError, match="theta"):
        zipf_ranks(np.random.default_rng(1), 10, -0.5, 1)
