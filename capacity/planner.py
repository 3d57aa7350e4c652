"""Growth, workload and measurements joined into a plan.

Uncertainty is carried by deterministic draws (``capacity.uncertainty``): the users' place in the forecast's interval,
the workload's factors, each measured capacity and each assumption, independent of one another. Every interval holds
the central 90 % of what follows; a step's dates are those by which 10, 50 and 90 % of the draws need it; what is chosen
is the cheapest that meets the objective with the probability asked for, on every date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from capacity.arrays import Floats
from capacity.growth import Forecast
from capacity.measurements import MeasuredServer, MeasuredTables, SweptScenario
from capacity.plan import Plan, Resource
from capacity.plan.alert_rules import triggers
from capacity.plan.resource_needs import demand_inputs, resources
from capacity.pool import ONE_INSTANCE, Deployment, PoolSetting, recommend_pool
from capacity.recommendation import Recommendation, RefusedRecommendation
from capacity.sizing import Calibrated, Policy, Sensitivity
from capacity.sizing.alternatives import commonest_shortfall
from capacity.sizing.candidates import SHORT_OF
from capacity.sizing.choose import Choice, choose
from capacity.sizing.futures import Futures, simulate
from capacity.sizing.replicas import replica_advice
from capacity.sizing.sensitivity import sensitivities
from capacity.tables import PartitionKey, bytes_by_date, drawn_growth, recommend_partitions, wal_per_user_day
from capacity.targets import Server, Target, measured_target
from capacity.uncertainty import Draws, share_error
from capacity.values import LEVEL, Input, Interval, Origin, Refusal
from capacity.workload import PeakLoad, Workload


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything that a plan is made from. ``users`` must have dates; ``users_origin`` is that of its history.

    ``target`` None: the measured server. ``wanted``: probability of the objective. ``spare``: servers that may fail at
    the peak. ``growth``: what-if, change of users times this. ``retention_months``: of the tables that expire.
    ``calibrated``: the target against the measured server; None leaves the target's own assumptions.
    """

    users: Forecast
    users_origin: Origin
    users_source: str
    workload: Workload
    policy: Policy
    scenarios: tuple[SweptScenario, ...]
    server: MeasuredServer
    tables: MeasuredTables
    partition_keys: tuple[PartitionKey, ...]
    target: Target | None = None
    wanted: float = 0.95
    spare: int = 0
    growth: float = 1.0
    retention_months: float | None = None
    deployment: Deployment = ONE_INSTANCE
    calibrated: Calibrated | None = None
    notes: tuple[str, ...] = ()
    wal_by_table: Mapping[str, Mapping[str, Interval]] | None = None
    """By scenario, WAL bytes of an average transaction by table; None: not measured."""


def make_plan(inputs: PlanInputs) -> Plan:
    """The plan. What cannot be recommended stands in ``refused``; the same inputs give the same plan.

    Raises ValueError for a forecast without dates, and for values that no plan can have.
    """
    target = _target(inputs)
    peak = PeakLoad.of(inputs.users, inputs.workload, inputs.growth)
    futures = _simulate(inputs, target, peak, Draws())
    choice: Choice | None = None
    advice: list[Recommendation | RefusedRecommendation] = []
    if isinstance(futures, Refusal):
        advice.append(RefusedRecommendation("replicas", "reads", futures))
    elif not target.measured and inputs.server.cores is None:
        missing = "the cores of the measured server, by which capacity is carried to the target"
        refusal = Refusal("cores_unknown", missing, "sweep a server on this machine, or plan without --target")
        advice.append(RefusedRecommendation("servers", target.name, refusal))
    else:
        choice = choose(futures, target, inputs.server, inputs.wanted, inputs.spare)
        advice += replica_advice(choice)
        if not choice.sizing.met:
            advice.append(RefusedRecommendation("servers", target.name, _unreachable(choice)))
    pool = recommend_pool(inputs.scenarios, inputs.server, _pool_setting(inputs, target, peak, choice))
    partitions = recommend_partitions(
        inputs.tables,
        inputs.server,
        peak,
        inputs.partition_keys,
        inputs.retention_months,
        _server_at_horizon(inputs, target, choice),
    )
    advice += [pool, *partitions]
    recommendations = tuple(a for a in advice if isinstance(a, Recommendation))
    drawn = bytes_by_date(inputs.tables, peak, inputs.retention_months) if inputs.tables.users > 0 else {}
    good_pool = pool if isinstance(pool, Recommendation) else None
    return Plan(
        start=peak.dates[0],
        horizon=peak.dates[-1],
        users=inputs.users,
        demand_tps=peak.tps_by_date(),
        recommendations=recommendations,
        refused=tuple(a for a in advice if isinstance(a, RefusedRecommendation)),
        inputs=_unique(
            (
                *_growth_inputs(inputs),
                *inputs.workload.inputs,
                *target.inputs,
                *(i for r in recommendations for i in r.inputs),
                *demand_inputs(inputs.scenarios),
            )
        ),
        storage=drawn_growth(inputs.tables, drawn, LEVEL, _wal_by_table(inputs, peak)) if drawn else (),
        sizing=choice.sizing if choice else None,
        sensitivity=_sensitivity(inputs, target, choice),
        triggers=triggers(
            choice,
            good_pool,
            [a for a in partitions if isinstance(a, Recommendation)],
            choice.configurations[0].server.ram_bytes,
        )
        if choice
        else (),
        resources=_resources(inputs, choice, drawn, peak, good_pool),
        bases=() if isinstance(futures, Refusal) else futures.bases,
        calibration_refused=_calibration_refused(inputs),
        notes=(*inputs.notes, *target.notes),
    )


def _target(inputs: PlanInputs) -> Target:
    """What is planned for, its cores as fast as a calibration of both servers found them."""
    target = inputs.target or measured_target(inputs.server)
    speed = inputs.calibrated.core_speed if inputs.calibrated is not None else None
    return target if target.measured or speed is None else replace(target, core_speed=speed)


def _simulate(inputs: PlanInputs, target: Target, peak: PeakLoad, sample: Draws) -> Futures | Refusal:
    return simulate(
        inputs.scenarios,
        peak,
        inputs.workload,
        inputs.policy,
        inputs.tables,
        inputs.retention_months,
        sample,
        target,
        inputs.calibrated,
    )


def _wal_by_table(inputs: PlanInputs, peak: PeakLoad) -> dict[str, Floats] | None:
    """Draws of WAL bytes a day by table, a row per date."""
    if inputs.wal_by_table is None:
        return None
    written = wal_per_user_day(inputs.workload, inputs.wal_by_table)
    if isinstance(written, Refusal):
        return None
    return {table: peak.users * each for table, each in written.items()}


def _sensitivity(inputs: PlanInputs, target: Target, choice: Choice | None) -> tuple[Sensitivity, ...]:
    """Of the load at the horizon, in servers of the last configuration."""
    if choice is None:
        return ()
    growth, at_horizon = _growth_inputs(inputs)
    grown = Input(growth.name, at_horizon.value, growth.unit, growth.origin, growth.source)
    candidates = [grown, *choice.futures.inputs, *target.inputs]
    server = choice.last.server

    def again(known: frozenset[str]) -> Floats | Refusal:
        sample = Draws(known)
        peak = PeakLoad.of(inputs.users, inputs.workload, inputs.growth, sample)
        futures = _simulate(inputs, target, peak, sample)
        return futures if isinstance(futures, Refusal) else futures.on(target, server, inputs.server).at(-1).whole

    return sensitivities(choice.last_work.at(-1).whole, candidates, again)


def _calibration_refused(inputs: PlanInputs) -> Refusal | None:
    ratio = inputs.calibrated.ratio if inputs.calibrated is not None else None
    return ratio if isinstance(ratio, Refusal) else None


def _unreachable(choice: Choice) -> Refusal:
    sizing = choice.sizing
    row = int(np.argmin(choice.met.mean(axis=1)))
    lacking = commonest_shortfall(choice.fit(choice.configurations[row]), choice.configurations[row], row)
    short = f", since {SHORT_OF[lacking]}" if lacking is not None else ""
    return Refusal(
        "objective_out_of_reach",
        f"a configuration of {sizing.target} that meets the objective with a probability of {sizing.wanted:.0%}: the "
        f"likeliest has {sizing.probability:.0%} (±{share_error(sizing.probability):.1%}){short}",
        "narrow the uncertainty that matters most, allow larger servers by --target, write in batches, split or shard",
    )


def _pool_setting(inputs: PlanInputs, target: Target, peak: PeakLoad, choice: Choice | None) -> PoolSetting:
    server: Server | None = None
    peak_tps: Mapping[str, float] | None = None
    if choice is not None:
        server = choice.configurations[0].server
        servers = 1 + choice.last.replicas
        middle = {name: float(np.median(share)) for name, share in inputs.workload.shares().items()}
        peak_tps = {name: share * float(np.median(peak.tps[-1])) / servers for name, share in middle.items()}
    return PoolSetting(peak.dates[0], inputs.policy.round_trip_ms, inputs.deployment, target, server, peak_tps)


def _server_at_horizon(inputs: PlanInputs, target: Target, choice: Choice | None) -> MeasuredServer | None:
    if choice is None or target.measured:
        return None
    ram = choice.last.server.ram_bytes
    name = f"{choice.last.server.name} of {target.name}"
    return MeasuredServer(inputs.server.cores, None if ram is None else int(ram), name)


def _resources(
    inputs: PlanInputs,
    choice: Choice | None,
    drawn: Mapping[str, Floats],
    peak: PeakLoad,
    pool: Recommendation | None,
) -> tuple[Resource, ...]:
    return resources(inputs.scenarios, inputs.workload, peak, drawn, choice, pool)


def _growth_inputs(inputs: PlanInputs) -> tuple[Input, Input]:
    users = inputs.users
    last, end = users.history[-1], users.forecast[-1]
    sure = f" ({users.coverage_range.low:.0%} to {users.coverage_range.high:.0%})" if users.coverage_range else ""
    tested = f"{users.coverage:.0%}{sure} inside at {users.origins} origins of the back-test"
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
