"""The pool."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import plan_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.arrays import Floats
from capacity.measurements import MeasuredServer, SweptScenario
from capacity.pool import Deployment, PoolSetting, recommend_pool
from capacity.pool.measured import measured_pool
from capacity.recommendation import Recommendation, RefusedRecommendation
from capacity.scalability import Repeat
from capacity.scalability.repeats import pool_range
from capacity.targets import ComputeSize, neon_target
from capacity.values import Interval, Refusal

START = dt.date(2026, 1, 31)
NO_TRIP = samples.given("round_trip_ms", Interval.exact(0.0))
SETTING = PoolSetting(START, NO_TRIP)
SERVER = MeasuredServer(2, 2**33, "test")


@pytest.mark.parametrize(
    ("tps", "found"),
    [
        ({1: 100, 2: 190, 4: 300, 8: 310, 16: 250}, (4, 8)),
        ({1: 100, 2: 190, 4: 300, 8: 310, 16: 300}, (4, 16)),
        ({1: 100, 2: 200, 4: 400}, None),
        ({1: 100, 2: 99, 4: 98}, (1, 4)),
        ({1: 100, 2: 100}, None),
        ({}, None),
    ],
)
def test_ranges_by_hand(tps: dict[int, float], found: tuple[int, int] | None) -> None:
    assert pool_range(tps) == found


@given(st.dictionaries(st.integers(1, 64), st.floats(1, 1e4), min_size=3), st.floats(0.01, 100))
def test_a_range_is_of_measured_levels_and_free_of_units(tps: dict[int, float], unit: float) -> None:
    found = pool_range(tps)
    if found is not None:
        assert found[0] in tps
        assert found[1] in tps
        assert tps[found[0]] >= 0.95 * max(tps.values())


def scenario(name: str, tps: dict[int, float]) -> SweptScenario:
    repeats = tuple(Repeat(n, t * (1 + 0.01 * i), 1300 * n / t, 0) for n, t in tps.items() for i in (-1, 0, 1))
    return replace(samples.swept(name, 300, 0.9), repeats=repeats)


def test_the_smallest_that_suits_every_scenario() -> None:
    first = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199, 16: 150})
    second = scenario("b", {1: 50, 2: 80, 4: 120, 8: 122, 16: 121})
    found = recommend_pool((first, second), SERVER, SETTING)
    assert isinstance(found, Recommendation)
    assert (found.at_horizon.low, found.at_horizon.value, found.at_horizon.high, found.most) == (4, 4, 4, 8)
    assert found.steps[0].due.expected == START
    options = {r.option: r.why for r in found.rejected}
    assert "rule of thumb" in options["2 × cores = 4 connections"]
    assert "of the best under a" in options["16 connections"]
    assert "2 connections" in options
    assert found.prediction is not None
    assert found.prediction.ratio.value == pytest.approx(120 / 121, rel=0.01)


def test_scenarios_that_disagree_leave_no_room_above() -> None:
    small = scenario("small", {1: 100, 2: 60, 4: 50, 8: 40})
    large = scenario("large", {1: 10, 2: 20, 4: 40, 8: 41})
    found = recommend_pool((small, large), SERVER, SETTING)
    assert isinstance(found, Recommendation)
    assert found.at_horizon.low == 4
    assert found.at_horizon.value == found.most


def test_still_rising_throughput_is_refused_with_the_levels_to_sweep() -> None:
    refused = recommend_pool((scenario("a", {1: 10, 2: 20, 4: 40}),), SERVER, SETTING)
    assert isinstance(refused, RefusedRecommendation)
    assert refused.refusal.code == "pool_not_bracketed"
    assert "16" in refused.refusal.do


def test_think_time_and_no_sweep_are_refused() -> None:
    idle = samples.swept("a", 300, 0.9, busy=False)
    for scenarios, code in (((idle,), "pool_needs_busy_connections"), ((), "no_sweep")):
        refused = recommend_pool(scenarios, SERVER, SETTING)
        assert isinstance(refused, RefusedRecommendation)
        assert refused.refusal.code == code


def test_one_run_a_level_gives_a_pool_without_a_testable_ratio() -> None:
    one = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199})
    once = replace(one, repeats=one.repeats[1::3])
    found = recommend_pool((once,), replace(SERVER, cores=None), SETTING)
    assert isinstance(found, Recommendation)
    assert found.prediction is None


def test_pools_whose_responses_are_longer_are_left_out() -> None:
    made = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199, 16: 198})
    long_tail = replace(made, p99_ms={1: 15, 2: 15, 4: 30, 8: 55, 16: 400})
    found = recommend_pool((long_tail,), SERVER, SETTING)
    assert isinstance(found, Recommendation)
    assert found.most == 8
    assert found.at_horizon.value == 2


def test_round_trips_add_the_connections_that_they_hold() -> None:
    made = replace(scenario("a", {1: 100, 2: 195, 4: 200, 8: 199, 16: 150}), round_trips=8.0)
    trip = samples.given("round_trip_ms", Interval(1.0, 2.0, 5.0))
    near, far = (recommend_pool((made,), SERVER, s) for s in (SETTING, replace(SETTING, round_trip_ms=trip)))
    assert isinstance(near, Recommendation)
    assert isinstance(far, Recommendation)
    # Little's law: 195 a second hold a connection for 8 × 2 ms longer.
    assert far.at_horizon.value - near.at_horizon.value == pytest.approx(195 * 8 * 0.002, abs=1)
    assert far.at_horizon.high > near.at_horizon.high


def test_the_pool_is_divided_and_never_into_nothing() -> None:
    made = (scenario("a", {1: 100, 2: 195, 4: 390, 8: 795, 16: 800, 32: 780}),)
    for deployment, each in ((Deployment(), 8), (Deployment(4), 2), (Deployment(2, 2), 2), (Deployment(20), 0)):
        found = recommend_pool(made, SERVER, replace(SETTING, deployment=deployment))
        assert isinstance(found, Recommendation)
        assert found.division is not None
        assert found.division.each == each
        assert found.division.each * deployment.instances * deployment.pools <= found.division.total
    assert "pooler in transaction mode" in found.division.what


def test_limits_of_server_and_pooler_are_checked() -> None:
    made = (scenario("a", {1: 100, 2: 195, 4: 390, 8: 795, 16: 800, 32: 780}),)
    small = replace(SERVER, max_connections=10, reserved_connections=3)
    found = recommend_pool(made, small, replace(SETTING, peak_tps={"a": 100.0}))
    assert isinstance(found, Recommendation)
    by_name = {check.name: check for check in found.checks}
    assert (by_name["connections"].needed, by_name["connections"].limit, by_name["connections"].holds) == (8, 7, False)
    assert by_name["queue_wait"].holds
    overloaded = recommend_pool(made, SERVER, replace(SETTING, peak_tps={"a": 5_000.0}))
    assert isinstance(overloaded, Recommendation)
    assert not overloaded.checks[-1].holds


def test_neons_pooler_does_not_protect_a_compute_unit() -> None:
    target = neon_target([ComputeSize(1, 4, 419)], Interval.exact(4), "launch", "2026", "test")
    made = (scenario("a", {1: 100, 2: 195, 4: 390, 8: 795, 16: 800, 32: 780}),)
    found = recommend_pool(made, SERVER, replace(SETTING, target=target, server=target.servers[0]))
    assert isinstance(found, Recommendation)
    check = next(check for check in found.checks if check.name == "pooler_pool")
    assert (check.needed, check.holds) == (377, False)


# --- planted laws -------------------------------------------------------------------------------------------------

LEVELS = (1, 2, 4, 8, 16, 32)


def peaked(rng: np.random.Generator, n: Floats) -> Floats:
    """The Universal Scalability Law, its peak anywhere."""
    alpha, beta = rng.uniform(0.1, 0.5), np.exp(rng.uniform(np.log(0.001), np.log(0.02)))
    return np.asarray(300 * n / (1 + alpha * (n - 1) + beta * n * (n - 1)))


def flat(rng: np.random.Generator, n: Floats) -> Floats:
    """A knee, soft or sharp, and next to no loss beyond it."""
    knee, sharp = np.exp(rng.uniform(np.log(2), np.log(16))), rng.uniform(2, 6)
    return np.asarray(200 * n / (n**sharp + knee**sharp) ** (1 / sharp) * (1 - 0.001 * (n - 1)))


@pytest.mark.parametrize("law", [peaked, flat])
def test_the_interval_covers_the_true_least_pool_and_is_narrow(law: Callable[..., Floats]) -> None:
    """Sweeps with noise of runs and drift of blocks; the truth lies between the levels, at any whole number."""
    covered, widths = [], []
    n = np.arange(1, LEVELS[-1] + 1, dtype=np.float64)
    for seed in range(60):
        rng = np.random.default_rng([11, seed])
        tps = law(rng, n)
        response = 2200 * n / tps
        waits = response + 1000 * (n[-1] - n) / tps
        good = (tps >= 0.95 * tps.max()) & (waits <= 1.15 * waits.min())
        truth = n[good][0] if good.any() else n[tps >= 0.95 * tps.max()][0]
        repeats = []
        for block in range(3):
            drift = rng.normal(0, 0.03)
            for level in LEVELS:
                x, r = rng.normal(drift, 0.02), rng.normal(-drift, 0.05)
                at = level - 1
                repeats.append(Repeat(level, float(tps[at] * np.exp(x)), float(response[at] * np.exp(r)), 0, block))
        found = measured_pool(replace(samples.swept("a", 300, 0.9), repeats=tuple(repeats)))
        if isinstance(found, Refusal):
            continue
        assert found.least.value <= found.level
        assert found.least.value <= found.most
        covered.append(found.least.low <= truth <= found.least.high)
        widths.append(found.least.high / found.least.low)
    assert len(covered) > 40
    assert np.mean(covered) > 0.85
    assert np.median(widths) < 1.5


def test_without_repeats_the_interval_says_that_nothing_tells_the_scatter() -> None:
    one = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199})
    found = measured_pool(replace(one, repeats=one.repeats[1::3]))
    assert not isinstance(found, Refusal)
    assert (found.least.low, found.least.high) == (1, 8)


def test_long_sweeps_and_any_units_are_answered_alike() -> None:
    tps = {n: 500 * n / (1 + 0.02 * (n - 1) + 1e-5 * n * (n - 1)) for n in (1, 16, 64, 256, 1024, 4096)}
    found = measured_pool(scenario("a", tps))
    scaled = scenario("a", {n: 1000 * x for n, x in tps.items()})
    again = measured_pool(scaled)
    assert not isinstance(found, Refusal) and not isinstance(again, Refusal)
    assert (again.least, again.most, again.level) == (found.least, found.most, found.level)
    assert again.tps == pytest.approx(1000 * found.tps)
