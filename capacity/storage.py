"""How large each table becomes: measured bytes per user, times the users to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capacity.values import Interval


@dataclass(frozen=True)
class TableSize:
    """Measured bytes of one table."""

    name: str
    rows: int
    heap_bytes: int
    toast_bytes: int
    index_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.heap_bytes + self.toast_bytes + self.index_bytes


@dataclass(frozen=True, slots=True)
class TableGrowth:
    """One table's size now and at the horizon, its interval that of the users."""

    table: str
    bytes_per_user: float
    now_bytes: Interval
    horizon_bytes: Interval


def bytes_per_user(table: TableSize, users: int) -> float:
    """Measured bytes, indexes and TOAST included, over the users in the measured database. Needs users ≥ 1."""
    return table.total_bytes / users


def bytes_at(table: TableSize, measured_users: int, users: Interval) -> Interval:
    """Size with ``users`` users, if each needs what a user of the measured database needs.

    That holds while the mix of young and old accounts stays as measured. Tables that every account goes on filling
    (messages) outgrow it as accounts age; nothing measured here says by how much.
    """
    return users.scaled(bytes_per_user(table, measured_users))


def table_growth(
    tables: Sequence[TableSize], measured_users: int, now: Interval, horizon: Interval
) -> tuple[TableGrowth, ...]:
    """All tables, largest at the horizon first."""
    grown = (
        TableGrowth(
            table.name,
            bytes_per_user(table, measured_users),
            bytes_at(table, measured_users, now),
            bytes_at(table, measured_users, horizon),
        )
        for table in tables
    )
    return tuple(sorted(grown, key=lambda g: (-g.horizon_bytes.value, g.table)))
