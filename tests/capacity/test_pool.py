"""The pool."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import plan_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.measured import MeasuredServer, SweptScenario
from capacity.plan import Recommendation, RefusedRecommendation
from capacity.pool import recommend_pool
from capacity.repeats import pool_range
from capacity.scalability import Repeat

START = dt.date(2026, 1, 31)
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
    repeats = tuple(Repeat(n, t * (1 + 0.01 * i), 5.0 * n, 0) for n, t in tps.items() for i in (-1, 0, 1))
    return replace(samples.swept(name, 300, 0.9), repeats=repeats)


def test_the_smallest_that_suits_every_scenario() -> None:
    first = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199, 16: 150})
    second = scenario("b", {1: 50, 2: 80, 4: 120, 8: 122, 16: 121})
    found = recommend_pool((first, second), SERVER, START)
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
    found = recommend_pool((small, large), SERVER, START)
    assert isinstance(found, Recommendation)
    assert found.at_horizon.value == found.at_horizon.high == 4


def test_still_rising_throughput_is_refused_with_the_levels_to_sweep() -> None:
    refused = recommend_pool((scenario("a", {1: 10, 2: 20, 4: 40}),), SERVER, START)
    assert isinstance(refused, RefusedRecommendation)
    assert refused.refusal.code == "pool_not_bracketed"
    assert "16" in refused.refusal.do


def test_think_time_and_no_sweep_are_refused() -> None:
    idle = samples.swept("a", 300, 0.9, busy=False)
    for scenarios, code in (((idle,), "pool_needs_busy_connections"), ((), "no_sweep")):
        refused = recommend_pool(scenarios, SERVER, START)
        assert isinstance(refused, RefusedRecommendation)
        assert refused.refusal.code == code


def test_one_run_a_level_gives_a_pool_without_a_testable_ratio() -> None:
    one = scenario("a", {1: 100, 2: 195, 4: 200, 8: 199})
    once = replace(one, repeats=one.repeats[1::3])
    found = recommend_pool((once,), replace(SERVER, cores=None), START)
    assert isinstance(found, Recommendation)
    assert found.prediction is None
