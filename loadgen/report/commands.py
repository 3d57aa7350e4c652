"""The commands that make a record again, from what the record holds."""

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
    """The data, then the run."""
    words = ["loadgen", "run", run.scenario.name, "--users", str(run.schedule.users)]
    words += _generator(run) + _how(run.schedule, run.objective, run.max_error_share)
    return (*_seeding(run.database), shlex.join(words), _report(run.id))


def for_sweep(sweep: SweepRecord) -> tuple[str, ...]:
    """The data, then the sweep."""
    return (*_seeding(sweep.database), _sweep(sweep), _report(sweep.id))


def for_plan(plan: PlanRecord) -> tuple[str, ...]:
    """The data, each sweep, then the plan from those sweeps."""
    sweeps = [_sweep(sweep) for sweep in plan.sweeps]
    named = [word for sweep in plan.sweeps for word in ("--sweep", sweep.id)]
    again = shlex.join(["loadgen", "plan", *named, "--horizon", str(len(plan.plan.users.forecast)), *plan.options])
    return (*_seeding(plan.database), *sweeps, again, _report(plan.id))


def _seeding(database: DatabaseFacts) -> Sequence[str]:
    data = database.fingerprint
    if data.users is None or data.seed is None:
        return ()
    words = ["loadgen", "seed", "--users", str(data.users), "--seed", str(data.seed)]
    return (shlex.join([*words, *(["--as-of", data.as_of] if data.as_of else [])]),)


def _sweep(sweep: SweepRecord) -> str:
    words = ["loadgen", "sweep", sweep.scenario.name, "--levels", ",".join(str(level) for level in sweep.levels)]
    how = _how(sweep.schedule, sweep.objective, sweep.max_error_share)
    return shlex.join([*words, "--repeats", str(sweep.repeats), *_processes(sweep.schedule), *how])


def _generator(run: RunRecord) -> list[str]:
    """Only workers have a clock of their own, which a record knows of."""
    parts = run.result.generator.parts if run.result else ()
    if any(part.clock_error_ms is not None for part in parts):
        return ["--master", "--expect-workers", str(run.schedule.processes)]
    return _processes(run.schedule)


def _processes(schedule: Schedule) -> list[str]:
    return [] if schedule.processes == 1 else ["--processes", str(schedule.processes)]


def _how(schedule: Schedule, objective: Objective, max_error_share: float) -> list[str]:
    if schedule.rate is None:
        words = ["--think" if schedule.think else "--no-think"]
    else:
        words = ["--rate", schedule.rate.text, "--arrivals", schedule.arrivals]
        words += [] if schedule.late_limit_s is None else ["--late-limit", f"{schedule.late_limit_s:g}s"]
    words += ["--only", ",".join(schedule.only)] if schedule.only else []
    words += _access(schedule.access)
    words += [] if schedule.mode == "sequential" else ["--mode", schedule.mode]
    words += ["--objective", f"p{objective.percentile:g}={objective.response_ms:g}ms"]
    words += ["--max-errors", f"{100 * max_error_share:g}%"]
    words += ["--ramp", f"{schedule.ramp_s:g}s", "--warmup", f"{schedule.warmup_s:g}s"]
    return [*words, "--duration", f"{schedule.measure_s:g}s", "--seed", str(schedule.seed)]


def _access(access: Access) -> list[str]:
    """Without the servers' addresses, which the record does not hold."""
    words = [] if access.pool is None else ["--pool", str(access.pool)]
    words += [] if access.reconnect_every is None else ["--reconnect", str(access.reconnect_every)]
    words += [] if access.pooler == "auto" else ["--pooler", access.pooler]
    words += ["--replica", "…"] * access.replicas
    if access.replicas:
        words += ["--read-policy", access.read_policy, "--read-your-writes", str(access.own_writes)]
    return words


def _report(record_id: str) -> str:
    return shlex.join(["loadgen", "report", record_id])
