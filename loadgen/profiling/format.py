"""Profile of a database: its shape in numbers, months, and words of a fixed vocabulary; never a stored value.

History
-------
loadgen.profile/1   first.

See :mod:`loadgen.profiling.rounding` for how figures are rounded, and which are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from loadgen.population.shape import Bucket

PROFILE_FORMAT: Final = "loadgen.profile/1"

NoteCode = Literal[
    "not_readable", "row_security", "timed_out", "not_analysed", "no_index", "too_few", "no_statements",
    "statements_hidden", "statements_window", "no_timestamps",
]  # fmt: skip


@dataclass(frozen=True)
class Note:
    """Something that the profile lacks; ``about`` is a table or a column of the application, or empty."""

    code: NoteCode
    about: str = ""


@dataclass(frozen=True)
class Setting:
    """A setting of the server, in its own unit; a word that is not on the list is ``other``."""

    name: str
    value: str


@dataclass(frozen=True)
class ServerShape:
    """The server. ``version`` as in libpq, 180003 for 18.3."""

    version: int
    standby: bool
    synthetic: bool
    """True if this tool created the data, so that it is no production database."""
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Quantile:
    """The value that a share ``p`` of users or rows does not exceed."""

    p: float
    value: int


@dataclass(frozen=True)
class Widths:
    """Bytes of a column's values that are not NULL."""

    mean_bytes: float
    quantiles: tuple[Quantile, ...]


@dataclass(frozen=True)
class ColumnShape:
    """A column. None if the server has no statistics of it, or if it was not measured."""

    name: str
    type: str
    null_share: float | None
    distinct: int | None
    """Number of distinct values, as the server estimates it."""
    average_width_bytes: int | None
    """Average stored width from the server's statistics, with the compressed size of values out of line."""
    text: Widths | None
    """Widths as text, measured on a sample."""
    stored: Widths | None
    """Widths as stored, after compression, measured on the same sample."""


@dataclass(frozen=True)
class IndexShape:
    """An index; a column that the application's schema does not have, or an expression, is ``other``."""

    method: str
    columns: tuple[str, ...]
    unique: bool
    partial: bool
    bytes: int


@dataclass(frozen=True)
class TableShape:
    """A table of the application. ``rows`` is None if it is neither counted nor estimated."""

    name: str
    rows: int | None
    counted: bool
    """True if ``rows`` was counted; False for the server's estimate."""
    heap_bytes: int
    toast_bytes: int
    index_bytes: int
    partitions: int
    row_security: bool
    other_columns: int
    columns: tuple[ColumnShape, ...]
    indexes: tuple[IndexShape, ...]


@dataclass(frozen=True)
class OtherTables:
    """All other tables of the database together, without their names."""

    tables: int
    bytes: int


@dataclass(frozen=True)
class FanOut:
    """Rows per user of one table, including users without rows."""

    table: str
    mean: float
    without: float
    """Share of users without rows."""
    quantiles: tuple[Quantile, ...]
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True)
class FanOutShape:
    """Rows per user by table, of a sample of users."""

    users_sampled: int
    empty_share: float
    """Share of users without goal, education goal, estate plan, achievement and progress."""
    tables: tuple[FanOut, ...]


@dataclass(frozen=True)
class Month:
    """Rows of a month like 2026-01 in the whole table, scaled up from the sample."""

    month: str
    rows: int


@dataclass(frozen=True)
class Growth:
    """Rows of a table by month (UTC)."""

    table: str
    sampled_share: float
    months: tuple[Month, ...]
    in_small_months: int
    """Rows of months that are not named because they have fewer than ten rows."""
    without_month: int
    """Rows whose timestamp is missing, before 1990, or in the future."""


@dataclass(frozen=True)
class Statement:
    """Calls of one normalised statement, or of several that look the same."""

    text: str
    verb: str
    writes: bool
    calls: int
    mean_ms: float
    rows_per_call: float
    shared_blocks_per_call: float
    wal_bytes_per_call: float


@dataclass(frozen=True)
class StatementTotals:
    """Statements that are not shown: utilities, rare ones, those of other tables, and unreadable ones."""

    statements: int
    calls: int
    total_ms: float


@dataclass(frozen=True)
class StatementMix:
    """Statements of pg_stat_statements in this database, most time first, over ``days``; None if unknown."""

    days: float | None
    statements: tuple[Statement, ...]
    others: StatementTotals


@dataclass(frozen=True)
class Profile:
    """A database's profile, ``loadgen.profile/1``."""

    profiled_on: str
    server: ServerShape
    tables: tuple[TableShape, ...]
    missing: tuple[str, ...]
    """Tables and columns (table.column) of the application's schema that this database lacks."""
    others: OtherTables
    fan_outs: FanOutShape | None
    growth: tuple[Growth, ...]
    statements: StatementMix | None
    notes: tuple[Note, ...]
    least: int = 10
    """Least number of users, rows or calls behind a figure."""
    format: Literal["loadgen.profile/1"] = PROFILE_FORMAT

    def table(self, name: str) -> TableShape | None:
        """The table of this name; None without one."""
        return next((table for table in self.tables if table.name == name), None)

    @property
    def users(self) -> int | None:
        """Number of users; None if unknown."""
        table = self.table("users")
        return None if table is None else table.rows
