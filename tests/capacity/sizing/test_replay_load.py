"""What replay takes of a replica: measured where runs told it, assumed where they did not, and one core at most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plan_samples as samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.demand import Demand, pooled_cost
from capacity.measurements import MeasuredDemand, MeasuredServer, SweptScenario
from capacity.planner import make_plan
from capacity.recommendation import Recommendation
from capacity.sizing.candidates import fits
from capacity.sizing.futures import Futures, simulate
from capacity.targets import measured_target
from capacity.values import Input, Interval, Origin, Refusal
from capacity.workload import PeakLoad, Workload

NOT_MEASURED = Refusal("no_replica_measured", "what replaying the log costs", "run with a replica")


def scenarios(replay: Interval | Refusal | None, cpu_s: float = 1e-5) -> tuple[SweptScenario, ...]:
    """Reads beside a scenario of both kinds, whose replay takes ``replay`` of executing it, or is not measured."""
    known = Demand("montecarlo", Interval.exact(cpu_s), None, None, None)
    both = replace(
        samples.swept("montecarlo", 600, 0.5),
        replay_s=replay.scaled(cpu_s) if isinstance(replay, Interval) else replay,
        write_cost=Interval.exact(2.0),
        demand=MeasuredDemand(known, known, known, 1_000.0, 2.0),
    )
    return (samples.swept("dashboard", 300, 1.0), both)


def replicas(found: tuple[SweptScenario, ...], scale: float = 20, **changes: object) -> Recommendation:
    plan = make_plan(samples.inputs(scale, scenarios=found, workload=samples.workload(1.3), **changes))
    return next(r for r in plan.recommendations if r.kind == "replicas" and r.subject == "reads")


def replay_inputs(found: Recommendation) -> dict[str, Input]:
    return {given.name: given for given in found.inputs if given.name.startswith("replay_")}


def test_the_same_share_plans_the_same_whether_it_was_measured_or_assumed() -> None:
    """Half its transactions write and take two thirds of its work; a write's replay is half of that."""
    assumed = replicas(scenarios(NOT_MEASURED), policy=samples.policy(replay=Interval.exact(0.5)))
    measured = replicas(scenarios(Interval.exact(1 / 3)), policy=samples.policy(replay=Interval.exact(0.9)))
    assert assumed.at_horizon.value > 0
    assert (measured.now, measured.at_horizon, measured.steps) == (assumed.now, assumed.at_horizon, assumed.steps)


def test_what_was_measured_is_no_assumption_and_what_was_not_is_listed_as_one() -> None:
    measured = replicas(scenarios(Interval(0.1, 0.12, 0.15), 0.01))
    assumed = replicas(scenarios(NOT_MEASURED))
    assert {name: one.origin for name, one in replay_inputs(measured).items()} == {
        "replay_s.montecarlo": Origin.MEASURED
    }
    assert "Replaying a transaction of montecarlo costs a replica 1.2 (1.0–1.5) ms (measured)." in measured.reason
    assert "cpu_s.montecarlo" in {one.name for one in measured.inputs}
    assert {name: one.origin for name, one in replay_inputs(assumed).items()} == {"replay_cost": Origin.ASSUMPTION}
    assert "of executing it (assumption)." in assumed.reason


def test_a_plan_says_which_replay_was_not_measured() -> None:
    for replay, refused in ((NOT_MEASURED, NOT_MEASURED), (Interval.exact(0.1), None)):
        bases = make_plan(samples.inputs(20, scenarios=scenarios(replay))).bases
        assert [basis.replay_refused for basis in bases] == [None, refused]


def test_scenarios_that_only_read_have_nothing_to_replay() -> None:
    found = (samples.swept("dashboard", 300, 1.0), samples.swept("montecarlo", 600, 1.0))
    assert not replay_inputs(replicas(found))


@pytest.mark.slow
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
    assert half.replay_cores == pytest.approx(2 * less.replay_cores)
    assert half.replay == pytest.approx(0.3 * (half.loads[1].reads + half.loads[1].writes))


def test_cores_of_replay_do_not_hang_on_what_executing_costs() -> None:
    """They are c·w: that d is not known well makes the share uncertain, not the cores."""
    known = scenarios(Interval.exact(0.3), 0.01)[1]
    assert not isinstance(known.demand, Refusal)
    vague = replace(known.demand.planned, cpu_s=Interval(0.005, 0.01, 0.02))
    unsure = replace(known, demand=replace(known.demand, planned=vague))
    work = samples.workload(1.0)
    exact, other = (
        simulate((scenarios(None)[0], one), PeakLoad.of(samples.users(), work), work, samples.policy())
        for one in (known, unsure)
    )
    assert isinstance(exact, Futures) and isinstance(other, Futures)
    assert other.replay_cores == pytest.approx(exact.replay_cores)
    assert np.std(other.replay[-1]) > np.std(exact.replay[-1])


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.floats(0, 0.5), st.floats(1, 3), st.floats(1, 100), st.floats(1e-5, 3), st.integers(0, 1))
def test_more_to_replay_never_needs_fewer_in_any_future(
    share: float, times: float, scale: float, cpu_s: float, spare: int
) -> None:
    work = samples.workload(1.3)
    peak = PeakLoad.of(
        samples.users(), replace(work, peak_to_mean=samples.given("peak_to_mean", Interval.exact(scale)))
    )
    server = MeasuredServer(2, None, "test server")
    needed = []
    for each in (share, share * times):
        made = simulate(scenarios(Interval(0.8 * each, each, 1.3 * each), cpu_s), peak, work, samples.policy())
        assert isinstance(made, Futures)
        needed.append(fits(made, measured_target(server), server, spare)[0].replicas)
    assert (needed[1] >= needed[0]).all()


def test_a_log_that_takes_more_than_one_core_to_replay_is_not_followed_by_any_replica() -> None:
    """At 0.3 of executing: of a second a transaction it is more than a core, of 10 µs next to nothing."""
    light, heavy = (scenarios(Interval.exact(0.3), cpu_s) for cpu_s in (1e-5, 1.0))
    fits = make_plan(samples.inputs(20, scenarios=light, workload=samples.workload(1.3)))
    assert next(r for r in fits.recommendations if r.kind == "replicas").at_horizon.value > 0
    behind = make_plan(samples.inputs(20, scenarios=heavy, workload=samples.workload(1.3)))
    assert behind.sizing is not None and not behind.sizing.met
    told = [*(r.why for r in behind.sizing.rejected), *(r.refusal.missing for r in behind.refused)]
    assert any("one core that a replica can use" in why for why in told), told
    advice = next(r for r in behind.recommendations if r.kind == "replicas" and r.subject == "reads")
    assert advice.headline.startswith("Read replicas do not help: WAL replay is one process")
    assert next(r for r in advice.rejected if r.option == "one replica for load").code == "write_bound"
    assert "cores of a replica" in advice.reason


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
    halves = []
    for share in (1, 3, 9, 99):
        apart = pooled_cost([one, one.scaled(3)], [share * 1e9, 1e9])
        halves.append(apart.high - apart.value)
    assert halves == sorted(halves), "the more one run counts, the less is averaged"
    assert halves[0] > 0.7 * (3 - 1) * one.value, "two runs that differ by twice their middle"


@pytest.mark.parametrize("sizes", [[], [1.0, 2.0]])
def test_costs_without_their_bytes_are_not_pooled(sizes: list[float]) -> None:
    with pytest.raises(ValueError, match="one number of bytes each"):
        pooled_cost([Interval.exact(1.0)] if sizes else [], sizes)
