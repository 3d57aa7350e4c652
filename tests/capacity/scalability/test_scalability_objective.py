"""The load that a sweep supports at an objective."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.scalability import Capacity, Repeat, capacity_at_objective
from capacity.values import Refusal


def repeats(tps: dict[int, float], ms: dict[int, float], spread: float = 0.02, count: int = 3) -> list[Repeat]:
    signs = np.linspace(-1, 1, count) if count > 1 else [0.0]
    return [Repeat(n, tps[n] * math.exp(s * spread), ms[n] * math.exp(s * spread), 0.0) for n in tps for s in signs]


TPS = {1: 100.0, 2: 190.0, 4: 300.0, 8: 310.0, 16: 250.0}
MS = {1: 10.0, 2: 11.0, 4: 14.0, 8: 30.0, 16: 70.0}


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


def test_a_level_whose_runs_failed_bounds_the_capacity_without_a_figure_of_its_own() -> None:
    """All of what failed may have no latency at all: the level is measured all the same."""
    below = [r for r in repeats(TPS, MS) if r.level < 4]
    failed = [Repeat(4, 0.0, 0.0, 1.0), Repeat(4, 0.0, 0.0, 0.59), Repeat(4, 300.0, 14.0, 0.0)]
    found = capacity_at_objective([*below, *failed], response_ms=20, error_share=0.01)
    assert isinstance(found, Capacity)
    assert (found.level, found.bracketed) == (2, True)
    assert found.met_probability[4] == 0
    # Levels above it do not make up for it, and at the lowest level it is a no for every load.
    above = [r for r in repeats(TPS, MS) if r.level > 4]
    assert isinstance(higher := capacity_at_objective([*below, *failed, *above], 1000, 0.01), Capacity)
    assert higher.level == 2
    refused = capacity_at_objective([*failed, *above], response_ms=1000, error_share=0.01)
    assert isinstance(refused, Refusal)
    assert refused.code == "too_many_errors"
    assert "the lowest, 4, has an error rate of 53%" in refused.missing


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
@given(st.floats(5, 200), st.floats(1.0, 3.0), st.floats(0.001, 0.3), st.sets(st.integers(0, 14), max_size=8))
def test_a_tighter_objective_never_supports_more(limit: float, looser: float, spread: float, lost: set[int]) -> None:
    runs = [run for place, run in enumerate(repeats(TPS, MS, spread)) if place not in lost]
    tight = capacity_at_objective(runs, limit, 0.001)
    loose = capacity_at_objective(runs, limit * looser, 0.001)
    if isinstance(tight, Capacity):
        assert isinstance(loose, Capacity)
        assert loose.throughput_tps.value >= tight.throughput_tps.value
        assert loose.throughput_tps.high >= tight.throughput_tps.high
        assert loose.throughput_tps.low >= tight.throughput_tps.low


def test_a_level_that_lost_runs_takes_nothing_from_one_below_it() -> None:
    runs = [run for run in repeats(TPS | {8: 301.0}, MS, spread=0.1) if run.level != 8] + [Repeat(8, 301.0, 30.0, 0.0)]
    tight, loose = (capacity_at_objective(runs, ms, 0.001) for ms in (20, 200))
    assert isinstance(tight, Capacity)
    assert isinstance(loose, Capacity)
    assert loose.throughput_tps.low >= tight.throughput_tps.low > 0


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


# --- planted truth ------------------------------------------------------------------------------------------------

Truth = dict[int, float]


def usl(n: int, alpha: float, beta: float) -> float:
    return 300 * n / (1 + alpha * (n - 1) + beta * n * (n - 1))


PEAKED: Truth = {n: usl(n, 0.05, 0.004) for n in (1, 2, 4, 8, 16, 32)}
FLAT: Truth = {n: min(270.0 * n, 1200.0) for n in (1, 2, 4, 8, 16, 32)}


def sweep(
    truth: Truth, drift: float, noise: float, blocks: int, rng: np.random.Generator, lost: float = 0
) -> list[Repeat]:
    """Every block drifts as a whole, every run has noise of its own; response is the cycle time. Some runs are lost."""
    runs = []
    for block in range(blocks):
        common = drift * rng.standard_normal()
        for n, tps in truth.items():
            off = common + noise * rng.standard_normal()
            ms = 1500 * n / tps * math.exp(-off + 0.02 * rng.standard_normal())
            if rng.random() >= lost:
                runs.append(Repeat(n, tps * math.exp(off), ms, 0.0, block))
    return runs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truth", "drift", "noise", "blocks", "lost"),
    [
        (PEAKED, 0.0, 0.03, 3, 0.0),
        (PEAKED, 0.1, 0.03, 3, 0.0),
        (PEAKED, 0.3, 0.03, 3, 0.0),
        (PEAKED, 0.3, 0.03, 2, 0.0),
        (PEAKED, 0.2, 0.05, 5, 0.15),
        (FLAT, 0.1, 0.05, 3, 0.0),
        (FLAT, 0.3, 0.05, 3, 0.0),
        (FLAT, 0.0, 0.08, 3, 0.0),
    ],
)
def test_the_interval_covers_the_truth_through_drift_and_noise(
    truth: Truth, drift: float, noise: float, blocks: int, lost: float
) -> None:
    """Nominal 90 %; errors of the point, in its own standard deviations, are not upwards."""
    rng = np.random.default_rng(29)
    most = max(truth.values())
    covered, errors = [], []
    for _ in range(300):
        found = capacity_at_objective(sweep(truth, drift, noise, blocks, rng, lost), 1e6, 0.001)
        assert isinstance(found, Capacity)
        covered.append(found.throughput_tps.low <= most <= found.throughput_tps.high)
        errors.append(math.log(found.throughput_tps.value / most))
    # Three standard deviations of 300 draws below 0.9.
    assert np.mean(covered) >= 0.848
    # A third of what the greatest of three equal means would be too great by, and what 300 draws leave open.
    slack = 0.28 * noise / math.sqrt(blocks) + 3 * math.hypot(drift, noise) / math.sqrt(blocks * 300)
    assert np.mean(errors) <= slack


def test_the_greatest_mean_itself_would_fail_both() -> None:
    """What the estimate above replaces: the greatest level mean, with the spread within levels as its error."""
    rng = np.random.default_rng(29)
    covered, errors = [], []
    for _ in range(300):
        runs = sweep(FLAT, 0.3, 0.05, 3, rng)
        logs = np.array([[math.log(r.throughput_tps) for r in runs if r.level == n] for n in FLAT])
        best = int(np.argmax(logs.mean(axis=1)))
        half = 1.78 * math.sqrt(float(logs.var(axis=1, ddof=1).mean()) / 3)
        errors.append(float(logs[best].mean()) - math.log(1200))
        covered.append(abs(errors[-1]) <= half)
    assert np.mean(covered) < 0.848


def test_drift_widens_the_interval_and_noise_of_single_runs_does_less() -> None:
    rng = np.random.default_rng(3)

    def width(drift: float) -> float:
        widths = []
        for _ in range(40):
            found = capacity_at_objective(sweep(PEAKED, drift, 0.02, 3, rng), 1e6, 0.001)
            assert isinstance(found, Capacity)
            widths.append(math.log(found.throughput_tps.high / found.throughput_tps.low))
        return float(np.median(widths))

    assert width(0.2) > 4 * width(0.0)


def test_a_marginal_level_is_not_claimed_more_often_than_stated_through_drift() -> None:
    """All levels truly sit at the limit: whole blocks drift together, and only 5 % of sweeps may claim the lowest."""
    rng = np.random.default_rng(31)
    claimed = []
    for _ in range(400):
        runs = []
        for block in range(3):
            common = 0.2 * rng.standard_normal()
            for n in (1, 2, 4, 8):
                runs.append(Repeat(n, 100.0 * n, 20 * math.exp(common + 0.03 * rng.standard_normal()), 0.0, block))
        claimed.append(isinstance(capacity_at_objective(runs, response_ms=20, error_share=0.001), Capacity))
    assert np.mean(claimed) <= 0.085


def test_without_drift_blocks_change_little() -> None:
    runs = sweep(PEAKED, 0.0, 0.03, 6, np.random.default_rng(8))
    with_blocks = capacity_at_objective(runs, 1e6, 0.001)
    without = capacity_at_objective([replace(run, block=0) for run in runs], 1e6, 0.001)
    assert isinstance(with_blocks, Capacity) and isinstance(without, Capacity)
    assert with_blocks.throughput_tps.value == pytest.approx(without.throughput_tps.value, rel=0.01)
    assert with_blocks.throughput_tps.low == pytest.approx(without.throughput_tps.low, rel=0.03)


def test_a_lost_slow_block_does_not_flatter_a_level() -> None:
    """Level 8 lost its run in the slow block; compared within blocks it is what it was."""
    truth = {1: 100.0, 2: 190.0, 4: 300.0, 8: 310.0, 16: 250.0}
    shape = {0: 1.0, 1: 0.7, 2: 1.02}
    noise = {1: 1.002, 2: 0.999, 4: 1.001, 8: 0.998, 16: 1.0}
    runs = [
        Repeat(n, tps * shape[block] * noise[n] ** block, 10.0, 0.0, block)
        for block in shape
        for n, tps in truth.items()
        if (n, block) != (8, 1)
    ]
    found = capacity_at_objective(runs, 100, 0.001)
    assert isinstance(found, Capacity)
    assert found.throughput_tps.value == pytest.approx(310 * (1.0 * 0.7 * 1.02) ** (1 / 3), rel=0.02)


@settings(max_examples=40, deadline=None)
@given(unit=st.floats(1e-6, 1e6), seed=st.integers(0, 1000))
def test_rescaled_input_rescaled_answer(unit: float, seed: int) -> None:
    runs = sweep(PEAKED, 0.1, 0.05, 3, np.random.default_rng(seed), lost=0.1)
    plain = capacity_at_objective(runs, 20, 0.001)
    scaled = [replace(r, throughput_tps=r.throughput_tps * unit, response_ms=r.response_ms / unit) for r in runs]
    other = capacity_at_objective(scaled, 20 / unit, 0.001)
    assert type(plain) is type(other)
    if isinstance(plain, Capacity) and isinstance(other, Capacity):
        assert other.level == plain.level
        assert other.throughput_tps.low == pytest.approx(plain.throughput_tps.low * unit, rel=1e-6)
        assert other.throughput_tps.value == pytest.approx(plain.throughput_tps.value * unit, rel=1e-6)


NUMBERS = st.one_of(st.floats(1e-45, 1e45), st.sampled_from([5.0, 0.0, -1.0, math.nan, math.inf]))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.builds(Repeat, st.integers(0, 40), NUMBERS, NUMBERS, st.sampled_from([0.0, 0.01, 1.0, -1.0, math.nan]),
                  st.integers(0, 4)),
        max_size=14,
    ),
    st.floats(-1, 1e9),
)  # fmt: skip
def test_whatever_was_measured_gives_an_answer_or_a_refusal(runs: list[Repeat], limit: float) -> None:
    """Warnings are errors here, and an interval that excludes its own value raises."""
    answer = capacity_at_objective(runs, limit, 0.001)
    assert isinstance(answer, Capacity | Refusal)


@pytest.mark.slow
def test_a_long_sweep_is_answered() -> None:
    truth = {n: usl(n, 0.05, 0.0001) for n in range(1, 301)}
    found = capacity_at_objective(sweep(truth, 0.1, 0.05, 5, np.random.default_rng(4)), 1e6, 0.001)
    assert isinstance(found, Capacity)
