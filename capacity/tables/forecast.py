"""Forecast of each table by period: rows, bytes, and WAL of its changes.

A table with a history of its own follows that. Any other has the measured rows and bytes per user times the forecast
users, or per user-month if it grows with the age of the accounts (:mod:`capacity.tables.storage`). WAL is users times
the WAL that a user's transactions write to the table on an average day.
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
"""Table name of WAL that belongs to no table: commits, vacuum, page images of pages that were only read."""


@dataclass(frozen=True, slots=True)
class Series:
    """Forecast of one quantity of a table: points with intervals, and the law that they follow."""

    law: Law
    now: Interval
    points: tuple[ForecastPoint, ...]
    origin: Origin
    """Origin of the measurements, the users' history aside."""
    source: str


@dataclass(frozen=True, slots=True)
class WalRate:
    """Draws of the WAL bytes that one user's transactions write to each table on an average day."""

    bytes_per_user_day: Mapping[str, Floats]
    origin: Origin
    source: str


@dataclass(frozen=True, slots=True)
class TableForecast:
    """Forecasts of one table; quantities without measurements are absent."""

    table: str
    series: Mapping[Quantity, Series] = field(default_factory=dict)


def wal_per_user_day(
    workload: Workload,
    written: Mapping[str, Mapping[str, Interval]],
    sample: Draws = Draws(),  # noqa: B008  # frozen
) -> dict[str, Floats] | Refusal:
    """Draw the WAL bytes that one user's transactions write to each table on an average day.

    ``written`` holds the bytes of an average transaction by scenario and table. Refuses if a scenario of the mix has
    none.
    """
    rate = workload.transactions_per_user(sample)
    by_table: dict[str, Floats] = {}
    for scenario, share in workload.shares(sample).items():
        if not share.any():
            continue
        if scenario not in written:
            missing = f"the WAL of a transaction of {scenario!r}, by table"
            return Refusal("wal_not_measured", missing, f"run `loadgen sweep {scenario}` with pg_stat_statements")
        for table, per_transaction in written[scenario].items():
            drawn = rate * share * np.maximum(sample.of(f"wal.{scenario}.{table}", per_transaction), 0.0)
            by_table[table] = by_table.get(table, np.zeros_like(rate)) + drawn
    return by_table


def by_users(
    users: Forecast,
    workload: Workload,
    tables: MeasuredTables | None,
    tables_origin: Origin = Origin.MEASURED,
    wal: WalRate | None = None,
    retention_months: float | None = None,
) -> tuple[TableForecast, ...]:
    """Forecast the tables from the users, largest at the horizon first, then WAL that belongs to no table.

    ``tables`` is None if sizes were not measured. Raises ValueError for users without dates, or a measured database
    without users.
    """
    if tables is not None and tables.users < 1:
        raise ValueError("sizes per user need users in the measured database")
    peak = PeakLoad.of(users, workload)
    rows = [peak.dates.index(p.date) for p in users.forecast if p.date is not None]
    if len(rows) != len(users.forecast):
        raise ValueError("forecasts of tables from the users need a history with dates")

    def series(draws: Floats, law: Law, origin: Origin, source: str) -> Series:
        ends = (summary(draws[row], users.level) for row in rows)
        points = (
            ForecastPoint(p.period, p.date, e.value, e.low, e.high) for p, e in zip(users.forecast, ends, strict=True)
        )
        return Series(law, summary(draws[0], users.level), tuple(points), origin, source)

    quantities: dict[str, dict[Quantity, Series]] = {}
    if tables is not None:
        times = times_by_date(tables, peak, retention_months)
        for table in tables.tables:
            law: Law = "user-months" if table.name in tables.filled_by_time else "users"
            rows_a_user = f"{tables.source}: {table.rows / tables.users:.3g} rows per user"
            bytes_a_user = f"{tables.source}: {table.total_bytes / tables.users:,.0f} bytes per user"
            quantities[table.name] = {
                "rows": series(times[table.name] * table.rows, law, tables_origin, rows_a_user),
                "bytes": series(times[table.name] * table.total_bytes, law, tables_origin, bytes_a_user),
            }
    if wal is not None:
        for name, each in wal.bytes_per_user_day.items():
            drawn = series(peak.users * each, "users", wal.origin, wal.source)
            quantities.setdefault(name, {})["wal_bytes_per_day"] = drawn
    return in_order(TableForecast(name, by_quantity) for name, by_quantity in quantities.items())


def from_history(rows: Forecast, per_row: float | None, origin: Origin, source: str) -> dict[Quantity, Series]:
    """Return the forecast of a table's rows from their own history, and of bytes at ``per_row`` bytes per row."""
    now = Interval.exact(rows.history[-1].value)
    quantities: dict[Quantity, Series] = {"rows": Series("history", now, rows.forecast, origin, source)}
    if per_row is not None:
        points = tuple(
            ForecastPoint(p.period, p.date, p.point * per_row, p.low * per_row, p.high * per_row) for p in rows.forecast
        )
        quantities["bytes"] = Series(
            "history", now.scaled(per_row), points, origin, f"{source}; {per_row:,.0f} bytes per row"
        )
    return quantities


def in_order(tables: Iterable[TableForecast]) -> tuple[TableForecast, ...]:
    """Sort by bytes at the horizon, largest first, then rows, then name; WAL that belongs to no table comes last."""

    def sort_key(forecast: TableForecast) -> tuple[bool, float, float, str]:
        ends = {name: series.points[-1].point for name, series in forecast.series.items()}
        return forecast.table == WHOLE, -ends.get("bytes", 0.0), -ends.get("rows", 0.0), forecast.table

    return tuple(sorted(tables, key=sort_key))
