"""The laws of sampling error, against published values, brute force and repeated samples."""

from __future__ import annotations

import numpy as np
import pytest

from loadgen.fidelity import sampling
from loadgen.fidelity.sampling import GRID, Lorenz


def read_off(sample: np.ndarray) -> list[float]:
    """What the server answers for GRID: ``percentile_cont`` interpolates as numpy does."""
    return list(np.quantile(sample, GRID))


def moments(sample: np.ndarray, p: float) -> Lorenz:
    q = float(np.quantile(sample, p))
    u = np.maximum(sample - q, 0)
    covariance = np.cov(u, sample)
    return Lorenz(p, len(sample), sample.mean(), q, u.mean(), covariance[0, 0], covariance[0, 1], covariance[1, 1])


def test_a_share_has_wilsons_interval() -> None:
    """15 of 148: 6.25 % to 16.05 % (Newcombe 1998, table I, method 3 has 0.0624 to 0.1605)."""
    found = sampling.share(15, 148)
    assert found.value == pytest.approx(10.135, abs=0.001)
    assert (found.low, found.high) == (pytest.approx(6.24, abs=0.02), pytest.approx(16.05, abs=0.02))
    nobody = sampling.share(0, 50)
    assert nobody.value == nobody.low == pytest.approx(0)
    assert nobody.high == pytest.approx(7.13, abs=0.02)
    assert sampling.share(0, 0) == sampling.NOTHING


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 0.99])
def test_the_interval_of_a_quantile_holds_the_true_one_in_95_of_100_samples(p: float) -> None:
    rng = np.random.default_rng(5)
    true = float(np.quantile(rng.lognormal(0, 1.5, 2_000_000), p))
    held = 0
    for _ in range(400):
        found = sampling.quantile(p, read_off(rng.lognormal(0, 1.5, 2_000)), 2_000)
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert found.low <= found.value <= found.high
        held += found.low <= true <= found.high
    assert 0.92 <= held / 400 <= 0.99


def test_a_quantile_near_the_edge_of_a_small_sample_has_no_bound() -> None:
    values = read_off(np.arange(1.0, 201.0))
    assert sampling.quantile(0.999, values, 200).high is None
    assert sampling.quantile(0.5, values, 200).high is not None
    assert sampling.quantile(0.5, None, 200) == sampling.NOTHING


def test_a_mean_has_its_standard_error() -> None:
    found = sampling.mean(10.0, 4.0, 400)
    assert found.standard_error == pytest.approx(0.2)
    assert found.high == pytest.approx(10.392)
    assert sampling.mean(10.0, None, 1).standard_error is None


@pytest.mark.parametrize(("p", "top"), [(0.9, True), (0.5, False)])
def test_concentration_is_that_of_the_sorted_amounts(p: float, top: bool) -> None:
    sample = np.sort(np.random.default_rng(3).pareto(2.5, 10_000))
    cut = int(p * len(sample))
    brute = 100 * (sample[cut:] if top else sample[:cut]).sum() / sample.sum()
    assert sampling.concentration(moments(sample, p), top=top).value == pytest.approx(brute, rel=0.002)


def test_the_error_of_concentration_is_the_spread_over_samples() -> None:
    rng = np.random.default_rng(4)
    found = [sampling.concentration(moments(rng.pareto(4, 3_000), 0.9), top=True) for _ in range(300)]
    spread = np.std([one.value for one in found])
    claimed = np.mean([one.standard_error for one in found])
    assert claimed == pytest.approx(spread, rel=0.15)


def test_the_share_of_few_has_no_error() -> None:
    sample = np.random.default_rng(1).pareto(2, 1_000)
    assert sampling.concentration(moments(sample, 0.99), top=True).low is None
    assert sampling.concentration(moments(sample, 0.9), top=True).low is not None
    assert sampling.concentration(moments(-sample, 0.9), top=True) == sampling.NOTHING
