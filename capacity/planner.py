"""Capacity plan from growth, workload and measurements.

Uncertainty is propagated by deterministic draws (``capacity.uncertainty``) of the users within the forecast's interval,
the workload's factors, each measured capacity and each assumption, all independent. Every interval holds the central
90 % of the results; a step's dates are those by which 10, 50 and 90 % of the draws need it; the plan takes the cheapest
servers that meet the objective with the required probability on every date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from capacity.arrays import Floats
from capacity.formatting import chance, share, share_interval
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

    ``target`` is what to plan for, None for the measured server; ``wanted`` is the required probability of meeting the
    objective, ``spare`` the number of servers that may fail at the peak, ``growth`` a factor on the change of users (a
    what-if), ``retention_months`` that of the tables whose rows expire; ``calibrated`` compares the target with the
    measured server (None: the target's own assumptions apply).
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
    """WAL bytes of an average transaction by scenario and table; None if not measured."""


def make_plan(inputs: PlanInputs) -> Plan:
    """Make the plan. What cannot be recommended is in ``refused``; the same inputs give the same plan.

    Raises ValueError for a forecast without dates, and for impossible values.
    """
    target = _target(inputs)
    peak = PeakLoad.of(inputs.users, inputs.workload, inputs.growth)
    futures = _simulate(inputs, target, peak, Draws())
    choice: Choice | None = None
    advice: list[Recommendation | RefusedRecommendation] = []
    if isinstance(futures, Refusal):
        advice.append(RefusedRecommendation("replicas", "reads", futures))
    elif not target.measured and inputs.server.cores is None:
        missing = "the measured server's number of cores, from which the target's capacity follows"
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
    table_bytes = bytes_by_date(inputs.tables, peak, inputs.retention_months) if inputs.tables.users > 0 else {}
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
        storage=drawn_growth(inputs.tables, table_bytes, LEVEL, _wal_by_table(inputs, peak)) if table_bytes else (),
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
        resources=_resources(inputs, choice, table_bytes, peak, good_pool),
        bases=() if isinstance(futures, Refusal) else futures.bases,
        calibration_refused=_calibration_refused(inputs),
        notes=(*inputs.notes, *target.notes),
    )


def _target(inputs: PlanInputs) -> Target:
    """The target of the plan, with the core speed that a calibration of both servers measured."""
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
    """Draws of WAL bytes per day by table, a row per date."""
    if inputs.wal_by_table is None:
        return None
    written = wal_per_user_day(inputs.workload, inputs.wal_by_table)
    if isinstance(written, Refusal):
        return None
    return {table: peak.users * each for table, each in written.items()}


def _sensitivity(inputs: PlanInputs, target: Target, choice: Choice | None) -> tuple[Sensitivity, ...]:
    """Sensitivities of the load at the horizon, in servers of the last configuration."""
    if choice is None:
        return ()
    growth, at_horizon = _growth_inputs(inputs)
    users_input = Input(growth.name, at_horizon.value, growth.unit, growth.origin, growth.source)
    candidates = [users_input, *choice.futures.inputs, *target.inputs]
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
    short = f", because {SHORT_OF[lacking]}" if lacking is not None else ""
    servers = "the measured server" if sizing.target == "measured" else sizing.target
    return Refusal(
        "objective_out_of_reach",
        f"a configuration of {servers} that meets the objective with a probability of {share(sizing.wanted)}; "
        f"the best reaches {chance(sizing.probability)} (±{share(share_error(sizing.probability), 2)}){short}",
        "reduce the largest uncertainty, allow larger servers with --target, write in larger batches, or shard by user",
    )


def _pool_setting(inputs: PlanInputs, target: Target, peak: PeakLoad, choice: Choice | None) -> PoolSetting:
    server: Server | None = None
    peak_tps: Mapping[str, float] | None = None
    if choice is not None:
        server = choice.configurations[0].server
        servers = 1 + choice.last.replicas
        middle = {name: float(np.median(part)) for name, part in inputs.workload.shares().items()}
        peak_tps = {name: part * float(np.median(peak.tps[-1])) / servers for name, part in middle.items()}
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
    table_bytes: Mapping[str, Floats],
    peak: PeakLoad,
    pool: Recommendation | None,
) -> tuple[Resource, ...]:
    return resources(inputs.scenarios, inputs.workload, peak, table_bytes, choice, pool)


def _growth_inputs(inputs: PlanInputs) -> tuple[Input, Input]:
    users = inputs.users
    last, end = users.history[-1], users.forecast[-1]
    coverage = users.coverage_range or Interval.exact(users.coverage)
    tested = f"held {share_interval(coverage)} of the outcomes at {users.origins} origins of the back-test"
    return (
        Input("users", Interval.exact(last.value), "users", inputs.users_origin, inputs.users_source),
        Input(
            "users_at_horizon",
            Interval(end.low, end.point, end.high, users.level),
            "users",
            Origin.DERIVED,
            f"{users.model}; {share(users.level)} intervals {tested}",
        ),
    )


def _unique(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """Each input once, in the order of first use."""
    return tuple({i.name: i for i in reversed(inputs)}[name] for name in dict.fromkeys(i.name for i in inputs))
