"""What each table becomes: rows, bytes and the WAL that its changes write, period by period.

A table with a history of its own follows that. Any other holds what users hold: measured rows and bytes a user times
the users to come, or user-months for a table that accounts go on filling (:mod:`capacity.tables.storage`). WAL is users
times the WAL that a user's transactions write to the table on an average day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from capacity.arrays import Floats
from capacity.growth import Forecast, ForecastPoint
from capacity.measurements import MeasuredTables
from capacity.tables.storage import times_by_date
from capacity.uncertainty import Draws, summary
from capacity.values import Interval, Origin, Refusal
from capacity.workload import PeakLoad, Workload

Law = Literal["history", "users", "user-months"]
Quantity = Literal["rows", "bytes", "wal_bytes_per_day"]

WHOLE = ""
"""The name under which WAL stands that is of no one table: commits, vacuum, page images of what was only read."""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of a table by period, as points with intervals, and the law that they follow."""

    law: Law
    now: Interval
    points: tuple[ForecastPoint, ...]
    origin: Origin
    """Of what it was made from, the users' history aside."""
    source: str


@dataclass(frozen=True, slots=True)
class WalRate:
    """Draws of the WAL bytes that one user's transactions write to each table on an average day."""

    bytes_per_user_day: Mapping[str, Floats]
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class TableForecast:
    """A table's figures; one that nothing tells is not there."""

    table: str
    series: Mapping[Quantity, Series] = field(default_factory=dict)


def wal_per_user_day(
    workload: Workload,
    written: Mapping[str, Mapping[str, Interval]],
    sample: Draws = Draws(),  # noqa: B008  # frozen
) -> dict[str, Floats] | Refusal:
    """Draws of WAL bytes that one user's transactions write to each table on an average day.

    ``written``: by scenario and table, bytes of an average transaction of the scenario. Refuses a scenario of the mix
    without.
    """
    rate = workload.transactions_per_user(sample)
    found: dict[str, Floats] = {}
    for scenario, share in workload.shares(sample).items():
        if not share.any():
            continue
        if scenario not in written:
            missing = f"the WAL of a transaction of {scenario!r}, by table"
            return Refusal("wal_not_measured", missing, f"run `loadgen sweep {scenario}`, where statements are counted")
        for table, one in written[scenario].items():
            drawn = rate * share * np.maximum(sample.of(f"wal.{scenario}.{table}", one), 0.0)
            found[table] = found.get(table, np.zeros_like(rate)) + drawn
    return found


def by_users(
    users: Forecast,
    workload: Workload,
    tables: MeasuredTables | None,
    tables_origin: Origin = Origin.MEASURED,
    wal: WalRate | None = None,
    retention_months: float | None = None,
) -> tuple[TableForecast, ...]:
    """Tables that follow the users, largest at the horizon first, then WAL of no one table.

    ``tables`` None: sizes were not measured. Raises ValueError without dates, or users in the measured database.
    """
    if tables is not None and tables.users < 1:
        raise ValueError("sizes by user need users in the measured database")
    peak = PeakLoad.of(users, workload)
    rows = [peak.dates.index(p.date) for p in users.forecast if p.date is not None]
    if len(rows) != len(users.forecast):
        raise ValueError("tables that follow the users need a history with dates")

    def series(drawn: Floats, law: Law, origin: Origin, source: str) -> Series:
        ends = (summary(drawn[row], users.level) for row in rows)
        points = (
            ForecastPoint(p.period, p.date, e.value, e.low, e.high) for p, e in zip(users.forecast, ends, strict=True)
        )
        return Series(law, summary(drawn[0], users.level), tuple(points), origin, source)

    found: dict[str, dict[Quantity, Series]] = {}
    if tables is not None:
        times = times_by_date(tables, peak, retention_months)
        for table in tables.tables:
            law: Law = "user-months" if table.name in tables.filled_by_time else "users"
            rows_a_user = f"{tables.source}: {table.rows / tables.users:.3g} rows a user"
            bytes_a_user = f"{tables.source}: {table.total_bytes / tables.users:,.0f} bytes a user"
            found[table.name] = {
                "rows": series(times[table.name] * table.rows, law, tables_origin, rows_a_user),
                "bytes": series(times[table.name] * table.total_bytes, law, tables_origin, bytes_a_user),
            }
    if wal is not None:
        for name, each in wal.bytes_per_user_day.items():
            drawn = series(peak.users * each, "users", wal.origin, wal.source)
            found.setdefault(name, {})["wal_bytes_per_day"] = drawn
    return in_order(TableForecast(name, one) for name, one in found.items())


def from_history(answer: Forecast, per_row: float | None, origin: Origin, source: str) -> dict[Quantity, Series]:
    """The rows of a table by their own history; and bytes, at ``per_row`` bytes a row."""
    now = Interval.exact(answer.history[-1].value)
    found: dict[Quantity, Series] = {"rows": Series("history", now, answer.forecast, origin, source)}
    if per_row is not None:
        points = tuple(
            ForecastPoint(p.period, p.date, p.point * per_row, p.low * per_row, p.high * per_row)
            for p in answer.forecast
        )
        found["bytes"] = Series("history", now.scaled(per_row), points, origin, f"{source}; {per_row:,.0f} bytes a row")
    return found


def in_order(tables: Iterable[TableForecast]) -> tuple[TableForecast, ...]:
    """Largest at the horizon first; without bytes by rows, then by name; WAL of no one table last."""

    def place(one: TableForecast) -> tuple[bool, float, float, str]:
        ends = {name: series.points[-1].point for name, series in one.series.items()}
        return one.table == WHOLE, -ends.get("bytes", 0.0), -ends.get("rows", 0.0), one.table

    return tuple(sorted(tables, key=place))
