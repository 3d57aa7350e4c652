"""Replicas: the laws, and the recommendation made of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import plan_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.planner import make_plan
from capacity.recommendation import Recommendation, RefusedRecommendation
from capacity.scalability import Capacity
from capacity.sizing import replicas_needed
from capacity.sizing.replicas import load_ratio
from capacity.targets import Server, Target
from capacity.values import Interval

SHARE = st.floats(0, 1)
LOAD = st.floats(0, 50)


def need(reads: float, writes: float, replay: float, target: float) -> float:
    return float(replicas_needed(*(np.array([v]) for v in (reads, writes, replay, target)))[0])


def advice(scale: float, **changes: object) -> tuple[Recommendation | RefusedRecommendation, ...]:
    plan = make_plan(samples.inputs(scale, **changes))
    return tuple(a for a in (*plan.recommendations, *plan.refused) if a.kind == "replicas")


def reads(scale: float, **changes: object) -> Recommendation:
    found = advice(scale, **changes)[0]
    assert isinstance(found, Recommendation)
    return found


# --- the laws -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "write", "replay", "target", "replicas"),
    [
        (0.5, 0.1, 0.5, 0.7, 0),
        (0.6, 0.1, 0.5, 0.7, 0),
        (0.7, 0.1, 0.0, 0.7, 1),
        (2.0, 0.1, 0.0, 0.7, 2),
        (2.0, 0.1, 1.0, 0.7, 3),
        (0.1, 0.8, 0.0, 0.7, np.inf),
        (0.7, 0.7, 1.0, 0.7, np.inf),
        (0.0, 0.7, 1.0, 0.7, 0),
    ],
)
def test_replicas_by_hand(read: float, write: float, replay: float, target: float, replicas: float) -> None:
    assert need(read, write, replay, target) == replicas


@given(LOAD, LOAD, SHARE, st.floats(0.1, 1))
def test_enough_replicas_carry_the_load_and_one_fewer_does_not(
    read: float, write: float, replay: float, target: float
) -> None:
    k = need(read, write, replay, target)
    if np.isinf(k):
        assert write > target or target - replay * write <= 1e-9
        return
    room = (target - write) + k * (target - replay * write)
    assert read <= room + 1e-6 * (1 + k)
    if k:
        assert read > room - (target - replay * write) - 1e-6 * (1 + k)


@given(LOAD, LOAD, SHARE, st.floats(0.1, 1), st.floats(0, 10), st.floats(0, 10))
def test_more_load_never_needs_fewer(
    read: float, write: float, replay: float, target: float, more: float, most: float
) -> None:
    assert need(read + more, write + most, replay, target) >= need(read, write, replay, target)


@given(st.integers(0, 20), st.floats(0.01, 50), st.floats(0, 50), SHARE)
def test_the_ratio_is_what_the_law_of_need_allows(k: int, read: float, write: float, replay: float) -> None:
    """k replicas are exactly enough for the load that the ratio says they carry."""
    ratio = float(load_ratio(k, np.array([read]), np.array([write]), np.array([replay]))[0])
    alone = 0.7 / (read + write)
    carried = alone * ratio * 0.999999
    assert 1 - 1e-9 <= ratio <= k + 1 + 1e-9
    assert need(read * carried, write * carried, replay, 0.7) <= k


# --- the recommendation -------------------------------------------------------------------------------------------


def test_a_small_load_needs_none_and_says_why_one_is_rejected() -> None:
    found = reads(0.1)
    assert (found.now, found.at_horizon) == (Interval(0, 0, 0), Interval(0, 0, 0))
    assert found.steps == ()
    assert found.prediction is None
    assert found.rejected[0].option == "one replica for load"


READING = (samples.swept("dashboard", 300, 1.0), samples.swept("montecarlo", 6000, 0.5))
"""Scenarios whose writes leave the primary room."""


def test_growth_needs_replicas_at_dates_in_order() -> None:
    found = reads(30, scenarios=READING, workload=samples.workload(1.3))
    assert found.at_horizon.low <= found.at_horizon.value <= found.at_horizon.high
    assert found.at_horizon.value >= max(1, found.now.value)
    assert [s.amount for s in found.steps] == sorted({s.amount for s in found.steps})
    for step in found.steps:
        assert step.due.earliest is not None
        dates = [d for d in (step.due.earliest, step.due.expected, step.due.latest) if d is not None]
        assert dates == sorted(dates)
    assert found.prediction is not None
    assert 1 < found.prediction.ratio.value <= found.at_horizon.value + 1


@pytest.mark.slow
def test_more_users_never_need_fewer_replicas_nor_later() -> None:
    previous = None
    for scale in (1, 3, 10, 20, 30):
        found = reads(scale, scenarios=READING, workload=samples.workload(1.3))
        if previous is not None:
            assert found.at_horizon.value >= previous.at_horizon.value
            assert found.at_horizon.high >= previous.at_horizon.high
            assert found.now.value >= previous.now.value
        previous = found


def test_reads_that_must_see_their_own_writes_stay_on_the_primary() -> None:
    needed = [
        float(replicas_needed(*(np.array([v]) for v in (1.0, 0.2, 0.0, 0.9)), fresh)[0]) for fresh in (0, 0.6, 0.8)
    ]
    assert needed == [1, 1, math.inf]
    assert load_ratio(5, np.array([1.0]), np.array([0.2]), np.array([0.0]), 0.4)[0] == pytest.approx(1.2 / 0.6)


def test_dearer_replay_never_needs_fewer() -> None:
    cheap = reads(40, policy=samples.policy(replay=Interval.exact(0.0)))
    dear = reads(40, policy=samples.policy(replay=Interval.exact(0.9)))
    assert dear.at_horizon.high >= cheap.at_horizon.high


def test_a_write_bound_primary_is_named_and_replicas_are_rejected_for_it() -> None:
    found = advice(400, workload=samples.workload(montecarlo=0.5))
    primary = found[1]
    assert isinstance(primary, Recommendation)
    assert primary.subject == "primary"
    assert primary.headline.startswith("The writes alone exceed the measured primary now")
    assert primary.rejected[0].option == "read replicas"
    assert primary.now.value > 1
    first = found[0]
    assert isinstance(first, Recommendation)
    assert first.headline == "Read replicas do not help: the writes alone exceed the primary"
    assert any(r.option == "replicas for the write load" for r in first.rejected)


def test_a_scenario_without_capacity_is_refused_by_name() -> None:
    only = (samples.swept("dashboard", 300, 0.95),)
    (refused,) = advice(1, scenarios=only)
    assert isinstance(refused, RefusedRecommendation)
    assert refused.refusal.code == "scenario_not_swept"
    assert "montecarlo" in refused.refusal.missing
    failing = (*only, samples.swept("montecarlo", 60, 0, response_ms=1))
    (refused,) = advice(1, scenarios=failing)
    assert isinstance(refused, RefusedRecommendation)
    assert refused.refusal.code == "objective_not_met"


def test_a_capacity_that_is_only_at_least_leaves_the_low_end_open() -> None:
    dashboard, montecarlo = samples.swept("dashboard", 300, 1.0), samples.swept("montecarlo", 6000, 0.5)
    assert isinstance(dashboard.capacity, Capacity)
    at_least = replace(dashboard.capacity.throughput_tps, high=math.inf)
    endless = replace(dashboard.capacity, throughput_tps=at_least, bracketed=False)
    found = reads(60, scenarios=(replace(dashboard, capacity=endless), montecarlo))
    assert found.at_horizon.low == 0 < found.at_horizon.value
    assert "capacity may be higher" in found.reason
    assert all(step.due.latest is None for step in found.steps)


def test_every_assumption_is_listed_as_one() -> None:
    names = {i.name: i.origin for i in reads(1).inputs}
    assert names["replay_cost"] == names["write_cost"] == names["target_utilisation"] == "assumption"
    assert names["capacity.dashboard"] == "measured"


def sizes(cores: tuple[int, ...]) -> Target:
    speed, scaling, waits = (samples.given(name, Interval.exact(1.0)) for name in ("core_speed", "scaling", "waits"))
    servers = tuple(Server(f"{n} cores", n, 1000 * samples.GIB) for n in cores)
    return Target("sizes", servers, 5, core_speed=speed, scaling=scaling, waits=waits)


@pytest.mark.parametrize("cores", [(2, 64), (64, 2)], ids=["ascending", "descending"])
def test_a_target_with_a_server_large_enough_for_the_writes_is_not_write_bound(cores: tuple[int, ...]) -> None:
    """On the measured two cores the writes need up to some thirty servers; the order of a list tells no size."""
    found = advice(300, workload=samples.workload(spread=1.1), target=sizes(cores))
    assert [f.subject for f in found if isinstance(f, Recommendation)] == ["reads"]


def test_writes_beyond_the_largest_server_of_a_target_are_named_with_it() -> None:
    found = advice(300, workload=samples.workload(spread=1.1), target=sizes((4, 2)))
    primary = next(f for f in found if isinstance(f, Recommendation) and f.subject == "primary")
    assert "4 cores (the largest)" in primary.headline
    assert primary.unit == "times 4 cores, for writes alone"
    assert "No larger server is available" in primary.reason
    assert "shard" in primary.reason


def test_a_target_short_of_memory_alone_is_not_called_write_bound() -> None:
    tight = Target("tight", (Server("one", 64, 1000.0), Server("two", 128, 1000.0)), 5)
    found = advice(300, workload=samples.workload(spread=1.1), target=tight)
    assert not [f for f in found if f.subject == "primary"]
