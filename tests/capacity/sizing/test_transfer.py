"""Carrying a capacity to another server: the laws by hand, and what a plan makes of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import plan_samples as samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.demand import Demand, Ratio
from capacity.latency import LatencyRun, latency_curve
from capacity.measurements import MeasuredDemand, MeasuredServer, SweptScenario
from capacity.plan import Plan
from capacity.planner import make_plan
from capacity.sizing import Calibrated
from capacity.sizing.transfer import Carry
from capacity.targets import Server, Target
from capacity.values import Input, Interval, Origin, Refusal

TWO = MeasuredServer(2, 8 * samples.GIB, "two cores")
LIMIT_MS = 20.0


def demand(cpu_s: float, hold_s: float) -> Demand:
    exact = Interval.exact
    return Demand("dashboard", exact(cpu_s), exact(100.0), exact(1.0), exact(hold_s))


def scenario(busy_cores: float = 2.0, left: float = 2.0, waits_ms: float = 0.0) -> SweptScenario:
    """A sweep whose best level kept ``busy_cores`` at work, of ``left`` that it had."""
    made = samples.swept("dashboard", 300, 0.95)
    runs = [LatencyRun(r.level, r.block, r.throughput_tps, r.response_ms) for r in made.repeats]
    best = max(tps for n in made.levels if (tps := made.mean_tps(n)) is not None)
    cpu = busy_cores / best
    known = demand(cpu, cpu + waits_ms / 1000)
    measured = MeasuredDemand(known, known, known, best, left)
    return replace(made, curve=latency_curve(runs), objective_ms=LIMIT_MS, demand=measured)


def target(cores: float, speed: float = 1.0, waits: float = 1.0) -> Target:
    def exact(name: str, value: float) -> Input:
        return samples.given(name, Interval.exact(value))

    server = Server("it", cores, 8 * samples.GIB)
    return Target(
        "a target", (server,), 5, core_speed=exact("core_speed", speed), scaling=exact("scaling", 1.0),
        waits=exact("waits", waits),
    )  # fmt: skip


def factor(made: SweptScenario, to: Target, calibrated: Calibrated | None = None) -> float:
    def draw(one: Input) -> np.ndarray:
        return np.array([one.value.value])

    return float(Carry(made, calibrated).factor(to, to.servers[0], TWO, draw)[0])


# --- the laws -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("busy", "left", "cores", "carried"),
    [
        (2.0, 2.0, 2, 1.0),
        (2.0, 2.0, 8, 4.0),
        (1.0, 2.0, 2, 1.0),
        (1.0, 2.0, 8, 1 / (0.5 / 4 + 0.5)),
        (1.0, 2.0, 1, 1 / (0.5 / 0.5 + 0.5)),
        (1.5, 1.5, 2, 2 / 1.5),
        (1.5, 1.5, 4, 4 / 1.5),
    ],
    ids=["same", "all CPU", "same, half idle", "half idle", "half idle, smaller", "beside a generator", "twice that"],
)
def test_cores_by_hand(busy: float, left: float, cores: float, carried: float) -> None:
    assert factor(scenario(busy, left), target(cores)) == pytest.approx(carried)


def test_without_a_demand_it_goes_by_cores_alone() -> None:
    assert factor(replace(scenario(1.0), demand=Refusal("x", "y", "z")), target(8)) == pytest.approx(4)


def test_slower_cores_carry_less_than_their_speed_since_responses_grow_too() -> None:
    slow = factor(scenario(), target(2, speed=0.5))
    curve = scenario().curve
    assert not isinstance(curve, Refusal)
    shares = curve.share_at(np.array([LIMIT_MS / 2, LIMIT_MS]))
    assert slow == pytest.approx(0.5 * shares[0] / shares[1])
    assert slow < 0.5


def test_waits_beyond_the_objective_leave_no_capacity() -> None:
    assert factor(scenario(waits_ms=10), target(2, waits=7)) < 1e-6
    assert factor(scenario(waits_ms=17), target(64, speed=4, waits=1.3)) < 1e-6, "more than all of the time"
    assert 0.1 < factor(scenario(waits_ms=10), target(2, waits=1.5)) < factor(scenario(waits_ms=10), target(2, waits=1))


def test_calibrated_waits_stand_in_place_of_the_assumed_ratio() -> None:
    ratio = Ratio(Interval.exact(1.0), Origin.MEASURED, "test")
    longer = Calibrated(ratio, {"dashboard": Interval.exact(0.005)})
    made = scenario(waits_ms=10)
    assert factor(made, target(2, waits=1), longer) == pytest.approx(factor(made, target(2, waits=1.5)))
    assert [i.origin for i in Carry(made, longer).inputs(target(2))] == [Origin.MEASURED] * 2


@given(st.floats(0.05, 2), st.floats(0.25, 64), st.floats(0.2, 4), st.floats(1, 4), st.floats(0, 20), st.floats(0.1, 6))
@settings(max_examples=40, deadline=None)
def test_more_cores_faster_ones_and_shorter_waits_never_carry_less(
    busy: float, cores: float, speed: float, more: float, waits_ms: float, longer: float
) -> None:
    made = scenario(busy, waits_ms=waits_ms)
    here = factor(made, target(cores, speed, longer))
    for better in (target(cores * more, speed, longer), target(cores, speed * more, longer)):
        assert factor(made, better) >= here * (1 - 1e-9)
    assert factor(made, target(cores, speed, longer / more)) >= here * (1 - 1e-9)


# --- in a plan ----------------------------------------------------------------------------------------------------

CATALOGUE = Target("sizes", tuple(Server(f"{n} cores", n, 64 * samples.GIB) for n in (1, 2, 4, 8, 16, 32)), 5)


def plan(**changes: Any) -> Plan:
    policy = replace(samples.policy(), target_stated=False)
    inputs = samples.inputs(
        20,
        scenarios=(scenario(1.9, waits_ms=1), samples.swept("montecarlo", 60, 0.0)),
        workload=samples.workload(spread=1.1),
        policy=policy,
        target=CATALOGUE,
    )
    return make_plan(replace(inputs, **changes))


def test_a_plan_says_of_each_scenario_what_decided_and_what_was_refused() -> None:
    bases = {basis.scenario: basis for basis in plan().bases}
    assert (bases["dashboard"].target, bases["dashboard"].carried) == ("curve", "demand")
    assert bases["dashboard"].demand is not None
    assert bases["dashboard"].refused == ()
    assert (bases["montecarlo"].target, bases["montecarlo"].carried) == ("assumed", "throughput")
    assert [refusal.code for refusal in bases["montecarlo"].refused] == ["no_curve", "no_demand"]


@pytest.mark.slow
def test_every_number_of_the_way_is_listed_with_its_origin() -> None:
    origin = {one.name: one.origin for one in plan().inputs}
    for name in ("cpu_s.dashboard", "wal_bytes.dashboard", "utilisation.dashboard", "throughput.dashboard"):
        assert origin[name] is Origin.MEASURED
    for name in ("core_speed", "scaling", "waits", "target_utilisation"):
        assert origin[name] is Origin.ASSUMPTION
    assert "target_utilisation" not in {
        one.name for one in plan(scenarios=(scenario(), replace(scenario(), name="montecarlo"))).inputs
    }


@pytest.mark.slow
def test_an_uncalibrated_targets_speed_is_named_among_what_matters_and_a_calibrated_one_is_not() -> None:
    before = plan()
    matters = {one.name: one for one in before.sensitivity}
    assert matters["core_speed"].origin is Origin.ASSUMPTION
    assert "calibrate" in matters["core_speed"].measure
    ratio = Ratio(Interval(0.99, 1.0, 1.01), Origin.MEASURED, "four statements")
    after = plan(calibrated=Calibrated(ratio, {"dashboard": Interval(0, 0, 0.0001)}))
    assert "core_speed" not in {one.name for one in after.sensitivity}
    assert {one.name: one.origin for one in after.inputs}["core_speed"] is Origin.MEASURED
    assert after.sizing is not None and before.sizing is not None
    assert after.sizing.cost.value <= before.sizing.cost.value


def test_calibrations_that_cannot_be_compared_leave_the_assumption_and_are_named() -> None:
    refusal = Refusal("other_data", "the same data on both servers", "seed both alike")
    made = plan(calibrated=Calibrated(refusal))
    assert made.calibration_refused == refusal
    assert {one.name: one.origin for one in made.inputs}["core_speed"] is Origin.ASSUMPTION


@pytest.mark.slow
def test_a_faster_target_never_costs_more() -> None:
    costs = []
    for slower in (0.5, 1.0, 2.0):
        made = plan(calibrated=Calibrated(Ratio(Interval.exact(slower), Origin.MEASURED, "test")))
        assert made.sizing is not None
        costs.append(made.sizing.cost.value)
    assert costs == sorted(costs)


def test_a_target_that_is_stated_is_planned_for() -> None:
    made = plan(policy=samples.policy(target=0.5), target=None)
    assert {basis.target for basis in made.bases} == {"stated"}
    assert "may run at 50% of its capacity" in next(r.reason for r in made.recommendations if r.kind == "replicas")


def test_the_measured_server_is_carried_nowhere() -> None:
    assert {basis.carried for basis in plan(target=None).bases} == {"measured"}


def test_what_the_load_uses_adds_up_over_classes() -> None:
    both = (scenario(1.0), replace(scenario(2.0), name="montecarlo"))
    made = plan(scenarios=both, workload=samples.workload(spread=1, montecarlo=0.2), target=None)
    used = {resource.name: resource for resource in made.resources}
    tps = made.demand_tps[-1][1].value
    first, second = (s.demand.planned.cpu_s.value for s in both)  # type: ignore[union-attr]  # no refusal: the plan has them
    assert used["CPU"].at_horizon.value == pytest.approx(tps * (0.8 * first + 0.2 * second), rel=1e-6)
    assert used["WAL"].at_horizon.value == pytest.approx(100 * tps, rel=1e-6)


# --- capacity by the curve ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_curve_covers_the_true_capacity_and_tells_it_better_than_levels_do() -> None:
    """Planted laws, noise of runs and drift of blocks; the truth lies between the levels."""
    from capacity.demand.calibration import times
    from capacity.scalability import Repeat, capacity_at_objective

    covered, closer, seen = 0, 0, 0
    for seed in range(120):
        rng = np.random.default_rng([7, seed])
        alpha, beta, at = rng.uniform(0.1, 0.5), math.exp(rng.uniform(-6.9, -3.9)), math.exp(rng.uniform(1.0, 3.0))

        def tps(n: float, a: float = alpha, b: float = beta) -> float:
            return 300 * n / (1 + a * (n - 1) + b * n * (n - 1))

        limit = 2200 * at / tps(at)
        repeats = []
        for block in range(3):
            drift = rng.normal(0, 0.03)
            for n in (1, 2, 4, 8, 16, 32):
                x, r = rng.normal(drift, 0.02), rng.normal(-drift, 0.05)
                repeats.append(Repeat(n, tps(n) * math.exp(x), 2200 * n / tps(n) * math.exp(r), 0, block))
        by_levels = capacity_at_objective(repeats, limit, 0.001)
        curve = latency_curve([LatencyRun(r.level, r.block, r.throughput_tps, r.response_ms) for r in repeats])
        assert not isinstance(curve, Refusal)
        found = curve.target(limit)
        if isinstance(found, Refusal) or isinstance(by_levels, Refusal):
            continue
        truth = max(tps(n) for n in np.linspace(1, at, 200))
        product = times(curve.greatest_tps, found.crossing)
        seen += 1
        covered += product.low <= truth <= product.high
        closer += abs(product.value - truth) < abs(by_levels.throughput_tps.value - truth)
    assert seen > 100
    assert covered / seen > 0.85
    assert closer / seen > 0.6


@pytest.mark.slow
def test_a_measured_cost_of_writes_stands_in_place_of_the_assumption() -> None:
    writing = replace(scenario(), name="montecarlo", read_share=0.0)
    cheap, dear = (
        plan(scenarios=(replace(scenario(), write_cost=Interval.exact(cost)), writing), target=None)
        for cost in (1.0, 9.0)
    )
    names = {one.name: one.origin for one in cheap.inputs}
    assert names["write_cost.dashboard"] is Origin.MEASURED
    assert "write_cost" not in names
    refusal = Refusal("collinear_classes", "runs in which the shares differ", "run one alone")
    refused = plan(scenarios=(replace(scenario(), write_cost=refusal), replace(scenario(), name="montecarlo")))
    assert {one.name for one in refused.inputs} >= {"write_cost"}
    assert refusal in refused.bases[0].refused
    assert cheap.sizing is not None and dear.sizing is not None
    assert cheap.sizing.throughout >= dear.sizing.throughout
