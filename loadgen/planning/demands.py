"""Service demands from recorded runs and sweeps: CPU seconds, WAL bytes, block reads, hold time of a transaction.

A class of transactions is a scenario with its mix, or one of its transactions where runs have different mixes. A
connection is held for the service time of a transaction, so by Little's law the mean number of held connections is the
sum of throughput times mean service time. Use of the idle server is subtracted where a calibration measured it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from capacity.demand import Demand, LevelUse, RunUse, demand_by_level
from capacity.values import LEVEL, Refusal
from loadgen.runs import documents
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepPoint, SweepRecord
from loadgen.runs.store import DOCUMENTS, RUNS


@dataclass(frozen=True, slots=True)
class IdleUse:
    """Resource use of the idle server."""

    cpu_cores: float = 0.0
    wal_bytes_per_s: float = 0.0


NONE_MEASURED = IdleUse()


@dataclass(frozen=True, slots=True)
class ScenarioDemand:
    """Service demand of one transaction of a scenario's mix on the swept server."""

    scenario: str
    level: int
    """Level of the sweep's capacity; without one, the level of the highest throughput."""
    demand: Demand
    """Demand at that level, the planned load."""
    by_level: dict[int, Demand]
    source: str


def scenario_demand(
    sweep: SweepRecord, runs: Iterable[RunRecord] = (), idle: IdleUse = NONE_MEASURED, confidence: float = LEVEL
) -> ScenarioDemand | Refusal:
    """Estimate the demand of a sweep's scenario from its valid runs.

    ``runs`` are the records of the sweep's runs (:func:`runs_of`); without them block reads are unknown.
    """
    records = {run.id: run for run in runs}
    used = []
    for point in sweep.points:
        if (use := point_use(sweep.scenario.name, point, records.get(point.run_id), idle)) is not None:
            used.append(LevelUse(point.level, point.repeat, use))
    if not used:
        missing = f"sweep {sweep.id}: a valid run that measured what the server used"
        return Refusal("no_valid_runs", missing, f"run again: loadgen sweep {sweep.scenario.name}")
    found = demand_by_level(used, confidence)
    if isinstance(found, Refusal):
        return Refusal(found.code, f"sweep {sweep.id}: {found.missing}", found.do)
    level = sweep.capacity.level if sweep.capacity is not None else None
    if level not in found:
        level = max(used, key=lambda run: sum(run.use.tps_by_class.values())).level
    return ScenarioDemand(sweep.scenario.name, level, found[level], found, f"sweep {sweep.id}, level {level}")


def point_use(
    scenario: str, point: SweepPoint, run: RunRecord | None = None, idle: IdleUse = NONE_MEASURED
) -> RunUse | None:
    """Return the use of a sweep's run; None for one that is invalid or without throughput."""
    tps = point.throughput_tps.value if point.throughput_tps else 0.0
    if point.verdict.status != "valid" or tps <= 0:
        return None
    wal = None if point.wal_bytes_per_txn is None else tps * point.wal_bytes_per_txn
    return RunUse(
        {scenario: tps},
        cpu_cores=_less(point.server_cpu_cores, idle.cpu_cores),
        wal_bytes_per_s=_less(wal, idle.wal_bytes_per_s),
        block_reads_per_s=_block_reads_per_s(run) if run is not None else None,
        held_connections=None if point.service is None else tps * point.service.mean_ms / 1000,
    )


def run_use(run: RunRecord, by_transaction: bool, idle: IdleUse = NONE_MEASURED) -> RunUse | None:
    """Return a run's use, by transaction or as one class; None for one that is invalid or without throughput."""
    result = run.result
    if run.verdict.status != "valid" or result is None or result.throughput_tps.value <= 0:
        return None
    tps = {t.name: t.throughput_tps.value for t in result.transactions if t.throughput_tps.value > 0}
    wal = result.server.wal_bytes
    return RunUse(
        tps if by_transaction else {run.scenario.name: sum(tps.values())},
        cpu_cores=_less(result.server.cpu_cores.value if result.server.cpu_cores else None, idle.cpu_cores),
        wal_bytes_per_s=_less(None if wal is None else wal / result.window_s, idle.wal_bytes_per_s),
        block_reads_per_s=_block_reads_per_s(run),
        held_connections=sum(t.throughput_tps.value * t.service.mean_ms / 1000 for t in result.transactions),
    )


def runs_of(sweep: SweepRecord, document: Path) -> Sequence[RunRecord]:
    """Read the records of a sweep's runs, beside its own document; missing ones are left out."""
    paths = (document.parent / RUNS / point.run_id / DOCUMENTS["run"] for point in sweep.points)
    return [documents.read(RunRecord, path) for path in paths if path.is_file()]


def _block_reads_per_s(run: RunRecord) -> float | None:
    if run.result is None or run.result.server.blocks_read is None:
        return None
    return run.result.server.blocks_read / run.result.window_s


def _less(used: float | None, idle: float) -> float | None:
    return None if used is None else max(used - idle, 0.0)
