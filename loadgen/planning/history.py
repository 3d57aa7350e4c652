"""Growth history: from a CSV file, or from the database's own ``users.created_at``."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

from capacity.growth import LARGEST_VALUE, Forecast, Scenarios, forecast
from capacity.values import Origin, Refusal
from loadgen.database.connect import Target, connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark
from loadgen.errors import RefusalError, UsageError

_Label = TypeVar("_Label", dt.date, int)

ASSUMED: Final = re.compile(r"#\s*assumption\b", re.IGNORECASE)
"""A comment above the header that begins so says that nobody measured the file's values."""
MOST_ROWS: Final = 100_000
"""Of a CSV: more is a log of events rather than a history by period."""


@dataclass(frozen=True, slots=True)
class History:
    """Values by period, oldest first; either ``dates`` or ``periods`` label them. At least one value."""

    values: tuple[float, ...]
    dates: tuple[dt.date, ...] | None
    periods: tuple[int, ...] | None
    origin: Origin
    source: str

    def forecast(self, horizon: int, level: float) -> Forecast | Scenarios:
        """What :func:`capacity.growth.forecast` makes of it. Raises RefusalError for its refusal."""
        answer = forecast(self.values, horizon, level, periods=self.periods, dates=self.dates)
        if isinstance(answer, Refusal):
            raise RefusalError(Refusal(answer.code, f"{self.source}: needs {answer.missing}", answer.do))
        return answer


def read_csv(path: Path) -> History:
    """Read ``date,value`` (ISO dates) or ``period,value`` (whole numbers); other columns and ``#`` lines are ignored,
    but for ``# assumption …`` above the header: the values are then called so wherever they are used.

    Raises UsageError that names the line: a missing column, a value that is no number of 0 or more, a label that is
    none, twice or out of order.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read history from {path}: {why}; give a CSV file") from error
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    if not numbered:
        raise UsageError(f"{path}: no rows; write a header date,value and one row per period")
    if len(numbered) > MOST_ROWS:
        raise UsageError(f"{path}: more than {MOST_ROWS:,} rows; sum it up by month")
    header = [name.strip().lower() for name in next(csv.reader([numbered[0][1]]))]
    label = next((name for name in ("date", "period") if name in header), None)
    if label is None or "value" not in header:
        raise UsageError(
            f"{path}: line {numbered[0][0]}: columns are {', '.join(header)}; needs value, and date or period"
        )
    at_label, at_value = header.index(label), header.index("value")
    values: list[float] = []
    dates: list[dt.date] = []
    periods: list[int] = []
    for n, line in numbered[1:]:
        where = f"{path}: line {n}"
        cells = [cell.strip() for cell in _cells(line, where)]
        if len(cells) != len(header):
            raise UsageError(f"{where}: {len(cells)} values for {len(header)} columns; correct the row")
        values.append(_value(cells[at_value], where))
        if label == "date":
            _append_ascending(dates, _date(cells[at_label], where), where)
        else:
            _append_ascending(periods, _period(cells[at_label], where), where)
    if not values:
        raise UsageError(f"{path}: no rows below the header; write one row per period")
    assumed = any(ASSUMED.match(line) for line in lines[: numbered[0][0]])
    origin = Origin.ASSUMPTION if assumed else Origin.MEASURED
    return History(tuple(values), tuple(dates) or None, tuple(periods) or None, origin, str(path))


def from_database(target: Target) -> History:
    """Cumulative users by complete month. Of a database that this tool filled the origin is ``synthetic``.

    Raises RefusalError for a database without a complete month of users.
    """
    query = (files("loadgen.planning") / "sql" / "users_by_month.sql").read_bytes()
    with faults(target), connect(target) as conn:
        # Row security would count the users that this role may see; better an error than a wrong history.
        conn.execute("SET LOCAL row_security = off")
        mark = read_mark(conn)
        as_of = (mark.as_of if mark else None) or dt.datetime.now(dt.UTC).date()
        rows: list[tuple[dt.date, float]] = conn.execute(query, {"as_of": as_of}).fetchall()
    if not rows:
        do = "fill it with `loadgen seed`, or give a history: date,value in a CSV file"
        raise RefusalError(Refusal("no_history", f"a complete month of users in {target}", do))
    synthetic = mark is not None
    what = "synthetic users" if synthetic else "users"
    return History(
        values=tuple(value for _, value in rows),
        dates=tuple(date for date, _ in rows),
        periods=None,
        origin=Origin.SYNTHETIC if synthetic else Origin.MEASURED,
        source=f"{what} by created_at in {target}, complete months before {as_of}",
    )


def _cells(line: str, where: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise UsageError(f"{where}: not CSV ({error}); correct the row") from error


def _value(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{where}: value {text!r} is not a number; correct it") from error
    if not math.isfinite(value):
        raise UsageError(f"{where}: value {text} is not a finite number; correct it, or leave the period out")
    if value < 0:
        raise UsageError(f"{where}: value {text} is negative; a count is 0 or more")
    if value > LARGEST_VALUE:
        raise UsageError(f"{where}: value {text} is above {LARGEST_VALUE:g}; use a larger unit")
    return value


def _date(text: str, where: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{where}: date {text!r} is not one; write YYYY-MM-DD") from error


def _period(text: str, where: str) -> int:
    try:
        period = int(text)
    except ValueError as error:
        raise UsageError(f"{where}: period {text!r} is not a whole number; correct it") from error
    if abs(period) > 10**9:
        raise UsageError(f"{where}: period {text} is out of range; number periods from 1")
    return period


def _append_ascending(labels: list[_Label], label: _Label, where: str) -> None:
    if labels and label == labels[-1]:
        raise UsageError(f"{where}: {label} stands there twice; keep one row per period")
    if labels and label < labels[-1]:
        raise UsageError(f"{where}: {label} comes after {labels[-1]}; sort the rows, oldest first")
    labels.append(label)
