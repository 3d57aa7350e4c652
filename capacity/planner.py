"""Growth, workload and measurements joined into a plan.

Uncertainty is carried by deterministic draws (``capacity.uncertainty``): the users' place in the forecast's interval,
the workload's factors, each measured capacity and each assumption, independent of one another. Every interval holds
the central 90 % of what follows; a step's dates are those at which 5, 50 and 95 % of the draws need it.
"""

from __future__ import annotations

from dataclasses import dataclass

from capacity.growth import Forecast
from capacity.measured import MeasuredServer, MeasuredTables, SweptScenario
from capacity.partitions import PartitionKey, recommend_partitions
from capacity.peak import PeakLoad
from capacity.plan import Input, Plan, Recommendation, RefusedRecommendation
from capacity.pool import recommend_pool
from capacity.replicas import Policy, recommend_replicas
from capacity.storage import table_growth
from capacity.values import Interval, Origin
from capacity.workload import Workload


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything that a plan is made from. ``users`` must have dates; ``users_origin`` is that of its history."""

    users: Forecast
    users_origin: Origin
    users_source: str
    workload: Workload
    policy: Policy
    scenarios: tuple[SweptScenario, ...]
    server: MeasuredServer
    tables: MeasuredTables
    partition_keys: tuple[PartitionKey, ...]


def make_plan(inputs: PlanInputs) -> Plan:
    """The plan. What cannot be recommended stands in ``refused``; the same inputs give the same plan.

    Raises ValueError for a forecast without dates.
    """
    peak = PeakLoad.of(inputs.users, inputs.workload)
    advice: list[Recommendation | RefusedRecommendation] = [
        *recommend_replicas(inputs.scenarios, peak, inputs.workload, inputs.policy),
        recommend_pool(inputs.scenarios, inputs.server, peak.dates[0]),
        *recommend_partitions(inputs.tables, inputs.server, peak, inputs.partition_keys),
    ]
    demanded = (*_growth_inputs(inputs), *inputs.workload.inputs)
    recommendations = tuple(a for a in advice if isinstance(a, Recommendation))
    now, horizon = peak.users_at(0), peak.users_at(-1)
    storage = table_growth(inputs.tables.tables, inputs.tables.users, now, horizon) if inputs.tables.users else ()
    return Plan(
        start=peak.dates[0],
        horizon=peak.dates[-1],
        users=inputs.users,
        demand_tps=peak.tps_by_date(),
        recommendations=recommendations,
        refused=tuple(a for a in advice if isinstance(a, RefusedRecommendation)),
        inputs=_unique((*demanded, *(i for r in recommendations for i in r.inputs))),
        storage=storage,
    )


def _growth_inputs(inputs: PlanInputs) -> tuple[Input, Input]:
    users = inputs.users
    last, end = users.history[-1], users.forecast[-1]
    tested = f"{users.coverage:.0%} inside at {users.origins} origins of the back-test"
    return (
        Input("users", Interval.exact(last.value), "users", inputs.users_origin, inputs.users_source),
        Input(
            "users_at_horizon",
            Interval(end.low, end.point, end.high, users.level),
            "users",
            Origin.DERIVED,
            f"{users.model}; of {users.level:.0%} intervals, {tested}",
        ),
    )


def _unique(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """Each input once, in the order of first use."""
    return tuple({i.name: i for i in reversed(inputs)}[name] for name in dict.fromkeys(i.name for i in inputs))
