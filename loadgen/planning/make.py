"""Making a plan from records, a workload file and a history, and writing its record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from capacity.growth import Scenarios
from capacity.planner import PlanInputs, make_plan
from capacity.values import LEVEL, Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning import sweeps as swept
from loadgen.planning.alerts import alert_rules, collector
from loadgen.planning.calibration import CalibrationRecord
from loadgen.planning.demands import NONE_MEASURED
from loadgen.planning.evidence import calibrated, planned_scenario
from loadgen.planning.history import History
from loadgen.planning.partitions.partition_keys import PARTITION_KEYS
from loadgen.planning.partitions.partition_sql import PARENTS, partition_sql
from loadgen.planning.targets import read_target
from loadgen.planning.wal_written import told_by_table, wal_by_scenario
from loadgen.planning.what_if import WhatIf
from loadgen.planning.workload.workload_file import Block
from loadgen.runs import documents
from loadgen.runs.format.plan import PlanRecord
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord
from loadgen.runs.store import DOCUMENTS, new_id, new_record


def plan_record(
    sweeps: tuple[SweepRecord, ...],
    history: History,
    block: Block,
    horizon: int,
    now: dt.datetime,
    asked: WhatIf = WhatIf(),  # noqa: B008  # frozen
    runs: Mapping[str, Sequence[RunRecord]] = MappingProxyType({}),
    calibrations: Sequence[CalibrationRecord] = (),
) -> PlanRecord:
    """Make the plan. ``runs`` by scenario give demands; for ``calibrations`` see :func:`calibrated`.

    Raises UsageError for a history without dates and calibrations of other servers, RefusalError when nothing can be
    recommended.
    """
    if history.dates is None:
        raise UsageError(f"{history.source}: a plan needs dates; give the history as date,value")
    users = history.forecast(horizon, LEVEL)
    if isinstance(users, Scenarios):
        code = "history_too_short" if users.code == "short_history" else users.code
        missing = f"{history.source}: a history that supports an interval: {users.why}"
        raise RefusalError(Refusal(code, missing, "give a longer history; see loadgen forecast"))
    newest = max(sweeps, key=lambda sweep: sweep.started_at)
    block = asked.applied(block)
    target = read_target(asked.target, block.workload.peak_to_mean.value)
    if len(calibrations) > 1 and target is None:
        raise UsageError(
            "--calibration: that of the target needs --target; without it, give only that of the measured server"
        )
    idle = calibrations[0].idle_use if calibrations else NONE_MEASURED
    scenarios = tuple(
        planned_scenario(sweep, runs.get(sweep.scenario.name, ()), asked.objective, idle) for sweep in sweeps
    )
    written = wal_by_scenario(sweeps, runs)
    plan = make_plan(
        PlanInputs(
            users=users,
            users_origin=history.origin,
            users_source=history.source,
            workload=block.workload,
            policy=block.policy,
            scenarios=scenarios,
            server=swept.measured_server(newest),
            tables=swept.measured_tables(newest, sweeps),
            partition_keys=PARTITION_KEYS,
            target=target,
            wanted=asked.wanted,
            spare=asked.spare,
            growth=asked.growth,
            retention_months=asked.retention_months,
            deployment=asked.deployment,
            calibrated=calibrated(calibrations, sweeps, scenarios),
            notes=asked.notes,
            wal_by_table=written if told_by_table(written) else None,
        )
    )
    if not plan.recommendations:
        raise RefusalError(plan.refused[0].refusal)
    return PlanRecord(
        id=new_id("plan", now),
        made_at=now.isoformat(timespec="seconds"),
        plan=plan,
        growth_source=history.source,
        growth_origin=history.origin,
        sweeps=sweeps,
        tables=newest.tables,
        database=newest.database,
        short=any(swept.is_short(sweep) for sweep in sweeps),
    )


def write_plan(record: PlanRecord, results_dir: Path) -> Path:
    """Write the record, the SQL of its partitions and its alert rules; return its directory.

    Raises EnvironmentFault where the disk refuses.
    """
    with new_record(results_dir, record.id) as directory:
        if record.plan.triggers:
            rules = alert_rules(record.plan.triggers, record.made_at)
            documents.write_atomically(directory / "alerts.yml", rules)
            documents.write_atomically(directory / "collector.yml", collector(record.plan.triggers))
        for advice in record.plan.recommendations:
            if advice.design is not None and advice.design.table not in PARENTS:
                script = partition_sql(advice.design, dt.date.fromisoformat(record.made_at[:10]))
                documents.write_atomically(directory / f"partition_{advice.design.table}.sql", script)
        documents.write_atomically(directory / DOCUMENTS["plan"], documents.dump(record))
    return results_dir / record.id
