"""Record of a calibration, ``loadgen.calibration/1``."""

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
FILE: Final = FileKind("a calibration", "create one: loadgen calibrate", 16 * MIB)
"""Assumption: a line for each statement is below 1 MiB."""

Method = Literal["execution and serialisation", "execution"]
"""Parts of a statement's server time; serialisation of rows is reported from PostgreSQL 17 on."""


@dataclass(frozen=True)
class StatementTime:
    """Server time of one execution of a statement, cached, on one connection."""

    scenario: str
    name: str
    server_ms: Interval
    executions: int


@dataclass(frozen=True)
class Skipped:
    """A measurement that was skipped, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Idle:
    """Use of the idle server, this tool's samples included; None where it cannot be measured from here."""

    cpu_cores: float | None
    wal_bytes_per_s: float | None
    seconds: float


@dataclass(frozen=True)
class CalibrationRecord:
    """Calibration of one target. Times are medians over rounds with intervals of order statistics."""

    id: str
    made_at: str
    database: DatabaseFacts
    method: Method
    statements: tuple[StatementTime, ...]
    round_trip_ms: Interval | None
    commit_ms: Interval | None
    """Wait of a commit in ms; None for a database without the mark of ``loadgen init``, or a read-only one."""
    idle: Idle | None
    """Use of the idle server; None if other sessions were active."""
    skipped: tuple[Skipped, ...]
    took_s: float
    format: Literal["loadgen.calibration/1"] = CALIBRATION_FORMAT

    @property
    def idle_use(self) -> IdleUse:
        """Idle use to subtract from a run's use; 0 where not measured."""
        if self.idle is None:
            return IdleUse()
        return IdleUse(self.idle.cpu_cores or 0.0, self.idle.wal_bytes_per_s or 0.0)

    @property
    def values(self) -> Calibration:
        """Times in the units of ``capacity``."""
        return Calibration(
            {f"{s.scenario}.{s.name}": s.server_ms.scaled(1e-3) for s in self.statements},
            self.round_trip_ms.scaled(1e-3) if self.round_trip_ms else None,
            self.commit_ms.scaled(1e-3) if self.commit_ms else None,
        )


def read_calibration(path: Path) -> CalibrationRecord:
    """Read a calibration record. Raises UsageError for another file."""
    return documents.read(CalibrationRecord, path, FILE)


def write_calibration(record: CalibrationRecord, results_dir: Path) -> Path:
    """Write the record and return its directory. Raises EnvironmentFault where the disk refuses."""
    with new_record(results_dir, record.id) as directory:
        documents.write_atomically(directory / DOCUMENTS["calibration"], documents.dump(record))
    return results_dir / record.id


def ratio(measured_on: CalibrationRecord | None, target: CalibrationRecord | None) -> Ratio | Refusal:
    """Return CPU time on the target over that on the measured server; an assumption if a calibration is missing.

    Refuses calibrations that cannot be compared: with different data, or different methods.
    """
    if measured_on is None or target is None:
        return assumed_ratio()
    if measured_on.method != target.method:
        missing = f"times of the same kind: one server measures {measured_on.method}, the other {target.method}"
        return Refusal("other_method", missing, "calibrate two servers of PostgreSQL 17 or newer, or two older ones")
    ours, theirs = measured_on.database.fingerprint, target.database.fingerprint
    if (ours.model_version, ours.seed, ours.users, ours.shape_sha256) != (
        theirs.model_version, theirs.seed, theirs.users, theirs.shape_sha256,
    ):  # fmt: skip
        missing = "the same data on both servers, as larger documents take longer"
        return Refusal("other_data", missing, "seed both with the same users, seed and profile, then calibrate again")
    return cpu_time_ratio(measured_on.values, target.values)
