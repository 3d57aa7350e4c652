"""What replay takes of a replica: measured where runs told it, assumed where they did not, and one core at most."""

from __future__ import annotations

from dataclasses import replace

import plan_samples as samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.demand import Demand
from capacity.measured import MeasuredDemand, SweptScenario
from capacity.peak import PeakLoad
from capacity.plan import Input, Recommendation
from capacity.plan.simulate import Futures, simulate
from capacity.planner import make_plan
from capacity.replay import pooled_cost
from capacity.values import Interval, Origin, Refusal
from capacity.workload import Workload

NOT_MEASURED = Refusal("no_replica_measured", "what replaying the log costs", "run with a replica")


def scenarios(
    replay: Interval | Refusal | None, cpu_s: float | None = None, read_share: float = 0.5
) -> tuple[SweptScenario, ...]:
    """Reads beside a scenario of both kinds, whose replay takes ``replay`` of executing it, or is not measured."""
    both = replace(samples.swept("montecarlo", 600, read_share), replay=replay, write_cost=Interval.exact(2.0))
    if cpu_s is not None:
        known = Demand("montecarlo", Interval.exact(cpu_s), None, None, None)
        both = replace(both, demand=MeasuredDemand(known, known, known, 1_000.0, 2.0))
    return (samples.swept("dashboard", 300, 1.0), both)


def replicas(found: tuple[SweptScenario, ...], scale: float = 20, **changes: object) -> Recommendation:
    plan = make_plan(samples.inputs(scale, scenarios=found, workload=samples.workload(1.3), **changes))
    return next(r for r in plan.recommendations if r.kind == "replicas" and r.subject == "reads")


def replay_inputs(found: Recommendation) -> dict[str, Input]:
    return {given.name: given for given in found.inputs if given.name.startswith("replay_cost")}


def test_the_same_share_plans_the_same_whether_it_was_measured_or_assumed() -> None:
    """Half its transactions write and take two thirds of its work; a write's replay is half of that."""
    assumed = replicas(scenarios(NOT_MEASURED), policy=samples.policy(replay=Interval.exact(0.5)))
    measured = replicas(scenarios(Interval.exact(1 / 3)), policy=samples.policy(replay=Interval.exact(0.9)))
    assert assumed.at_horizon.value > 0
    assert (measured.now, measured.at_horizon, measured.steps) == (assumed.now, assumed.at_horizon, assumed.steps)


def test_what_was_measured_is_no_assumption_and_what_was_not_is_listed_as_one() -> None:
    measured, assumed = replicas(scenarios(Interval(0.1, 0.12, 0.15))), replicas(scenarios(NOT_MEASURED))
    assert {name: one.origin for name, one in replay_inputs(measured).items()} == {
        "replay_cost.montecarlo": Origin.MEASURED
    }
    assert "a transaction of montecarlo costs a replica 12 (10–15) % of executing it (measured)" in measured.reason
    assert {name: one.origin for name, one in replay_inputs(assumed).items()} == {"replay_cost": Origin.ASSUMPTION}
    assert "a write whose replay was not measured costs a replica" in assumed.reason


def test_a_plan_says_which_replay_was_not_measured() -> None:
    for replay, refused in ((NOT_MEASURED, NOT_MEASURED), (Interval.exact(0.1), None)):
        bases = make_plan(samples.inputs(20, scenarios=scenarios(replay))).bases
        assert [basis.replay_refused for basis in bases] == [None, refused]


def test_scenarios_that_only_read_have_nothing_to_replay() -> None:
    found = (samples.swept("dashboard", 300, 1.0), samples.swept("montecarlo", 600, 1.0))
    assert not replay_inputs(replicas(found))


def test_a_mix_that_writes_twice_as_much_replays_twice_as_much() -> None:
    """Measured at half writes; the workload says a quarter, then half. Work is by transactions alone here."""
    writing = replace(scenarios(Interval.exact(0.3))[1], write_cost=Interval.exact(1.0))
    found = (scenarios(None)[0], writing)

    def stated(reads: float) -> Workload:
        given = samples.workload(1.0, montecarlo=0.5)
        share = samples.given("read_share.montecarlo", Interval.exact(reads))
        return replace(given, mix=(given.mix[0], replace(given.mix[1], read_share=share)))

    def of(reads: float) -> Futures:
        made = simulate(found, PeakLoad.of(samples.users(), stated(reads)), stated(reads), samples.policy())
        assert isinstance(made, Futures)
        return made

    less, half = of(0.75), of(0.5)
    assert half.replay == pytest.approx(2 * less.replay)
    assert half.replay == pytest.approx(0.3 * (half.loads[1].reads + half.loads[1].writes))


@settings(max_examples=12, derandomize=True, deadline=None)
@given(st.floats(0, 0.5), st.floats(1, 3), st.floats(3, 40))
def test_more_to_replay_never_needs_fewer(share: float, times: float, scale: float) -> None:
    less, more = (replicas(scenarios(Interval.exact(s)), scale) for s in (share, share * times))
    if not (more.headline.startswith("No read") or less.headline.startswith("No read")):
        assert more.at_horizon.value >= less.at_horizon.value


def test_a_log_that_takes_more_than_one_core_to_replay_is_not_followed_by_any_replica() -> None:
    """At 0.3 of executing: of a second a transaction it is more than a core, of 10 µs next to nothing."""
    light, heavy = (scenarios(Interval.exact(0.3), cpu_s) for cpu_s in (1e-5, 1.0))
    fits = make_plan(samples.inputs(20, scenarios=light, workload=samples.workload(1.3)))
    assert next(r for r in fits.recommendations if r.kind == "replicas").at_horizon.value > 0
    behind = make_plan(samples.inputs(20, scenarios=heavy, workload=samples.workload(1.3)))
    assert behind.sizing is not None and not behind.sizing.met
    told = [*(r.why for r in behind.sizing.rejected), *(r.refusal.missing for r in behind.refused)]
    assert any("one core that a replica can give" in why for why in told), told


# --- several runs -------------------------------------------------------------------------------------------------

COST = st.floats(1e-10, 1e-7)


@given(COST, st.floats(0, 0.5), st.floats(1e3, 1e12))
def test_one_run_is_its_own_pool(cost: float, error: float, wal_bytes: float) -> None:
    one = Interval(cost * (1 - error), cost, cost * (1 + error))
    found = pooled_cost([one], [wal_bytes])
    assert (found.low, found.value, found.high) == pytest.approx((one.low, one.value, one.high))


@given(st.lists(st.tuples(COST, st.floats(0, 0.5), st.floats(1, 1e12)), min_size=1, max_size=8))
def test_a_pool_lies_among_its_runs_and_counts_them_by_bytes(runs: list[tuple[float, float, float]]) -> None:
    costs = [Interval(cost * (1 - error), cost, cost * (1 + error)) for cost, error, _ in runs]
    sizes = [size for _, _, size in runs]
    found = pooled_cost(costs, sizes)
    assert 0 <= found.low <= found.value <= found.high
    assert found.value == pytest.approx(sum(c.value * s for c, s in zip(costs, sizes, strict=True)) / sum(sizes))
    scaled = pooled_cost([cost.scaled(1024) for cost in costs], [8 * size for size in sizes])
    assert scaled.high == pytest.approx(1024 * found.high)


def test_runs_that_agree_tell_more_and_runs_that_do_not_tell_less() -> None:
    one = Interval(4e-9, 5e-9, 6e-9)
    agree = pooled_cost([one] * 4, [1e9] * 4)
    assert agree.high - agree.value == pytest.approx((one.high - one.value) / 2)
    apart = pooled_cost([one, one.scaled(3)], [1e9, 1e9])
    assert apart.low < one.value and apart.high > 3 * one.value * 0.8


@pytest.mark.parametrize("sizes", [[], [1.0, 2.0]])
def test_costs_without_their_bytes_are_not_pooled(sizes: list[float]) -> None:
    with pytest.raises(ValueError, match="one each"):
        pooled_cost([Interval.exact(1.0)] if sizes else [], sizes)
