"""Timeline of a run by second, stored beside its manifest."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadgen.errors import UsageError
from loadgen.user_files import MIB, FileKind, read_text

TIMELINE = "timeline.csv"
FILE: Final = FileKind("a timeline", "restore the file or delete it", 128 * MIB)
"""Timeline files and their largest size; assumption: 200 characters a second for a week, the longest run."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a run. Percentiles are None where nothing was answered."""

    second: int
    phase: str
    users: int
    transactions: int
    errors: int
    response_p50_ms: float | None
    response_p95_ms: float | None
    response_max_ms: float | None


def read_timeline(path: Path) -> tuple[Second, ...]:
    """Read the rows of a timeline; none without a file. Raises UsageError that names the wrong line."""
    if not path.exists():
        return ()
    seconds: list[Second] = []
    rows = csv.DictReader(io.StringIO(read_text(path, FILE), newline=""))
    try:
        for row in rows:
            seconds.append(_second(row))
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise UsageError(f"{path}, line {rows.line_num}: {error!r}; {FILE.advice}") from error
    return tuple(seconds)


def _second(row: dict[str, str]) -> Second:
    return Second(
        second=int(row["second"]),
        phase=row["phase"],
        users=int(row["users"]),
        transactions=int(row["transactions"]),
        errors=int(row["errors"]),
        response_p50_ms=_optional(row["response_p50_ms"]),
        response_p95_ms=_optional(row["response_p95_ms"]),
        response_max_ms=_optional(row["response_max_ms"]),
    )


def _optional(text: str) -> float | None:
    return float(text) if text else None
