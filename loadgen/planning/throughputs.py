"""Throughput by concurrency: from a CSV file, or from a recorded sweep."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from capacity.scalability import Repeat, Usl, fit_sweep, fit_usl
from capacity.values import Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.sheet import MISSING, Kind, read_sheet
from loadgen.planning.sweeps import read_sweep, swept_scenario
from loadgen.runs import store
from loadgen.runs.format.sweep import SweepRecord
from loadgen.user_files import MIB

KIND: Final = Kind("measurements", "concurrency,throughput", "run", 100_000, 16 * MIB, "give the mean of each level")
"""Its size is an assumption: 160 characters a row."""
COLUMNS: Final = ("concurrency", "throughput")
SPREAD: Final = "spread"


@dataclass(frozen=True, slots=True)
class Throughputs:
    """Measured points in the order of their source; ``runs`` is set if they are those of a sweep."""

    concurrency: tuple[float, ...]
    throughput: tuple[float, ...]
    spreads: tuple[float, ...] | None
    runs: tuple[Repeat, ...] | None
    left_out: int
    """Rows without a throughput, or runs that were not valid."""
    source: str
    sweep: SweepRecord | None = None
    """Sweep of the points; None for a file."""

    def fit(self, level: float) -> Usl:
        """Fit the scalability law. Raises RefusalError for the fit's refusal."""
        if self.runs is not None:
            answer = fit_sweep(self.runs, level)
        else:
            answer = fit_usl(self.concurrency, self.throughput, level, self.spreads)
        if isinstance(answer, Refusal):
            raise RefusalError(Refusal(answer.code, f"{self.source}: needs {answer.missing}", answer.do))
        return answer


def read(results_dir: Path, name: str) -> Throughputs:
    """Read a CSV file, or a sweep by its id, directory or document.

    Raises UsageError for what is neither or cannot be read, RefusalError for measurements that cannot be used.
    """
    path = Path(name)
    if path.suffix.lower() == ".csv" or (path.is_file() and path.suffix.lower() != ".json"):
        return read_csv(path)
    return from_sweep(store.resolve(results_dir, name))


def from_sweep(path: Path) -> Throughputs:
    """Read the valid runs of a sweep of busy connections. Raises RefusalError for think time, or without runs."""
    return of_sweep(read_sweep(path))


def of_sweep(sweep: SweepRecord) -> Throughputs:
    """Return the valid runs of a sweep of busy connections; see :func:`from_sweep`."""
    swept = swept_scenario(sweep)
    if not swept.busy:
        missing = f"{swept.source}: levels of busy connections; with think time a level counts users"
        raise RefusalError(Refusal("needs_busy_connections", missing, f"run: loadgen sweep {swept.name} --no-think"))
    return Throughputs(
        tuple(float(run.level) for run in swept.repeats),
        tuple(run.throughput_tps for run in swept.repeats),
        None,
        swept.repeats,
        len(sweep.points) - len(swept.repeats),
        swept.source,
        sweep,
    )


def read_csv(path: Path) -> Throughputs:
    """Read columns ``concurrency,throughput`` and optionally ``spread``, a point's standard deviation, in any order.

    Other columns and ``#`` lines are ignored; rows whose throughput is empty, ``NA`` or ``NaN`` are left out. Raises
    UsageError with the line for text that is not a number, RefusalError for an impossible measurement.
    """
    sheet = read_sheet(path, KIND)
    header = sheet.header
    absent = [name for name in COLUMNS if name not in header]
    if absent:
        raise UsageError(f"{sheet.where}: columns are {', '.join(header)}; needs {' and '.join(absent)} too")
    columns_read = [name for name in (*COLUMNS, SPREAD) if name in header]
    rows: list[list[float]] = []
    left_out = 0
    for where, cells in sheet.rows():
        if cells[header.index("throughput")].lower() in MISSING:
            left_out += 1
            continue
        rows.append([_number(cells[header.index(name)], name, where) for name in columns_read])
    if not rows:
        missing = f"{path}: a row with a throughput"
        raise RefusalError(Refusal("too_few_levels", missing, "measure at least four levels"))
    columns = [tuple(column) for column in zip(*rows, strict=True)]
    return Throughputs(columns[0], columns[1], columns[2] if len(columns) > 2 else None, None, left_out, str(path))


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{where}: {name} {text!r} is not a number; correct it") from error
    least = 1.0 if name == "concurrency" else 0.0
    if not math.isfinite(value) or value < least or value == 0:
        limit = "of at least 1" if least else "above 0"
        missing = f"{where}: a finite {name} {limit}, not {text}"
        raise RefusalError(Refusal("bad_measurement", missing, "correct the row, or leave it out"))
    return value
