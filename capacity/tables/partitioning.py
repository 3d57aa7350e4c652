"""Which tables to partition, and when: none, until one outgrows the server's memory.

The PostgreSQL manual (Table Partitioning, Overview): "a rule of thumb is that the size of the table should exceed the
physical memory of the database server". Below that, partitions only cost: a statement without the key plans and locks
every one of them.
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
from capacity.formatting import size, size_span
from capacity.measurements import MeasuredServer, MeasuredTables
from capacity.recommendation import PartitionDesign, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.tables.storage import bytes_by_date, bytes_per_user
from capacity.uncertainty import summary
from capacity.values import LEVEL, Input, Interval, Origin, Refusal, TableSize
from capacity.workload import PeakLoad

SHARE_OF_RAM = 0.25
"""A partition's size, at most, as a share of memory: an assumption, so that the newest stays cached beside the rest."""

RULE = "PostgreSQL's manual has partitioning pay once a table exceeds the server's memory"

Unit = Literal["year", "quarter", "month", "week", "day"]
_CALENDAR: Final[tuple[tuple[Unit, float], ...]] = (
    ("year", 365.0),
    ("quarter", 91.0),
    ("month", 30.0),
    ("week", 7.0),
    ("day", 1.0),
)
MOST_PARTITIONS = 1000
"""The manual warns of planning time and memory from some thousands on."""


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """How a table would be divided if it had to be: by ranges of time, else by hash. ``why`` this column."""

    table: str
    column: str
    by_time: bool
    why: str
    alternatives: tuple[Rejected, ...]
    worth_weighing: bool = False
    """Likely enough to be named as rejected even where nothing needs partitioning."""
    split: str | None = None
    """A column that could be moved into a table of its own instead."""
    expires: bool = False
    """Its rows may be deleted at some age: retention applies."""


def recommend_partitions(
    measured: MeasuredTables,
    server: MeasuredServer,
    peak: PeakLoad,
    keys: Sequence[PartitionKey],
    retention_months: float | None = None,
    horizon: MeasuredServer | None = None,
) -> tuple[Recommendation | RefusedRecommendation, ...]:
    """One recommendation for each table that may outgrow memory within the horizon; else one not to partition.

    ``server`` is the one that the tables live on, ``horizon`` the one that a plan ends with, if it is another.
    """
    server = horizon or server
    if not measured.tables or measured.users < 1:
        refusal = Refusal("sizes_unknown", "sizes of tables with users in them", "seed, then sweep again")
        return (RefusedRecommendation("partitions", "tables", refusal),)
    if server.ram_bytes is None:
        missing = "the memory of the measured server, which it does not tell"
        refusal = Refusal("ram_unknown", missing, "sweep a server on this machine, or give a --target")
        return (RefusedRecommendation("partitions", "tables", refusal),)
    key_of = {key.table: key for key in keys}
    drawn = bytes_by_date(measured, peak, retention_months)
    ram = int(server.ram_bytes)
    found = [_Fit.of(table, drawn[table.name], measured, ram, server.source, peak) for table in measured.tables]
    fits = sorted(found, key=lambda fit: (-fit.at_horizon.value, fit.table.name))
    outgrowing = [fit for fit in fits if fit.outgrown.earliest is not None]
    if not outgrowing:
        return (_leave(fits[0], keys),)
    return tuple(
        _partition(fit, key_of.get(fit.table.name) or _default_key(fit.table.name), measured, retention_months)
        for fit in outgrowing
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    """One table against memory: draws of its bytes (a row per date), and when they pass it."""

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
                    "share of memory, at most",
                    Origin.ASSUMPTION,
                    "so that the newest partition stays cached beside the rest",
                ),
            ),
        )

    @property
    def at_horizon(self) -> Interval:
        return summary(self.grown[-1], LEVEL)

    def partitions(self, row: int) -> Interval:
        """0 while the table fits in memory, else enough for parts of SHARE_OF_RAM of it."""
        parts = np.ceil(self.grown[row] / (SHARE_OF_RAM * self.ram_bytes))
        return summary(np.where(self.grown[row] > self.ram_bytes, parts, 0.0), LEVEL)

    @property
    def unit(self) -> Unit:
        """The longest calendar unit whose growth, at the pace of the last period, fits in one partition."""
        last, before = (float(np.median(self.grown[i])) for i in (-1, -2))
        pace = (last - before) / (self.dates[-1] - self.dates[-2]).days
        fits_days = SHARE_OF_RAM * self.ram_bytes / pace if pace > 0 else np.inf
        return next((name for name, days in _CALENDAR if days <= fits_days), _CALENDAR[-1][0])


def boundary(day: dt.date, unit: Unit) -> dt.date:
    """The first day of the unit after the one that ``day`` is in. Weeks begin on Mondays."""
    if unit == "day":
        return day + dt.timedelta(days=1)
    if unit == "week":
        return day + dt.timedelta(days=7 - day.weekday())
    months = {"year": 12, "quarter": 3, "month": 1}[unit]
    place = (day.year * 12 + day.month - 1) // months * months + months
    return dt.date(place // 12, place % 12 + 1, 1)


def boundaries(first: dt.date, last: dt.date, unit: Unit) -> tuple[dt.date, ...]:
    """Where ranges begin and end, from the first boundary after ``first`` to the first after ``last``."""
    found = [boundary(first, unit)]
    while found[-1] <= last and len(found) <= MOST_PARTITIONS:
        found.append(boundary(found[-1], unit))
    return tuple(found) if len(found) > 1 else (found[0], boundary(found[0], unit))


def _design(fit: _Fit, key: PartitionKey, measured: MeasuredTables, retention_months: float | None) -> PartitionDesign:
    unpruned = tuple(
        use.name for use in measured.statements if use.table == key.table and key.column not in use.columns
    )
    wanted = float(np.quantile(np.ceil(fit.grown[-1] / (SHARE_OF_RAM * fit.ram_bytes)), 0.95, method="inverted_cdf"))
    hashed = min(2 ** math.ceil(math.log2(max(wanted, 2.0))), 512)
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
    crossing = f"{name} outgrows the server's memory of {size(fit.ram_bytes)}: {when(fit.outgrown, fit.dates[0])}"
    reason = (
        f"{crossing}. At {fit.dates[-1]} it holds {size_span(fit.at_horizon)}, if users go on needing what they do in "
        f"the measured database. {key.why} The primary key becomes ({', '.join(design.primary_key)}): a unique key "
        "has to contain the partition's."
    )
    uses = [use for use in measured.statements if use.table == key.table]
    if design.unpruned:
        reason += (
            f" {len(design.unpruned)} of the {len(uses)} statements on it lose pruning, since they do not carry "
            f"{key.column}: {', '.join(design.unpruned)}; each plans and locks every partition."
        )
    split, headline = _split(fit, key), f"{action} {name} by {how}: {when(fit.outgrown, fit.dates[0])}"
    if split is not None and split[0]:
        headline = f"Split {key.split} off {name} before partitioning it: {when(fit.outgrown, fit.dates[0])}"
        reason += f" {split[1]}"
    rejected = [Rejected("leave it whole", f"{RULE}, and this table passes that", "too_large")]
    if split is not None and not split[0]:
        rejected.append(Rejected(f"splitting {key.split} into a table of its own", split[1], "not_enough"))
    return Recommendation(
        kind="partitions",
        subject=name,
        headline=headline,
        now=fit.partitions(0),
        at_horizon=horizon,
        unit=f"partitions of up to {size(SHARE_OF_RAM * fit.ram_bytes)}",
        steps=(Step(amount, f"partitions by {how}", fit.outgrown, "the table outgrows the server's memory"),),
        reason=reason,
        rejected=(*rejected, *key.alternatives),
        prediction=None,
        inputs=fit.inputs,
        design=design,
    )


def _split(fit: _Fit, key: PartitionKey) -> tuple[bool, str] | None:
    """Whether the table without the column stays in memory, and what was measured; None: no column to split off."""
    if key.split is None:
        return None
    held = fit.table.column_bytes.get(key.split)
    if held is None:
        return False, (
            "may be the cheaper remedy, since few statements read it, but its share of the bytes is not measured: "
            "sweep again with this version"
        )
    share = held / max(fit.table.total_bytes, 1)
    left = fit.at_horizon.scaled(1 - min(share, 1.0))
    measured = f"{key.split} holds {share:.0%} of {fit.table.name}; without it {size_span(left)} at the horizon"
    if left.high <= fit.ram_bytes:
        return True, (
            f"{measured}, which stays in memory: the cheaper remedy, since the statements that do not read the column "
            "then touch less, and no key has to change."
        )
    return False, f"{measured}, which still outgrows memory"


def _leave(fit: _Fit, keys: Sequence[PartitionKey]) -> Recommendation:
    """Nothing outgrows memory: say so of the largest table, and why not to partition all the same."""
    end = fit.dates[-1]
    used = fit.at_horizon.high / fit.ram_bytes
    share = f"at most {used:.0%}" if used >= 0.01 else "less than 1%"
    return Recommendation(
        kind="partitions",
        subject=fit.table.name,
        headline=f"Partition nothing up to {end}",
        now=Interval.exact(0),
        at_horizon=Interval.exact(0),
        unit="partitions",
        steps=(),
        reason=(
            f"The largest table, {fit.table.name}, holds {size_span(fit.at_horizon)} at {end}, {share} of "
            f"the server's memory of {size(fit.ram_bytes)}. {RULE}."
        ),
        rejected=tuple(
            Rejected(
                f"{key.table} by {'ranges of ' if key.by_time else 'hash of '}{key.column}",
                "fits in memory: statements without the key would plan and lock every partition for nothing",
                "fits_in_memory",
            )
            for key in keys
            if key.worth_weighing
        ),
        prediction=None,
        inputs=fit.inputs,
    )


def _default_key(table: str) -> PartitionKey:
    return PartitionKey(table, "user_id", by_time=False, why="Rows are found by their user.", alternatives=())
