"""Run records as the runner writes them, and sweeps whose runs say what the server used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sweep_samples import CLIENT, DATABASE, scenario

from capacity.values import Interval, Refusal
from loadgen.planning.calibration import CalibrationRecord, StatementTime
from loadgen.runs import documents
from loadgen.runs.format.latency import Latency, Objective
from loadgen.runs.format.result import RunResult, TransactionResult
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.sweep import SweepRecord
from loadgen.runs.format.use import GeneratorUse, ReplayUse, ServerUse
from loadgen.runs.format.verdict import Verdict

CPU_S = {"read": 0.001, "write": 0.004}


def used(record: SweepRecord, cpu_s: float = 0.003) -> SweepRecord:
    """Every run of it used CPU in proportion to what it did."""
    points = []
    for point in record.points:
        assert point.throughput_tps is not None
        points.append(replace(point, server_cpu_cores=cpu_s * point.throughput_tps.value, wal_bytes_per_txn=120.0))
    return replace(record, points=tuple(points))


def run(name: str, tps: dict[str, float], number: int, cpu_s: dict[str, float]) -> RunRecord:
    """A recorded run whose transactions cost what ``cpu_s`` says."""
    latency = Latency(1_000, 2.0, Interval.exact(2), Interval.exact(3), None, 9)
    results = tuple(
        TransactionResult(t, round(60 * x), 0, Interval.exact(x), latency, latency, latency) for t, x in tps.items()
    )
    total = sum(tps.values())
    use = sum(x * cpu_s[t] for t, x in tps.items()) * (1 + 0.01 * (number % 3))
    server = ServerUse(Interval.exact(use), 6_000, 1.0, 100, 30, 0, 0, 0, 0, {})
    return RunRecord(
        id=f"20261101T12000{number}Z-{name}-abc12{number}",
        started_at="20261101T120000Z",
        scenario=scenario(name, writes=1),
        schedule=Schedule(users=8, think=False, ramp_s=1, warmup_s=1, measure_s=60, drain_s=10, seed=1),
        objective=Objective(),
        max_error_share=0.01,
        database=DATABASE,
        client=CLIENT,
        verdict=Verdict("valid"),
        result=RunResult(
            60.0, round(total * 60), 0, {}, 0, Interval.exact(total), latency, latency, latency, results, (), server,
            GeneratorUse(0.1, 0.1, 1),
        ),
    )  # fmt: skip


def replayed(number: int, cost: Interval | None, wal_bytes: int | None, why: Refusal | None = None) -> RunRecord:
    """A run beside a replica that replayed so many bytes at that cost each."""
    record = run("dashboard", {"read": 90.0, "write": 10.0}, number, CPU_S)
    assert record.result is not None
    use = ReplayUse(wal_bytes, 1.0, cost, 0.0, 0, 0.0, 0.0, why)
    return replace(record, result=replace(record.result, replay=(use,)))


def stored(results_dir: Path, *runs: RunRecord) -> list[str]:
    for one in runs:
        documents.write_atomically(results_dir / one.id / "manifest.json", documents.dump(one))
    return [one.id for one in runs]


def times(name: str, slower: float = 1.0, commit_ms: float = 1.0, **database: Any) -> CalibrationRecord:
    """Three statements that take ``slower`` times what they do on the measured server."""
    statements = tuple(
        StatementTime("dashboard", f"s{i}", Interval(0.98, 1.0, 1.02).scaled(slower * (1 + 0.001 * i)), 80)
        for i in range(4)
    )
    return CalibrationRecord(
        id=f"calibration-{name}",
        made_at="2026-11-01T12:00:00+00:00",
        database=replace(DATABASE, **database),
        method="execution",
        statements=statements,
        round_trip_ms=Interval.exact(0.1),
        commit_ms=Interval.exact(commit_ms),
        idle=None,
        skipped=(),
        took_s=1.0,
    )
