"""Commands that reproduce a record, from its own values."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.format.plan import PlanRecord
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.sweep import SweepRecord


def for_run(run: RunRecord) -> tuple[str, ...]:
    """Commands for the data and the run."""
    arguments = ["loadgen", "run", run.scenario.name, "--users", str(run.schedule.users)]
    arguments += _generator(run) + _load_options(run.schedule, run.objective, run.max_error_share)
    return (*_seeding(run.database), shlex.join(arguments), _report(run.id))


def for_sweep(sweep: SweepRecord) -> tuple[str, ...]:
    """Commands for the data and the sweep."""
    return (*_seeding(sweep.database), _sweep(sweep), _report(sweep.id))


def for_plan(plan: PlanRecord) -> tuple[str, ...]:
    """Commands for the data, each sweep, and the plan from them."""
    sweeps = [_sweep(sweep) for sweep in plan.sweeps]
    named = [word for sweep in plan.sweeps for word in ("--sweep", sweep.id)]
    again = shlex.join(["loadgen", "plan", *named, "--horizon", str(len(plan.plan.users.forecast)), *plan.options])
    return (*_seeding(plan.database), *sweeps, again, _report(plan.id))


def _seeding(database: DatabaseFacts) -> Sequence[str]:
    data = database.fingerprint
    if data.users is None or data.seed is None:
        return ()
    arguments = ["loadgen", "seed", "--users", str(data.users), "--seed", str(data.seed)]
    return (shlex.join([*arguments, *(["--as-of", data.as_of] if data.as_of else [])]),)


def _sweep(sweep: SweepRecord) -> str:
    arguments = ["loadgen", "sweep", sweep.scenario.name, "--levels", ",".join(str(level) for level in sweep.levels)]
    options = _load_options(sweep.schedule, sweep.objective, sweep.max_error_share)
    return shlex.join([*arguments, "--repeats", str(sweep.repeats), *_processes(sweep.schedule), *options])


def _generator(run: RunRecord) -> list[str]:
    """Options of the generator's processes or workers; only workers have a clock error in the record."""
    parts = run.result.generator.parts if run.result else ()
    if any(part.clock_error_ms is not None for part in parts):
        return ["--master", "--expect-workers", str(run.schedule.processes)]
    return _processes(run.schedule)


def _processes(schedule: Schedule) -> list[str]:
    return [] if schedule.processes == 1 else ["--processes", str(schedule.processes)]


def _load_options(schedule: Schedule, objective: Objective, max_error_share: float) -> list[str]:
    if schedule.rate is None:
        arguments = ["--think" if schedule.think else "--no-think"]
    else:
        arguments = ["--rate", schedule.rate.text, "--arrivals", schedule.arrivals]
        arguments += [] if schedule.late_limit_s is None else ["--late-limit", f"{schedule.late_limit_s:g}s"]
    arguments += ["--only", ",".join(schedule.only)] if schedule.only else []
    arguments += _access(schedule.access)
    arguments += [] if schedule.mode == "sequential" else ["--mode", schedule.mode]
    arguments += ["--objective", f"p{objective.percentile:g}={objective.response_ms:g}ms"]
    arguments += ["--max-errors", f"{100 * max_error_share:g}%"]
    arguments += ["--ramp", f"{schedule.ramp_s:g}s", "--warmup", f"{schedule.warmup_s:g}s"]
    return [*arguments, "--duration", f"{schedule.measure_s:g}s", "--seed", str(schedule.seed)]


def _access(access: Access) -> list[str]:
    """Options of access, without the servers' addresses, which the record does not hold."""
    arguments = [] if access.pool is None else ["--pool", str(access.pool)]
    arguments += [] if access.reconnect_every is None else ["--reconnect", str(access.reconnect_every)]
    arguments += [] if access.pooler == "auto" else ["--pooler", access.pooler]
    arguments += ["--replica", "…"] * access.replicas
    if access.replicas:
        arguments += ["--read-policy", access.read_policy, "--read-your-writes", str(access.own_writes)]
    return arguments


def _report(record_id: str) -> str:
    return shlex.join(["loadgen", "report", record_id])
