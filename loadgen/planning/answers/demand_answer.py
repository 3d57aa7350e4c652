"""Service demands of recorded runs: ``loadgen.demand/1``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeVar

from capacity.demand import Demand, RunUse, service_demands
from capacity.values import Interval, Origin, Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.calibration import CalibrationRecord
from loadgen.planning.demands import NONE_MEASURED, IdleUse, ScenarioDemand, run_use, runs_of, scenario_demand
from loadgen.planning.sweeps import newest_complete, read_sweep
from loadgen.runs import documents, store
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord

DEMAND_FORMAT: Final = "loadgen.demand/1"

T = TypeVar("T")
By = Literal["scenario", "transaction"]


@dataclass(frozen=True)
class ClassDemand:
    """Service demand of one transaction of a class; None where not measured."""

    transaction: str
    cpu_s: Interval | None
    wal_bytes: Interval | None
    block_reads: Interval | None
    connection_hold_s: Interval | None
    level: int | None = None
    """Level of the sweep's capacity; None for demands pooled from several runs."""
    by_level: dict[int, Demand] | None = None


@dataclass(frozen=True)
class IdleTaken:
    """Use of the idle server that was subtracted from every run's."""

    cpu_cores: float
    wal_bytes_per_s: float
    origin: Origin
    source: str


@dataclass(frozen=True)
class DemandAnswer:
    """Demands by class, and the runs that they are from."""

    by: By
    demands: tuple[ClassDemand, ...]
    idle: IdleTaken
    runs: tuple[str, ...]
    left_out: tuple[str, ...]
    """Runs left out, because they are invalid or have no throughput."""
    server_version: str
    cores: int | None
    format: Literal["loadgen.demand/1"] = DEMAND_FORMAT


def demand_answer(
    results_dir: Path, names: Sequence[str], by: By, level: float, calibration: CalibrationRecord | None
) -> DemandAnswer:
    """Estimate demands from the records ``names``; without names, from each scenario's newest complete sweep.

    Sweeps alone, one per scenario, give demands by level; anything else is pooled. Raises UsageError for a name that is
    not a run or a sweep, RefusalError if demands cannot be estimated.
    """
    documents_of = [store.resolve(results_dir, name) for name in names] or _newest(results_dir)
    idle = calibration.idle_use if calibration else NONE_MEASURED
    sweeps, runs = _read(documents_of)
    by_level = by == "scenario" and not runs and len({s.scenario.name for s, _ in sweeps}) == len(sweeps)
    if by_level:
        found = [_asked(scenario_demand(sweep, own, idle, level)) for sweep, own in sweeps]
        classes = tuple(_of_sweep(one) for one in found)
        used = [p.run_id for sweep, _ in sweeps for p in sweep.points if p.verdict.status == "valid"]
    else:
        runs = [*runs, *(run for _, own in sweeps for run in own)]
        classes, used = _pooled(runs, by, level, idle)
    everything = [run.id for run in runs] or [p.run_id for sweep, _ in sweeps for p in sweep.points]
    database = (sweeps[0][0] if sweeps else runs[0]).database
    return DemandAnswer(
        by=by,
        demands=classes,
        idle=_idle_taken(calibration, idle),
        runs=tuple(used),
        left_out=tuple(one for one in everything if one not in set(used)),
        server_version=database.server_version,
        cores=database.cores,
    )


def _newest(results_dir: Path) -> list[Path]:
    """Documents of the newest complete sweep of each scenario that has one."""
    scenarios = {read_sweep(path).scenario.name for path in store.newest_first(results_dir, "sweep")}
    found = [sweep for name in sorted(scenarios) if (sweep := newest_complete(results_dir, name)) is not None]
    if not found:
        do = "run: loadgen sweep dashboard, or give runs"
        raise RefusalError(Refusal("no_sweep", f"a complete sweep in {results_dir}", do))
    return [results_dir / sweep.id / store.DOCUMENTS["sweep"] for sweep in found]


def _read(paths: Sequence[Path]) -> tuple[list[tuple[SweepRecord, Sequence[RunRecord]]], list[RunRecord]]:
    sweeps, runs = [], []
    for path in paths:
        kind = store.kind_of(path)
        if kind == "sweep":
            sweep = read_sweep(path)
            sweeps.append((sweep, runs_of(sweep, path)))
        elif kind == "run":
            runs.append(documents.read(RunRecord, path))
        else:
            raise UsageError(f"{path} is a {kind}; give runs and sweeps")
    return sweeps, runs


def _pooled(
    runs: Sequence[RunRecord], by: By, level: float, idle: IdleUse
) -> tuple[tuple[ClassDemand, ...], list[str]]:
    uses: dict[str, RunUse] = {}
    for run in runs:
        if (use := run_use(run, by == "transaction", idle)) is not None:
            uses[run.id] = use
    if not uses:
        raise RefusalError(Refusal("no_valid_runs", "a valid run among those named", "run the scenario again"))
    found = _asked(service_demands(list(uses.values()), level))
    return tuple(_of(one) for one in found), list(uses)


def _of(demand: Demand) -> ClassDemand:
    return ClassDemand(demand.transaction, demand.cpu_s, demand.wal_bytes, demand.block_reads, demand.connection_hold_s)


def _of_sweep(found: ScenarioDemand) -> ClassDemand:
    return replace(_of(found.demand), level=found.level, by_level=found.by_level)


def _asked(answer: T | Refusal) -> T:
    if isinstance(answer, Refusal):
        raise RefusalError(answer)
    return answer


def _idle_taken(calibration: CalibrationRecord | None, idle: IdleUse) -> IdleTaken:
    if calibration is None or calibration.idle is None:
        why = "the idle server was not measured, and is assumed to use nothing; see loadgen calibrate"
        return IdleTaken(0.0, 0.0, Origin.ASSUMPTION, why)
    source = f"calibration {calibration.id}, {calibration.idle.seconds:g} s"
    return IdleTaken(idle.cpu_cores, idle.wal_bytes_per_s, Origin.MEASURED, source)
