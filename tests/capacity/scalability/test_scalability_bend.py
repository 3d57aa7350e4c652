"""Predictions that follow repeated levels where they leave the law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.queueing import ClosedNetwork, Station, mean_value_analysis
from capacity.scalability import Repeat, Usl, fit_sweep, fit_usl
from capacity.scalability.bend import bend
from capacity.values import Interval, Refusal

LEVELS = (1, 2, 3, 4, 6, 8, 12, 16)


def knee(cores: int, cpu_s: float, other_s: float) -> dict[int, float]:
    """Throughput of a machine whose connections wait for its cores: a knee that the law is too soft for."""
    exact = mean_value_analysis([Station("cpu", cpu_s, cores)], max(LEVELS), other_s)
    assert not isinstance(exact, Refusal)
    assert all(isinstance(one, ClosedNetwork) for one in exact)
    return {n: exact[n - 1].throughput_tps for n in LEVELS}


def swept(truth: dict[int, float], noise: float, drift: float, rng: np.random.Generator) -> list[Repeat]:
    return [
        Repeat(n, x * math.exp(common + noise * rng.standard_normal()), 1.0, 0.0, block)
        for block, common in enumerate(drift * rng.standard_normal(3))
        for n, x in truth.items()
    ]


def predicted(fit: Usl | Refusal, n: float) -> Interval:
    assert isinstance(fit, Usl), fit
    said = fit.predict(n)
    assert isinstance(said, Interval), said
    return said


def test_left_out_levels_of_a_knee_are_met_better_than_by_the_law_and_covered() -> None:
    """Nominal 90 %: four machines, three inner levels, three runs of each."""
    rng = np.random.default_rng(5)
    off, off_law, inside = [], [], []
    for _ in range(4):
        truth = knee(2, rng.uniform(1e-4, 4e-4), rng.uniform(5e-5, 4e-4))
        runs = swept(truth, 0.02, 0.02, rng)
        for n in LEVELS[2:-1:2]:
            fit = fit_sweep([run for run in runs if run.level != n])
            said = predicted(fit, n)
            assert isinstance(fit, Usl)
            by_law = fit.throughput(n)
            assert not isinstance(by_law, Refusal)
            off.append(abs(said.value / truth[n] - 1))
            off_law.append(abs(by_law / truth[n] - 1))
            inside += [said.low <= run.throughput_tps <= said.high for run in runs if run.level == n]
    assert np.median(off) < 0.7 * np.median(off_law)
    assert np.mean(inside) > 0.75  # three deviations of 36 runs below 0.9


def test_levels_on_the_law_leave_it_as_it_is() -> None:
    truth = {n: 400 * n / (1 + 0.05 * (n - 1) + 0.002 * n * (n - 1)) for n in LEVELS}
    for noise, most in ((0.0, 1e-6), (0.02, 0.03)):
        fit = fit_sweep(swept(truth, noise, 0.0, np.random.default_rng(1)))
        assert isinstance(fit, Usl)
        for n in (1, 5, 10, 20):
            assert predicted(fit, n).value == pytest.approx(fit.throughput(n), rel=most)


def test_points_without_repeats_are_predicted_by_the_law_alone() -> None:
    truth = knee(2, 2e-4, 1e-4)
    fit = fit_sweep(swept(truth, 0.0, 0.0, np.random.default_rng(1))[: len(LEVELS)])
    alone = fit_usl(list(truth), list(truth.values()), spreads=list(truth.values()))
    assert isinstance(alone, Usl)
    assert predicted(fit, 5).value == pytest.approx(predicted(alone, 5).value, rel=1e-6)
    assert predicted(alone, 5).value == alone.throughput(5)


@settings(max_examples=25, derandomize=True)
@given(st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=9))
def test_a_bend_goes_through_levels_that_are_known_and_widens_between_and_beyond(deviations: list[float]) -> None:
    loads = np.array([1.0, 2, 3, 5, 8, 13, 21, 34, 55][: len(deviations)])
    bent = bend(loads, np.array(deviations), np.full(len(loads), 1e-4))
    at = [bent.at(n) for n in loads]
    assert [value for value, _ in at] == pytest.approx(deviations, abs=2e-3)
    assert all(error < 2e-3 for _, error in at)
    assert bent.at(loads[-1] * 4)[1] >= at[-1][1]
    assert bent.at(4.0)[1] >= max(bent.at(3.0)[1], bent.at(5.0)[1])


def test_throughput_in_other_units_gives_the_prediction_in_those_units() -> None:
    runs = swept(knee(2, 2e-4, 1e-4), 0.03, 0.02, np.random.default_rng(3))
    thousand = [Repeat(r.level, r.throughput_tps * 1000, r.response_ms, r.error_share, r.block) for r in runs]
    one, other = predicted(fit_sweep(runs), 5), predicted(fit_sweep(thousand), 5)
    assert (other.low, other.value, other.high) == pytest.approx(
        (one.low * 1000, one.value * 1000, one.high * 1000), rel=1e-5
    )
