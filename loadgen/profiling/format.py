"""The profile of a database: its shape in numbers, months, and words of a fixed vocabulary; never a stored value.

History
-------
loadgen.profile/1   first.

How figures are rounded, and which are left out, stands in :mod:`loadgen.profiling.rounding`.
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
    """Something that the profile lacks; ``about`` is a table or a column of the application, or nothing."""

    code: NoteCode
    about: str = ""


@dataclass(frozen=True)
class Setting:
    """A setting of the server, in its own unit; a word that is not on the list is ``other``."""

    name: str
    value: str


@dataclass(frozen=True)
class ServerShape:
    """The server. ``version`` as libpq counts, 180003 for 18.3."""

    version: int
    standby: bool
    synthetic: bool
    """Made by this tool: no production."""
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Quantile:
    """The value that a share ``p`` of users or rows does not pass."""

    p: float
    value: int


@dataclass(frozen=True)
class Widths:
    """Bytes of a column's values that are not NULL."""

    mean_bytes: float
    quantiles: tuple[Quantile, ...]


@dataclass(frozen=True)
class ColumnShape:
    """A column. None: the server has no statistics of it, or it was not measured."""

    name: str
    type: str
    null_share: float | None
    distinct: int | None
    """Estimate of the server's statistics."""
    average_width_bytes: int | None
    """As stored in the row, TOAST pointers counted as what they point to, compressed: of the server's statistics."""
    text: Widths | None
    """As text, measured on a sample."""
    stored: Widths | None
    """As stored, compressed, measured on the same sample."""


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
    """A table of the application. ``rows`` None: neither counted nor known to the server."""

    name: str
    rows: int | None
    counted: bool
    """False: the server's estimate."""
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
    """All other tables of the database together; their names are none of ours."""

    tables: int
    bytes: int


@dataclass(frozen=True)
class FanOut:
    """Rows per user of one table, users without any included."""

    table: str
    mean: float
    without: float
    """Share of users who have none."""
    quantiles: tuple[Quantile, ...]
    buckets: tuple[Bucket, ...]


@dataclass(frozen=True)
class FanOutShape:
    """Rows per user by table, of a sample of users."""

    users_sampled: int
    empty_share: float
    """Share of users without a goal, education goal, estate plan, achievement or progress."""
    tables: tuple[FanOut, ...]


@dataclass(frozen=True)
class Month:
    """``month`` is like 2026-01; ``rows`` of the whole table, scaled up from what was sampled."""

    month: str
    rows: int


@dataclass(frozen=True)
class Growth:
    """Rows of a table by month (UTC)."""

    table: str
    sampled_share: float
    months: tuple[Month, ...]
    in_small_months: int
    """Rows of months that are not named because they have fewer than ten."""
    without_month: int
    """Rows whose moment is missing or is none: before 1990, or in the future."""


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
    """Statements that are not shown: utilities, rare ones, other tables', and those that could not be read."""

    statements: int
    calls: int
    total_ms: float


@dataclass(frozen=True)
class StatementMix:
    """What pg_stat_statements counted in this database, most time first. ``days`` None: since when is not known."""

    days: float | None
    statements: tuple[Statement, ...]
    others: StatementTotals


@dataclass(frozen=True)
class Profile:
    """``loadgen.profile/1``."""

    profiled_on: str
    server: ServerShape
    tables: tuple[TableShape, ...]
    missing: tuple[str, ...]
    """Tables, and columns as table.column, that the application's schema has and this database has not."""
    others: OtherTables
    fan_outs: FanOutShape | None
    growth: tuple[Growth, ...]
    statements: StatementMix | None
    notes: tuple[Note, ...]
    least: int = 10
    """Fewer users, rows or calls than these are not told apart."""
    format: Literal["loadgen.profile/1"] = PROFILE_FORMAT

    def table(self, name: str) -> TableShape | None:
        """The table of this name, if there is one."""
        return next((table for table in self.tables if table.name == name), None)

    @property
    def users(self) -> int | None:
        """Rows of ``users``."""
        found = self.table("users")
        return None if found is None else found.rows
