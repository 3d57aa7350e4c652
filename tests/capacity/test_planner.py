"""The whole plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import plan_samples as samples
import pytest

from capacity.growth import Forecast, forecast
from capacity.planner import make_plan
from capacity.values import Origin


def test_the_same_inputs_give_the_same_plan() -> None:
    assert make_plan(samples.inputs(20)) == make_plan(samples.inputs(20))


def test_every_kind_is_answered_with_reason_and_alternatives() -> None:
    plan = make_plan(samples.inputs(20, workload=samples.workload(spread=1.2, montecarlo=0.01)))
    assert {r.kind for r in plan.recommendations} == {"replicas", "pool", "partitions"}
    assert plan.refused == ()
    for advice in plan.recommendations:
        assert advice.reason
        assert advice.rejected
        assert advice.inputs


def test_dates_and_demand_run_from_the_last_observation_to_the_horizon() -> None:
    plan = make_plan(samples.inputs())
    assert plan.demand_tps[0][0] == plan.start == plan.users.history[-1].date
    assert plan.demand_tps[-1][0] == plan.horizon == plan.users.forecast[-1].date
    assert len(plan.demand_tps) == 19
    widths = [i.high / i.low for _, i in plan.demand_tps]
    assert widths[-1] > widths[0] > 1


def test_demand_without_uncertain_factors_is_the_law_on_the_forecast() -> None:
    plan = make_plan(samples.inputs(workload=samples.workload(spread=1)))
    last = plan.users.forecast[-1]
    per_user = samples.workload(spread=1).peak_tps_per_user()[0]
    demand = plan.demand_tps[-1][1]
    assert (demand.low, demand.value, demand.high) == pytest.approx(
        (last.low * per_user, last.point * per_user, last.high * per_user), rel=0.01
    )


def test_origins_are_listed_once_each_and_the_synthetic_history_is_named() -> None:
    plan = make_plan(samples.inputs())
    names = [i.name for i in plan.inputs]
    assert len(names) == len(set(names))
    origin = {i.name: i.origin for i in plan.inputs}
    assert origin["users"] is Origin.SYNTHETIC
    assert origin["users_at_horizon"] is Origin.DERIVED
    assert origin["peak_to_mean"] is Origin.ASSUMPTION
    assert origin["ram"] is Origin.MEASURED


def test_refused_parts_do_not_hide_the_rest() -> None:
    plan = make_plan(samples.inputs(scenarios=(samples.swept("dashboard", 300, 0.9),)))
    assert [r.kind for r in plan.refused] == ["replicas"]
    assert {r.kind for r in plan.recommendations} == {"pool", "partitions"}


def test_a_forecast_without_dates_is_an_error_of_the_caller() -> None:
    undated = forecast([float(v**2) for v in range(20)], 6)
    assert isinstance(undated, Forecast)
    with pytest.raises(ValueError, match="dates"):
        make_plan(samples.inputs(users=undated))


@pytest.mark.parametrize(
    "values",
    [
        [float(v) for v in range(130, 0, -10)],
        [float(v % 3) for v in range(14)],
        [4e13 * (v + 1) + (v % 5) * 1e12 for v in range(20)],
        [0.0] * 13 + [5.0, 5.0, 900.0],
    ],
    ids=["falling to none", "hardly any", "huge", "a jump from nothing"],
)
def test_odd_histories_still_give_a_plan(values: list[float]) -> None:
    dates = [samples.MONTHS.after(dt.date(2023, 1, 31), i) for i in range(len(values))]
    users = forecast(values, 24, dates=dates)
    assert isinstance(users, Forecast)
    plan = make_plan(samples.inputs(users=users))
    assert {r.kind for r in plan.recommendations} == {"replicas", "pool", "partitions"}


def test_a_database_without_users_leaves_the_sizes_out() -> None:
    empty = replace(samples.tables(), users=0)
    plan = make_plan(samples.inputs(tables=empty))
    assert [r.refusal.code for r in plan.refused] == ["sizes_unknown"]
    assert plan.storage == ()
    assert plan.sizing is not None
