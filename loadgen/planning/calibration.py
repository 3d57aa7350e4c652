"""What ``loadgen calibrate`` measures of a target: ``loadgen.calibration/1``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from capacity.demand import Calibration, Ratio, assumed_ratio, cpu_time_ratio
from capacity.values import Interval, Refusal
from loadgen.planning.demands import IdleUse
from loadgen.runs import documents
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.store import DOCUMENTS, new_record
from loadgen.user_files import MIB, FileKind

CALIBRATION_FORMAT: Final = "loadgen.calibration/1"
FILE: Final = FileKind("a calibration", "make one: loadgen calibrate", 16 * MIB)
"""Assumption: a line for each statement is below 1 MiB."""

Method = Literal["execution and serialisation", "execution"]
"""What the server's own time of a statement holds: turning rows into bytes is told from PostgreSQL 17 on."""


@dataclass(frozen=True)
class StatementTime:
    """The server's time of one execution of a statement, cached, on one connection."""

    scenario: str
    name: str
    server_ms: Interval
    executions: int


@dataclass(frozen=True)
class Skipped:
    """What was not measured, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Idle:
    """What the server used a second with nobody at work but this tool's own samples. None: not to be seen from here."""

    cpu_cores: float | None
    wal_bytes_per_s: float | None
    seconds: float


@dataclass(frozen=True)
class CalibrationRecord:
    """One target, calibrated. Times are medians over rounds with intervals of order statistics."""

    id: str
    made_at: str
    database: DatabaseFacts
    method: Method
    statements: tuple[StatementTime, ...]
    round_trip_ms: Interval | None
    commit_ms: Interval | None
    """None: not a database that ``loadgen init`` marked, or one that cannot be written to."""
    idle: Idle | None
    """None: somebody else was at work."""
    skipped: tuple[Skipped, ...]
    took_s: float
    format: Literal["loadgen.calibration/1"] = CALIBRATION_FORMAT

    @property
    def idle_use(self) -> IdleUse:
        """What to take off a run's use; nothing where it was not measured."""
        if self.idle is None:
            return IdleUse()
        return IdleUse(self.idle.cpu_cores or 0.0, self.idle.wal_bytes_per_s or 0.0)

    @property
    def values(self) -> Calibration:
        """In the units of ``capacity``."""
        return Calibration(
            {f"{s.scenario}.{s.name}": s.server_ms.scaled(1e-3) for s in self.statements},
            self.round_trip_ms.scaled(1e-3) if self.round_trip_ms else None,
            self.commit_ms.scaled(1e-3) if self.commit_ms else None,
        )


def read_calibration(path: Path) -> CalibrationRecord:
    """A calibration that was kept. Raises UsageError for a file that is none."""
    return documents.read(CalibrationRecord, path, FILE)


def write_calibration(record: CalibrationRecord, results_dir: Path) -> Path:
    """Keep the record; returns its directory. Raises EnvironmentFault where the disk refuses."""
    with new_record(results_dir, record.id) as directory:
        documents.write_atomically(directory / DOCUMENTS["calibration"], documents.dump(record))
    return results_dir / record.id


def ratio(measured_on: CalibrationRecord | None, target: CalibrationRecord | None) -> Ratio | Refusal:
    """CPU time on the target over that on the server that was measured; an assumption where either is missing.

    Refuses two that cannot be compared: of other data, or timed in another way.
    """
    if measured_on is None or target is None:
        return assumed_ratio()
    if measured_on.method != target.method:
        missing = f"times of one kind: one server tells {measured_on.method}, the other {target.method}"
        return Refusal("other_method", missing, "calibrate two servers from PostgreSQL 17 on, or two before it")
    ours, theirs = measured_on.database.fingerprint, target.database.fingerprint
    if (ours.model_version, ours.seed, ours.users, ours.shape_sha256) != (
        theirs.model_version, theirs.seed, theirs.users, theirs.shape_sha256,
    ):  # fmt: skip
        missing = "the same data on both servers: documents of other sizes take other times"
        return Refusal("other_data", missing, "seed both alike: the same users, seed and profile; then calibrate again")
    return cpu_time_ratio(measured_on.values, target.values)
