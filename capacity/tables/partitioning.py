"""Recommendation of partitions: none until a table exceeds the server's memory.

The PostgreSQL manual (Table Partitioning, Overview): "a rule of thumb is that the size of the table should exceed the
physical memory of the database server". Below that, partitions only cost: a statement without the partition key plans
and locks every partition.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from capacity.arrays import Floats
from capacity.due import Due, due, when
from capacity.formatting import counted, share, size, size_interval
from capacity.measurements import MeasuredServer, MeasuredTables
from capacity.recommendation import PartitionDesign, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.tables.storage import bytes_by_date, bytes_per_user
from capacity.uncertainty import summary
from capacity.values import LEVEL, Input, Interval, Origin, Refusal, TableSize
from capacity.workload import PeakLoad

SHARE_OF_RAM = 0.25
"""Largest partition as a share of memory (assumption), so that the newest stays cached beside other data."""

RULE = "By the PostgreSQL manual's rule of thumb, partition a table once it exceeds the server's memory"

Unit = Literal["year", "quarter", "month", "week", "day"]
_CALENDAR: Final[tuple[tuple[Unit, float], ...]] = (
    ("year", 365.0),
    ("quarter", 91.0),
    ("month", 30.0),
    ("week", 7.0),
    ("day", 1.0),
)
MOST_PARTITIONS = 1000
"""Limit of ranges: the manual warns of planning time and memory from a few thousand partitions on."""


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """Partition key of a table, should it need one: ranges of time, else hash. ``why`` is the reason for the column."""

    table: str
    column: str
    by_time: bool
    why: str
    alternatives: tuple[Rejected, ...]
    worth_weighing: bool = False
    """True to list the key as a rejected alternative even where no table needs partitioning."""
    split: str | None = None
    """Column that could be moved to a table of its own instead; None if there is none."""
    expires: bool = False
    """True if rows are deleted at some age, so that retention applies."""


def recommend_partitions(
    measured: MeasuredTables,
    server: MeasuredServer,
    peak: PeakLoad,
    keys: Sequence[PartitionKey],
    retention_months: float | None = None,
    horizon: MeasuredServer | None = None,
) -> tuple[Recommendation | RefusedRecommendation, ...]:
    """Recommend partitions for each table that may exceed memory within the horizon; if none may, advise against it.

    ``server`` is the one that was measured, ``horizon`` the one that the plan ends with if it is another.
    """
    server = horizon or server
    if not measured.tables or measured.users < 1:
        refusal = Refusal("sizes_unknown", "table sizes of a database with users", "seed, then sweep again")
        return (RefusedRecommendation("partitions", "tables", refusal),)
    if server.ram_bytes is None:
        missing = "the measured server's memory size"
        refusal = Refusal("ram_unknown", missing, "sweep a server on this machine, or give a --target")
        return (RefusedRecommendation("partitions", "tables", refusal),)
    key_of = {key.table: key for key in keys}
    bytes_by_table = bytes_by_date(measured, peak, retention_months)
    ram = int(server.ram_bytes)
    unsorted = [
        _Fit.of(table, bytes_by_table[table.name], measured, ram, server.source, peak) for table in measured.tables
    ]
    fits = sorted(unsorted, key=lambda fit: (-fit.at_horizon.value, fit.table.name))
    outgrowing = [fit for fit in fits if fit.outgrown.earliest is not None]
    if not outgrowing:
        return (_leave(fits[0], keys),)
    return tuple(
        _partition(fit, key_of.get(fit.table.name) or _default_key(fit.table.name), measured, retention_months)
        for fit in outgrowing
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    """Draws of a table's bytes (a row per date), and when they exceed the server's memory."""

    table: TableSize
    grown: Floats
    ram_bytes: int
    outgrown: Due
    dates: tuple[dt.date, ...]
    inputs: tuple[Input, ...]

    @staticmethod
    def of(
        table: TableSize, grown: Floats, measured: MeasuredTables, ram_bytes: int, server: str, peak: PeakLoad
    ) -> _Fit:
        per_user = bytes_per_user(table, measured.users)
        source = f"{measured.source}: bytes of {table.name} over {measured.users:,} users"
        return _Fit(
            table,
            grown,
            ram_bytes,
            due(peak.dates, grown, np.nextafter(ram_bytes, np.inf)),
            peak.dates,
            (
                Input(f"bytes_per_user.{table.name}", Interval.exact(per_user), "bytes", Origin.MEASURED, source),
                Input("ram", Interval.exact(ram_bytes), "bytes", Origin.MEASURED, server),
                Input(
                    "partition_size",
                    Interval.exact(SHARE_OF_RAM),
                    "share of memory at most",
                    Origin.ASSUMPTION,
                    "so that the newest partition stays cached beside other data",
                ),
            ),
        )

    @property
    def at_horizon(self) -> Interval:
        return summary(self.grown[-1], LEVEL)

    def partitions(self, row: int) -> Interval:
        """Return the number of partitions of SHARE_OF_RAM on a date; 0 while the table fits in memory."""
        parts = np.ceil(self.grown[row] / (SHARE_OF_RAM * self.ram_bytes))
        return summary(np.where(self.grown[row] > self.ram_bytes, parts, 0.0), LEVEL)

    @property
    def unit(self) -> Unit:
        """Longest calendar unit whose rows, at the growth of the last period, fit in one partition."""
        last, before = (float(np.median(self.grown[i])) for i in (-1, -2))
        pace = (last - before) / (self.dates[-1] - self.dates[-2]).days
        fits_days = SHARE_OF_RAM * self.ram_bytes / pace if pace > 0 else np.inf
        return next((name for name, days in _CALENDAR if days <= fits_days), _CALENDAR[-1][0])


def boundary(day: dt.date, unit: Unit) -> dt.date:
    """Return the first day of the next unit after ``day``. Weeks begin on Mondays."""
    if unit == "day":
        return day + dt.timedelta(days=1)
    if unit == "week":
        return day + dt.timedelta(days=7 - day.weekday())
    months = {"year": 12, "quarter": 3, "month": 1}[unit]
    place = (day.year * 12 + day.month - 1) // months * months + months
    return dt.date(place // 12, place % 12 + 1, 1)


def boundaries(first: dt.date, last: dt.date, unit: Unit) -> tuple[dt.date, ...]:
    """Return the boundaries of ranges, from the first after ``first`` to the first after ``last``."""
    days = [boundary(first, unit)]
    while days[-1] <= last and len(days) <= MOST_PARTITIONS:
        days.append(boundary(days[-1], unit))
    return tuple(days) if len(days) > 1 else (days[0], boundary(days[0], unit))


def _design(fit: _Fit, key: PartitionKey, measured: MeasuredTables, retention_months: float | None) -> PartitionDesign:
    unpruned = tuple(
        use.name for use in measured.statements if use.table == key.table and key.column not in use.columns
    )
    parts = float(np.quantile(np.ceil(fit.grown[-1] / (SHARE_OF_RAM * fit.ram_bytes)), 0.95, method="inverted_cdf"))
    hashed = min(2 ** math.ceil(math.log2(max(parts, 2.0))), 512)
    edges = boundaries(fit.dates[0], fit.dates[-1], fit.unit)
    return PartitionDesign(
        table=key.table,
        column=key.column,
        by_time=key.by_time,
        unit=fit.unit if key.by_time else None,
        count=len(edges) - 1 if key.by_time else hashed,
        from_date=edges[0],
        until=edges[-1],
        retention_months=round(retention_months) if retention_months and key.expires else None,
        primary_key=("id", key.column),
        unpruned=unpruned,
    )


def _partition(
    fit: _Fit, key: PartitionKey, measured: MeasuredTables, retention_months: float | None
) -> Recommendation:
    name = fit.table.name
    horizon = fit.partitions(-1)
    amount = int(horizon.value or horizon.high)
    design = _design(fit, key, measured, retention_months)
    how = f"RANGE ({key.column}), one {fit.unit} each" if key.by_time else f"HASH ({key.column})"
    action = "Partition" if fit.outgrown.expected is not None else "Do not partition yet, but prepare for"
    crossing = f"{name} exceeds the server's memory of {size(fit.ram_bytes)} {when(fit.outgrown, fit.dates[0])}"
    reason = (
        f"{crossing}. On {fit.dates[-1]} it has {size_interval(fit.at_horizon)}, at the measured bytes per user. "
        f"{key.why} The primary key becomes ({', '.join(design.primary_key)}): a unique key must contain the partition "
        "key."
    )
    uses = [use for use in measured.statements if use.table == key.table]
    if design.unpruned:
        reason += (
            f" {len(design.unpruned)} of its {counted(len(uses), 'statement')} cannot prune partitions, because "
            f"they have no condition on {key.column}: {', '.join(design.unpruned)}; each plans and locks all of them."
        )
    split, headline = _split(fit, key), f"{action} {name} by {how}: {when(fit.outgrown, fit.dates[0])}"
    if split is not None and split[0]:
        headline = f"Split {key.split} off {name} before partitioning it: {when(fit.outgrown, fit.dates[0])}"
        reason += f" {split[1]}"
    rejected = [Rejected("no partitions", f"{RULE}; this table does", "too_large")]
    if split is not None and not split[0]:
        rejected.append(Rejected(f"splitting {key.split} into a table of its own", split[1], "not_enough"))
    return Recommendation(
        kind="partitions",
        subject=name,
        headline=headline,
        now=fit.partitions(0),
        at_horizon=horizon,
        unit=f"partitions of up to {size(SHARE_OF_RAM * fit.ram_bytes)}",
        steps=(Step(amount, f"partitions by {how}", fit.outgrown, "the table exceeds the server's memory"),),
        reason=reason,
        rejected=(*rejected, *key.alternatives),
        prediction=None,
        inputs=fit.inputs,
        design=design,
    )


def _split(fit: _Fit, key: PartitionKey) -> tuple[bool, str] | None:
    """Result of moving the split column away: True if the table then fits in memory, and the reason; else None."""
    if key.split is None:
        return None
    column_bytes = fit.table.column_bytes.get(key.split)
    if column_bytes is None:
        return False, (
            "may be cheaper, since few statements read it, but its share of the bytes was not measured: "
            "sweep again with this version"
        )
    column_share = column_bytes / max(fit.table.total_bytes, 1)
    left = fit.at_horizon.scaled(1 - min(column_share, 1.0))
    measured = (
        f"{key.split} takes {share(column_share)} of {fit.table.name}; without it {size_interval(left)} at the horizon"
    )
    if left.high <= fit.ram_bytes:
        return True, (
            f"{measured}, which fits in memory: cheaper than partitions, since statements that do not read the column "
            "then read fewer bytes, and no key has to change."
        )
    return False, f"{measured}, which still exceeds memory"


def _leave(fit: _Fit, keys: Sequence[PartitionKey]) -> Recommendation:
    """Advice not to partition, with the size of the largest table, where none exceeds memory."""
    end = fit.dates[-1]
    used = fit.at_horizon.high / fit.ram_bytes
    text = f"at most {share(used)}" if used >= 0.01 else "less than 1%"
    return Recommendation(
        kind="partitions",
        subject=fit.table.name,
        headline=f"No table needs partitions up to {end}",
        now=Interval.exact(0),
        at_horizon=Interval.exact(0),
        unit="partitions",
        steps=(),
        reason=(
            f"The largest table, {fit.table.name}, has {size_interval(fit.at_horizon)} on {end}, {text} of "
            f"the server's memory of {size(fit.ram_bytes)}. {RULE}."
        ),
        rejected=tuple(
            Rejected(
                f"{key.table} by {'ranges of ' if key.by_time else 'hash of '}{key.column}",
                "fits in memory; statements without the key would plan and lock every partition for no gain",
                "fits_in_memory",
            )
            for key in keys
            if key.worth_weighing
        ),
        prediction=None,
        inputs=fit.inputs,
    )


def _default_key(table: str) -> PartitionKey:
    return PartitionKey(table, "user_id", by_time=False, why="Statements find rows by user.", alternatives=())
