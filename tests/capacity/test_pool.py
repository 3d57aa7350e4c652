"""The pool."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import plan_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.measured import MeasuredServer, SweptScenario
from capacity.neon import ComputeSize, neon_target
from capacity.plan import Recommendation, RefusedRecommendation
from capacity.pool import Deployment, PoolSetting, recommend_pool
from capacity.pool_measured import p99_with_waiting_ms
from capacity.repeats import pool_range
from capacity.scalability import Repeat
from capacity.values import Interval

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
    assert (found.at_horizon.low, found.at_horizon.value, found.at_horizon.high) == (3, 4, 8)
    assert found.steps[0].due.expected == START
    options = {r.option: r.why for r in found.rejected}
    assert "rule of thumb" in options["2 × cores = 4 connections"]
    assert "a fault under a" in options["16 connections"]
    assert "2 connections" in options
    assert found.prediction is not None
    assert found.prediction.ratio.value == pytest.approx(120 / 121, rel=0.01)


def test_scenarios_that_disagree_leave_no_room_above() -> None:
    small = scenario("small", {1: 100, 2: 60, 4: 50, 8: 40})
    large = scenario("large", {1: 10, 2: 20, 4: 40, 8: 41})
    found = recommend_pool((small, large), SERVER, SETTING)
    assert isinstance(found, Recommendation)
    assert found.at_horizon.value == found.at_horizon.high == 4


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


def test_waiting_for_a_connection_counts_in_p99() -> None:
    made = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199, 16: 150})
    waits = p99_with_waiting_ms(made)
    # 16 clients, one connection: 15 wait for 1/100 s each, and the one inside takes 13 ms.
    assert waits[1] == pytest.approx(150 + 13, rel=0.01)
    assert waits[16] == pytest.approx(1300 * 16 / 150, rel=0.01)
    exact = replace(made, p99_ms=dict.fromkeys(made.levels, 3.0))
    assert p99_with_waiting_ms(exact)[16] == 3.0


def test_pools_whose_responses_are_longer_are_left_out() -> None:
    made = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199, 16: 198})
    long_tail = replace(made, p99_ms={1: 15, 2: 15, 4: 30, 8: 55, 16: 400})
    found = recommend_pool((long_tail,), SERVER, SETTING)
    assert isinstance(found, Recommendation)
    assert found.at_horizon.high == 8
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
    made = (scenario("a", {1: 100, 2: 195, 4: 390, 8: 770, 16: 800, 32: 780}),)
    for deployment, each in ((Deployment(), 8), (Deployment(4), 2), (Deployment(2, 2), 2), (Deployment(20), 0)):
        found = recommend_pool(made, SERVER, replace(SETTING, deployment=deployment))
        assert isinstance(found, Recommendation)
        assert found.division is not None
        assert found.division.each == each
        assert found.division.each * deployment.instances * deployment.pools <= found.division.total
    assert "pooler in transaction mode" in found.division.what


def test_limits_of_server_and_pooler_are_checked() -> None:
    made = (scenario("a", {1: 100, 2: 195, 4: 390, 8: 770, 16: 800, 32: 780}),)
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
    made = (scenario("a", {1: 100, 2: 195, 4: 390, 8: 770, 16: 800, 32: 780}),)
    found = recommend_pool(made, SERVER, replace(SETTING, target=target, server=target.servers[0]))
    assert isinstance(found, Recommendation)
    check = next(check for check in found.checks if check.name == "pooler_pool")
    assert (check.needed, check.holds) == (377, False)
