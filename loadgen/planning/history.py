"""Growth history: from a CSV file, or from the database's own ``users.created_at``."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from capacity.growth import LARGEST_VALUE, Duplicates, Forecast, Scenarios, forecast
from capacity.values import Origin, Refusal
from loadgen.database.connect import connect
from loadgen.database.faults import faults
from loadgen.database.guard import read_mark
from loadgen.database.target import Target
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.sheet import ASSUMED, MISSING, Kind, read_sheet
from loadgen.sql_files import SqlFile
from loadgen.user_files import MIB

_SQL: Final = SqlFile("loadgen.planning", "sql/database.sql")

TABLE_COLUMN: Final = re.compile(r"[a-z_][a-z0-9_]*\.(?:rows|bytes|wal_bytes_per_day)")
"""Pattern of a column with a table's own history."""
MOST_COLUMNS: Final = 60
KIND: Final = Kind("a history", "date,value", "period", 100_000, 64 * MIB, "add up the values by month")
"""More rows are a log of events rather than a history by period; its size is an assumption: 600 characters a row."""


@dataclass(frozen=True, slots=True)
class History:
    """Values by period as in the source, labelled by ``dates`` or ``periods``; at least one value.

    A missing value is NaN. :func:`capacity.growth.forecast` handles order, gaps and duplicates.
    """

    values: tuple[float, ...]
    dates: tuple[dt.date, ...] | None
    periods: tuple[int, ...] | None
    origin: Origin
    source: str
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Values of tables by ``TABLE.rows``, ``TABLE.bytes`` or ``TABLE.wal_bytes_per_day``, as many as ``values``."""

    def forecast(self, horizon: int, level: float, duplicates: Duplicates = "last") -> Forecast | Scenarios:
        """Forecast by :func:`capacity.growth.forecast`. Raises RefusalError for its refusal."""
        answer = forecast(self.values, horizon, level, periods=self.periods, dates=self.dates, duplicates=duplicates)
        if isinstance(answer, Refusal):
            raise RefusalError(Refusal(answer.code, f"{self.source}: needs {answer.missing}", answer.do))
        return answer


def read_csv(path: Path) -> History:
    """Read a CSV file with columns ``date,value`` (ISO dates) or ``period,value`` (whole numbers).

    Columns like ``chat_messages.rows``, ``.bytes`` and ``.wal_bytes_per_day`` are a table's own history; other columns
    are ignored, and so are ``#`` lines, but ``# assumption …`` above the header marks all values as assumptions. A
    value that is empty, ``NA`` or ``NaN`` is missing. Dates are YYYY-MM-DD, with or without a time of day, or YYYY-MM
    for the month's last day. Raises UsageError with the line for what cannot be read, and RefusalError for a number
    that is not a count: negative, infinite or above 1e15.
    """
    sheet = read_sheet(path, KIND)
    header = sheet.header
    label = next((name for name in ("date", "period") if name in header), None)
    if label is None or "value" not in header:
        raise UsageError(f"{sheet.where}: columns are {', '.join(header)}; needs value, and date or period")
    at_label, at_value = header.index(label), header.index("value")
    own = {name: header.index(name) for name in header if TABLE_COLUMN.fullmatch(name)}
    if len(own) > MOST_COLUMNS:
        raise UsageError(f"{path}: {len(own)} columns of tables; keep at most {MOST_COLUMNS}")
    columns: dict[str, list[float]] = {name: [] for name in own}
    values: list[float] = []
    dates: list[dt.date] = []
    periods: list[int] = []
    for where, cells in sheet.rows():
        values.append(_value(cells[at_value], where))
        for name, at in own.items():
            columns[name].append(_value(cells[at], where))
        if label == "date":
            dates.append(_date(cells[at_label], where))
        else:
            periods.append(_period(cells[at_label], where))
    if not values:
        raise UsageError(f"{path}: no rows below the header; write one row per period")
    assumed = any(ASSUMED.match(line) for line in sheet.comments)
    origin = Origin.ASSUMPTION if assumed else Origin.MEASURED
    by_table = {name: tuple(found) for name, found in columns.items()}
    return History(tuple(values), tuple(dates) or None, tuple(periods) or None, origin, str(path), by_table)


def from_database(target: Target) -> History:
    """Read cumulative users by complete month. For a database that this tool filled the origin is ``synthetic``.

    Raises RefusalError for a database without a complete month of users.
    """
    with faults(target), connect(target) as conn:
        # Row security would count only visible users; an error is better than a wrong history.
        conn.execute("SET LOCAL row_security = off")
        mark = read_mark(conn)
        as_of = (mark.as_of if mark else None) or dt.datetime.now(dt.UTC).date()
        rows: list[tuple[dt.date, float]] = conn.execute(_SQL["users_by_month"], {"as_of": as_of}).fetchall()
    if not rows:
        do = "run loadgen seed, or give a history: date,value in a CSV file"
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


def _value(text: str, where: str) -> float:
    if text.lower() in MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError as error:
        raise UsageError(f"{where}: value {text!r} is not a number; correct it") from error
    for wrong, code, missing, do in (
        (math.isinf(value), "not_finite", "a finite number", "correct it, or leave the value empty"),
        (value < 0, "negative", "a count of 0 or more", "correct it, or leave the value empty"),
        (value > LARGEST_VALUE, "too_large", f"a value of at most {LARGEST_VALUE:g}", "use a larger unit"),
    ):
        if wrong:
            raise RefusalError(Refusal(code, f"{where}: value {text}: needs {missing}", do))
    return value


def _date(text: str, where: str) -> dt.date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            year, month = int(text[:4]), int(text[5:])
            return dt.date(year, month, calendar.monthrange(year, month)[1])
        return dt.datetime.fromisoformat(text).date()
    except ValueError as error:
        raise UsageError(f"{where}: date {text!r}: expected year-month-day, such as 2025-07-31") from error


def _period(text: str, where: str) -> int:
    try:
        period = int(re.sub(r"\.0+$", "", text))  # pandas writes whole numbers of a column with gaps so
    except ValueError as error:
        raise UsageError(f"{where}: period {text!r} is not an integer; correct it") from error
    if abs(period) > 10**9:
        raise UsageError(f"{where}: period {text} is out of range; number periods from 1")
    return period
