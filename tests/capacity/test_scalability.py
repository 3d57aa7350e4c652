"""What a sweep supports, and the law of scalability."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.scalability import Capacity, Repeat, Usl, capacity_at_objective, fit_usl
from capacity.values import Refusal

DATA = Path(__file__).parent / "data"


def reference(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in (DATA / name).read_text().splitlines() if not line.startswith("#")))


def usl(n: float, alpha: float, beta: float, gamma: float) -> float:
    return gamma * n / (1 + alpha * (n - 1) + beta * n * (n - 1))


def repeats(tps: dict[int, float], ms: dict[int, float], spread: float = 0.02, count: int = 3) -> list[Repeat]:
    signs = np.linspace(-1, 1, count) if count > 1 else [0.0]
    return [Repeat(n, tps[n] * math.exp(s * spread), ms[n] * math.exp(s * spread), 0.0) for n in tps for s in signs]


TPS = {1: 100.0, 2: 190.0, 4: 300.0, 8: 310.0, 16: 250.0}
MS = {1: 10.0, 2: 11.0, 4: 14.0, 8: 30.0, 16: 70.0}


# --- the Universal Scalability Law --------------------------------------------------------------------------------


def test_published_fit_is_reproduced_standard_errors_too() -> None:
    rows = reference("usl_specsdm91.csv")
    fit = fit_usl([float(r["concurrency"]) for r in rows], [float(r["throughput"]) for r in rows])
    assert isinstance(fit, Usl)
    assert [round(p.value, 7) for p in (fit.alpha, fit.beta, fit.gamma)] == [0.0277285, 0.0001044, 89.9952311]
    assert fit.gamma.value == pytest.approx(89.9952330, abs=5e-6)
    assert [round(e, 7) for e in fit.standard_errors] == pytest.approx([0.0091217, 0.0000199, 14.2134894], abs=5e-6)
    assert round(fit.residual_standard_error, 2) == 82.85
    assert fit.degrees_of_freedom == 4
    assert fit.peak == pytest.approx(96.51956, abs=5e-5)


@settings(max_examples=40, deadline=None)
@given(alpha=st.floats(0, 0.5), beta=st.floats(1e-6, 0.05), gamma=st.floats(1, 1e5))
def test_exact_points_give_the_parameters_back(alpha: float, beta: float, gamma: float) -> None:
    levels = [1, 2, 4, 8, 16, 32, 64]
    fit = fit_usl(levels, [usl(n, alpha, beta, gamma) for n in levels])
    assert isinstance(fit, Usl)
    assert fit.alpha.value == pytest.approx(alpha, abs=1e-4)
    assert fit.beta.value == pytest.approx(beta, abs=1e-5)
    assert fit.gamma.value == pytest.approx(gamma, rel=1e-3)
    for n in (3, 48, 80):
        assert fit.throughput(n) == pytest.approx(usl(n, alpha, beta, gamma), rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(unit=st.floats(1e-4, 1e6))
def test_throughput_in_another_unit_scales_only_gamma(unit: float) -> None:
    levels = [1, 2, 4, 8, 16, 32]
    tps = [usl(n, 0.05, 0.002, 100) * (1 + 0.02 * math.sin(n)) for n in levels]
    plain, scaled = fit_usl(levels, tps), fit_usl(levels, [t * unit for t in tps])
    assert isinstance(plain, Usl) and isinstance(scaled, Usl)
    assert scaled.gamma.value == pytest.approx(plain.gamma.value * unit, rel=1e-4)
    assert scaled.alpha.value == pytest.approx(plain.alpha.value, rel=1e-3)
    assert scaled.standard_errors[2] == pytest.approx(plain.standard_errors[2] * unit, rel=1e-3)


def test_linear_growth_has_no_peak_and_prediction_stops_at_reach() -> None:
    fit = fit_usl([1, 2, 4, 8], [10, 20, 40, 80])
    assert isinstance(fit, Usl)
    assert fit.peak is None
    assert fit.throughput(10) == pytest.approx(100, rel=1e-3)
    refused = fit.throughput(10.1)
    assert isinstance(refused, Refusal)
    assert refused.code == "not_identified"


@pytest.mark.parametrize(
    ("n", "x", "code"),
    [
        ([1, 2, 4], [1, 2, 3], "too_few_levels"),
        ([1, 1, 2, 2, 4, 4], [1, 1, 2, 2, 3, 3], "too_few_levels"),
        ([1, 2, 4, 8], [1, 2, 3], "bad_measurement"),
        ([1, 2, 4, math.nan], [1, 2, 3, 4], "bad_measurement"),
        ([1, 2, 4, 8], [1, -2, 3, 4], "bad_measurement"),
        ([0, 2, 4, 8], [1, 2, 3, 4], "bad_measurement"),
    ],
)
def test_unusable_points_are_refused(n: list[float], x: list[float], code: str) -> None:
    refused = fit_usl(n, x)
    assert isinstance(refused, Refusal)
    assert refused.code == code


# --- capacity at an objective -------------------------------------------------------------------------------------


def test_capacity_is_the_last_level_before_the_first_failure() -> None:
    found = capacity_at_objective(repeats(TPS, MS), response_ms=20, error_share=0.001)
    assert isinstance(found, Capacity)
    assert (found.level, found.bracketed) == (4, True)
    assert found.throughput_tps.value == pytest.approx(300)
    assert found.throughput_tps.low < 300
    assert found.throughput_tps.high >= 310
    assert found.met_probability[4] > 0.99
    assert found.met_probability[8] < 0.01
    assert found.pool == (4, 8)


def test_a_level_met_above_a_failing_one_does_not_count() -> None:
    found = capacity_at_objective(repeats(TPS, MS | {2: 50.0}), response_ms=20, error_share=0.001)
    assert isinstance(found, Capacity)
    assert found.level == 1


def test_errors_fail_a_level_whatever_its_response() -> None:
    runs = [Repeat(r.level, r.throughput_tps, r.response_ms, 0.02 if r.level >= 4 else 0.0) for r in repeats(TPS, MS)]
    found = capacity_at_objective(runs, response_ms=20, error_share=0.001)
    assert isinstance(found, Capacity)
    assert found.level == 2
    assert found.met_probability[4] == 0


def test_an_unreached_limit_is_at_least() -> None:
    rising = {1: 100.0, 2: 190.0, 4: 300.0, 8: 400.0, 16: 500.0}
    found = capacity_at_objective(repeats(rising, MS), response_ms=1000, error_share=0.001)
    assert isinstance(found, Capacity)
    assert (found.level, found.bracketed) == (16, False)
    assert math.isinf(found.throughput_tps.high)


def test_throughput_that_stops_rising_is_a_limit_too() -> None:
    """With the objective met everywhere the load is that of the best level, not of the last and slower one."""
    found = capacity_at_objective(repeats(TPS, MS), response_ms=1000, error_share=0.001)
    assert isinstance(found, Capacity)
    assert (found.level, found.bracketed) == (8, True)
    assert found.throughput_tps.value == pytest.approx(310)
    assert 310 < found.throughput_tps.high < 400


def test_the_probability_at_the_limit_itself_is_a_half() -> None:
    found = capacity_at_objective(repeats(TPS, MS), response_ms=30, error_share=0.001)
    assert isinstance(found, Capacity)
    assert found.met_probability[8] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([], "no_valid_runs"),
        (repeats(TPS, MS, count=1), "too_few_repeats"),
        (repeats(TPS, dict.fromkeys(TPS, 500.0)), "objective_not_met"),
        ([Repeat(1, math.nan, 1, 0), Repeat(1, 1, 1, 0)], "bad_measurement"),
        ([Repeat(1, 0, 1, 0), Repeat(1, 1, 1, 0)], "bad_measurement"),
    ],
)
def test_no_answer_is_a_refusal(runs: list[Repeat], code: str) -> None:
    refused = capacity_at_objective(runs, response_ms=20, error_share=0.001)
    assert isinstance(refused, Refusal)
    assert refused.code == code


@settings(max_examples=60, deadline=None)
@given(st.floats(5, 200), st.floats(1.0, 3.0), st.floats(0.001, 0.3))
def test_a_tighter_objective_never_supports_more(limit: float, looser: float, spread: float) -> None:
    runs = repeats(TPS, MS, spread)
    tight = capacity_at_objective(runs, limit, 0.001)
    loose = capacity_at_objective(runs, limit * looser, 0.001)
    if isinstance(tight, Capacity):
        assert isinstance(loose, Capacity)
        assert loose.throughput_tps.value >= tight.throughput_tps.value
        assert loose.throughput_tps.high >= tight.throughput_tps.high


def test_identical_repeats_decide_without_division_by_zero() -> None:
    found = capacity_at_objective(repeats(TPS, MS, spread=0.0), response_ms=20, error_share=0.001)
    assert isinstance(found, Capacity)
    assert found.met_probability == {1: 1.0, 2: 1.0, 4: 1.0, 8: 0.0, 16: 0.0}


def test_a_met_level_truly_meets_about_as_often_as_stated() -> None:
    """Runs scatter around a true response at the limit: P ≥ 0.95 must then be claimed in about 5 % of sweeps."""
    rng = np.random.default_rng(11)
    claimed = []
    for _ in range(400):
        runs = [Repeat(n, 100.0 * n, 20 * math.exp(0.1 * rng.standard_normal()), 0.0) for n in (1, 2) for _ in range(3)]
        found = capacity_at_objective(runs, response_ms=20, error_share=0.001)
        claimed.append(isinstance(found, Capacity))
    assert 0.02 <= np.mean(claimed) <= 0.09
