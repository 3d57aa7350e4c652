"""Streams: keyed, reproducible, and with the distributions that they claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from loadgen.population.streams import Part, Stream, choose, normal_quantile, poisson_quantile, stratified


def test_a_stream_depends_on_each_part_of_its_key() -> None:
    draws = {
        tuple(Stream(seed, part, chunk).words(4).tolist())
        for seed in (0, 1, 2**63 - 1)
        for part in (Part.FAMILIES, Part.CHAT)
        for chunk in (0, 1)
    }
    assert len(draws) == 12
    assert Stream(1, Part.CHAT, 5).words(4).tolist() == Stream(1, Part.CHAT, 5).words(4).tolist()


def test_uniforms_are_uniform_and_never_touch_the_ends() -> None:
    u = Stream(7, Part.USERS).random(50_000)
    assert u.min() > 0 and u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 0.001


@settings(deadline=None)
@given(st.floats(1e-300, 1 - 1e-16))
def test_normal_quantile_is_the_inverse_of_the_distribution_function(p: float) -> None:
    assert normal_quantile(np.array([p]))[0] == pytest.approx(special.ndtri(p), rel=1e-12, abs=1e-15)


@settings(deadline=None)
@given(st.floats(0.01, 20), st.floats(0.001, 0.999))
def test_poisson_quantile_is_that_of_the_poisson_distribution(mean: float, u: float) -> None:
    most = 60
    expected = min(int(stats.poisson.ppf(u, mean)), most)
    near_a_step = abs(stats.poisson.cdf(expected, mean) - u) < 1e-9
    assert near_a_step or poisson_quantile(np.array([u]), np.array([mean]), most)[0] == expected


def test_choose_follows_its_weights() -> None:
    weights = np.array([0.5, 0.0, 0.3, 0.2])
    counts = np.bincount(choose(Stream(3, Part.GOALS).random(100_000), weights), minlength=4)
    assert counts[1] == 0
    assert stats.chisquare(counts[[0, 2, 3]], 100_000 * weights[[0, 2, 3]]).pvalue > 0.001


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-5, 5)), min_size=1, max_size=60))
def test_stratified_fills_every_stratum_evenly_and_keeps_order(rows: list[tuple[int, float]]) -> None:
    strata, latent = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    u = stratified(latent, np.full(len(rows), 0.5), strata)
    for stratum in set(strata.tolist()):
        mine = strata == stratum
        cells = np.floor(np.sort(u[mine]) * mine.sum())
        assert cells.tolist() == list(range(mine.sum()))
        ordered = latent[mine][np.argsort(u[mine])]
        assert (np.diff(ordered) >= 0).all()
