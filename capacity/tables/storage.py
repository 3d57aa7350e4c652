"""Growth of each table's bytes: measured bytes per user, times the forecast users.

A table that grows with the age of the accounts (messages) has bytes ∝ M, the user-months so far, at a constant rate per
user (an assumption). With a retention of m months it has those of the last m months, M(t) − M(t − m).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.growth import DAYS_IN_MONTH
from capacity.measurements import MeasuredTables
from capacity.uncertainty import summary
from capacity.values import Interval, TableSize
from capacity.workload import PeakLoad


@dataclass(frozen=True, slots=True)
class TableGrowth:
    """Size of one table now and at the horizon, with intervals from those of the users."""

    table: str
    bytes_per_user: float
    now_bytes: Interval
    horizon_bytes: Interval
    now_rows: Interval | None = None
    """Rows now. This and the fields below are None in plans of older versions, WAL also where not measured."""
    horizon_rows: Interval | None = None
    now_wal_bytes_per_day: Interval | None = None
    horizon_wal_bytes_per_day: Interval | None = None


def bytes_per_user(table: TableSize, users: int) -> float:
    """Return bytes per user, indexes and TOAST included. Needs users ≥ 1."""
    return table.total_bytes / users


def bytes_by_date(tables: MeasuredTables, peak: PeakLoad, retention_months: float | None = None) -> dict[str, Floats]:
    """Draw each table's bytes, a row per date, by the laws above. Needs users in the measured database.

    Raises ValueError for a retention that is not above 0.
    """
    times = times_by_date(tables, peak, retention_months)
    return {table.name: times[table.name] * table.total_bytes for table in tables.tables}


def times_by_date(tables: MeasuredTables, peak: PeakLoad, retention_months: float | None = None) -> dict[str, Floats]:
    """Draw each table's size over its measured size, a row per date; see :func:`bytes_by_date`.

    Raises ValueError for a retention out of range.
    """
    if retention_months is not None and not 0 < retention_months <= 1200:
        raise ValueError(f"retention: expected more than 0 and at most 1200 months, not {retention_months:g}")
    user_months: Floats | None = None
    times_of = {}
    for table in tables.tables:
        times = peak.users / tables.users
        if table.name in tables.filled_by_time:
            if user_months is None:
                user_months = _user_months(peak, retention_months)
            times = times[0] * user_months
        times_of[table.name] = np.asarray(times, dtype=np.float64)
    return times_of


def _user_months(peak: PeakLoad, retention_months: float | None) -> Floats:
    """User-months of the table's rows on each date, over those today if nothing was ever deleted."""
    days = np.array([*(date.toordinal() for date, _ in peak.past), *(date.toordinal() for date in peak.dates)])
    past = np.array([value for _, value in peak.past], dtype=np.float64)
    users = np.concatenate([np.repeat(past[:, None], peak.users.shape[1], axis=1), peak.users])
    months = np.diff(days)[:, None] / DAYS_IN_MONTH
    steps = np.cumsum((users[1:] + users[:-1]) / 2 * months, axis=0)
    summed = np.concatenate([np.zeros_like(users[:1]), steps])
    # Before the history, users are assumed to have grown linearly from 0 at its mean pace.
    pace = max((users[len(past)][0] - users[0][0]) / max((days[len(past)] - days[0]) / DAYS_IN_MONTH, 1.0), 1e-9)
    before = min(users[0][0] / pace, 120.0) * users[0][0] / 2
    summed = summed + before
    today = np.maximum(summed[len(past)], 1e-9)
    if retention_months is None:
        return np.asarray(summed[len(past) :] / today, dtype=np.float64)
    then = days[len(past) :] - retention_months * DAYS_IN_MONTH
    above = np.clip(np.searchsorted(days, then), 1, len(days) - 1)
    part = np.clip((then - days[above - 1]) / (days[above] - days[above - 1]), 0.0, 1.0)[:, None]
    gone = np.where((then < days[0])[:, None], 0.0, summed[above - 1] + part * (summed[above] - summed[above - 1]))
    return np.asarray((summed[len(past) :] - gone) / today, dtype=np.float64)


def drawn_growth(
    tables: MeasuredTables,
    drawn: dict[str, Floats],
    level: float,
    wal_bytes_per_day: Mapping[str, Floats] | None = None,
) -> tuple[TableGrowth, ...]:
    """Sum up the draws of :func:`bytes_by_date`, largest table at the horizon first; rows grow in step with bytes.

    ``wal_bytes_per_day`` holds draws by table, a row per date; None if not measured by table.
    """
    grown = []
    for table in tables.tables:
        sizes, total = drawn[table.name], table.total_bytes
        wal = None if wal_bytes_per_day is None else wal_bytes_per_day.get(table.name, np.zeros_like(sizes))
        # A table of 0 bytes has no rows.
        rows = sizes * (table.rows / total) if total else np.zeros_like(sizes)
        grown.append(
            TableGrowth(
                table.name,
                bytes_per_user(table, tables.users),
                summary(sizes[0], level),
                summary(sizes[-1], level),
                summary(rows[0], level),
                summary(rows[-1], level),
                None if wal is None else summary(wal[0], level),
                None if wal is None else summary(wal[-1], level),
            )
        )
    return tuple(sorted(grown, key=lambda g: (-g.horizon_bytes.value, g.table)))
