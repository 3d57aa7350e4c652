"""Which tables to partition, and when: none, until one outgrows the server's memory.

The PostgreSQL manual (Table Partitioning, Overview): "a rule of thumb is that the size of the table should exceed the
physical memory of the database server". Below that, partitions only cost: a statement without the key plans and locks
every one of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.measured import MeasuredServer, MeasuredTables
from capacity.peak import LEVEL, PeakLoad, due
from capacity.plan import Due, Input, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.prose import size, size_span, when
from capacity.storage import TableSize, bytes_per_user
from capacity.uncertainty import Floats, summary
from capacity.values import Interval, Origin, Refusal

SHARE_OF_RAM = 0.25
"""A partition's size, at most, as a share of memory: an assumption, so that the newest stays cached beside the rest."""

RULE = "PostgreSQL's manual has partitioning pay once a table exceeds the server's memory"

_CALENDAR = (("year", 365.0), ("quarter", 91.0), ("month", 30.0), ("week", 7.0), ("day", 1.0))


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


def recommend_partitions(
    measured: MeasuredTables, server: MeasuredServer, peak: PeakLoad, keys: Sequence[PartitionKey]
) -> tuple[Recommendation | RefusedRecommendation, ...]:
    """One recommendation for each table that may outgrow memory within the horizon; else one not to partition."""
    if not measured.tables or measured.users < 1:
        refusal = Refusal("sizes_unknown", "sizes of tables with users in them", "seed, then sweep again")
        return (RefusedRecommendation("partitions", "tables", refusal),)
    if server.ram_bytes is None:
        missing = "the memory of the measured server, which it does not tell"
        refusal = Refusal("ram_unknown", missing, "sweep a server on this machine")
        return (RefusedRecommendation("partitions", "tables", refusal),)
    key_of = {key.table: key for key in keys}
    by_size = sorted(measured.tables, key=lambda t: (-t.total_bytes, t.name))
    fits = [_Fit.of(table, measured, server.ram_bytes, server.source, peak) for table in by_size]
    outgrowing = [fit for fit in fits if fit.outgrown.earliest is not None]
    if not outgrowing:
        return (_leave(fits[0], keys),)
    return tuple(_partition(fit, key_of.get(fit.table.name) or _default_key(fit.table.name)) for fit in outgrowing)


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
    def of(table: TableSize, measured: MeasuredTables, ram_bytes: int, server: str, peak: PeakLoad) -> _Fit:
        per_user = bytes_per_user(table, measured.users)
        grown = peak.users * per_user
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
    def interval(self) -> str:
        """The longest calendar unit whose growth, at the pace of the last period, fits in one partition."""
        last, before = (float(np.median(self.grown[i])) for i in (-1, -2))
        pace = (last - before) / (self.dates[-1] - self.dates[-2]).days
        fits_days = SHARE_OF_RAM * self.ram_bytes / pace if pace > 0 else np.inf
        return next((name for name, days in _CALENDAR if days <= fits_days), _CALENDAR[-1][0])


def _partition(fit: _Fit, key: PartitionKey) -> Recommendation:
    name = fit.table.name
    horizon = fit.partitions(-1)
    amount = int(horizon.value or horizon.high)
    how = f"RANGE ({key.column}), one {fit.interval} each" if key.by_time else f"HASH ({key.column})"
    action = "Partition" if fit.outgrown.expected is not None else "Do not partition yet, but prepare for"
    crossing = (
        f"{name} outgrows the measured server's memory of {size(fit.ram_bytes)}: {when(fit.outgrown, fit.dates[0])}"
    )
    return Recommendation(
        kind="partitions",
        subject=name,
        headline=f"{action} {name} by {how}: {when(fit.outgrown, fit.dates[0])}",
        now=fit.partitions(0),
        at_horizon=horizon,
        unit=f"partitions of up to {size(SHARE_OF_RAM * fit.ram_bytes)}",
        steps=(Step(amount, f"partitions by {how}", fit.outgrown, "the table outgrows the server's memory"),),
        reason=(
            f"{crossing}. At {fit.dates[-1]} it holds {size_span(fit.at_horizon)}, if a user goes on needing what one "
            f"needs in the measured database. {key.why}"
        ),
        rejected=(Rejected("leave it whole", f"{RULE}, and this table passes that"), *key.alternatives),
        prediction=None,
        inputs=fit.inputs,
    )


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
            f"the measured server's memory of {size(fit.ram_bytes)}. {RULE}."
        ),
        rejected=tuple(
            Rejected(
                f"{key.table} by {'ranges of ' if key.by_time else 'hash of '}{key.column}",
                "fits in memory: statements without the key would plan and lock every partition for nothing",
            )
            for key in keys
            if key.worth_weighing
        ),
        prediction=None,
        inputs=fit.inputs,
    )


def _default_key(table: str) -> PartitionKey:
    return PartitionKey(table, "user_id", by_time=False, why="Rows are found by their user.", alternatives=())
