"""Sweep records as the runner writes them, made from a plain law."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from capacity.scalability import Capacity, capacity_at_objective
from capacity.values import Interval, Refusal, TableSize
from loadgen.runs import documents
from loadgen.runs.format.latency import Latency, Objective
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts, Fingerprint
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription, TransactionDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.sweep import CapacityAnswer, SweepPoint, SweepRecord
from loadgen.runs.format.verdict import Reason, Verdict
from loadgen.runs.repeats import repeat_of

LEVELS = (1, 2, 4, 8, 16)
FINGERPRINT = Fingerprint("8:abc", "1", 1, 5_000, "2026-11-01", 1_000, None)
DATABASE = DatabaseFacts("affluvia", "18.6", True, 2, 8 * 2**30, {}, FINGERPRINT)
CLIENT = ClientFacts("cpu", 2, 8 * 2**30, "Linux", {})
TABLES = (
    TableSize("chat_messages", 60_000, 15_000_000, 0, 4_000_000),
    TableSize("users", 5_000, 1_000_000, 0, 500_000),
)


def scenario(name: str, *, writes: int) -> ScenarioDescription:
    """Ten parts of transactions, ``writes`` of them writing."""
    return ScenarioDescription(
        name,
        "a test",
        "none",
        0.99,
        (
            TransactionDescription("read", 10 - writes, ("look",), 1, False, "read committed"),
            TransactionDescription("write", writes, ("store",), 1, True, "read committed"),
        ),
        (
            StatementDescription("look", "SELECT 1", False, (), (1, 1)),
            StatementDescription("store", "UPDATE goals SET status = status", True, (), (0, None)),
        ),
    )


def point(level: int, repeat: int, single_tps: float) -> SweepPoint:
    noise = 1 + 0.01 * repeat
    tps = level * single_tps / (1 + 0.3 * (level - 1) + 0.02 * level * (level - 1)) * noise
    p95 = (2.0 + 3.0 * level) / noise
    latency = Latency(1_000, p95 / 2, Interval.exact(p95 / 2), Interval.exact(p95), None, p95 * 2)
    return SweepPoint(
        level, repeat, 0, f"run-{level}-{repeat}", Verdict("valid"), Interval.exact(tps), 0.0, latency, latency, 1, 1, 0
    )


def sweep(
    name: str = "dashboard",
    *,
    utc: str = "20261101T120000Z",
    writes: int = 1,
    single_tps: float = 300,
    response_ms: float = 30,
    partial: bool = False,
    short: bool = False,
) -> SweepRecord:
    """A sweep of five levels, three runs each."""
    objective = Objective(response_ms=response_ms)
    points = tuple(point(level, repeat, single_tps) for level in LEVELS for repeat in range(3))
    if short:
        note = Reason("short", "5 s were measured", "measure longer")
        points = tuple(replace(p, verdict=Verdict("valid", notes=(note,))) for p in points)
    repeats = [r for p in points if (r := repeat_of(p, objective.percentile)) is not None]
    found = capacity_at_objective(repeats, response_ms, 0.001)
    return SweepRecord(
        id=f"{utc}-sweep-{name}-abc123",
        started_at=utc,
        scenario=scenario(name, writes=writes),
        objective=objective,
        max_error_share=0.001,
        levels=LEVELS,
        repeats=3,
        schedule=Schedule(users=32, think=False, ramp_s=1.0, warmup_s=5.0, measure_s=30.0, drain_s=10.0, seed=1),
        points=points,
        database=DATABASE,
        client=CLIENT,
        tables=TABLES,
        capacity=_answer(found) if isinstance(found, Capacity) else None,
        refusal=found if isinstance(found, Refusal) else None,
        partial=partial,
    )


def store(results_dir: Path, record: SweepRecord) -> Path:
    """Write it where the runner would; returns its directory."""
    documents.write_atomically(results_dir / record.id / "sweep.json", documents.dump(record))
    return results_dir / record.id


def history_csv(path: Path, rows: int = 24, start: float = 4_000, step: float = 900) -> Path:
    """Monthly growth with a little noise; returns ``path``."""
    lines = ["date,value"]
    lines += [f"{2023 + i // 12}-{i % 12 + 1:02d}-28,{start + step * i + (i * 37 % 11) * 20:.0f}" for i in range(rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _answer(found: Capacity) -> CapacityAnswer:
    return CapacityAnswer(found.throughput_tps, found.level, found.bracketed, found.met_probability, found.pool)
