"""What takes looking at rows: how many there are, how wide, how many a user has, and how many came in each month.

Large tables are sampled by pages. Nothing but counts and lengths leaves the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from psycopg import sql

from loadgen.profiling import names, rounding
from loadgen.profiling.format import ColumnShape, FanOut, FanOutShape, Growth, Month, Quantile, Widths
from loadgen.profiling.reading import NoAnswer, Reader, text
from loadgen.profiling.sizes import Found

COUNTED_BYTES: Final = 256 << 20
"""Of heap: larger tables are not counted, the server's estimate stands."""
SAMPLED_VALUES: Final = 10_000
SAMPLED_BYTES: Final = 256 << 20
"""Stored: of large documents fewer are looked at, because each is decompressed."""
SAMPLED_USERS: Final = 50_000
"""The 99.9 % quantile is then that of fifty users."""
SAMPLED_MOMENTS: Final = 500_000
SCANNED_ROWS: Final = 2_000_000
"""A larger table is looked at user by user, if there is an index for it."""
_ROWS_A_PAGE: Final = 20.0  # of a table that was never analysed; only the size of a sample hangs on it
_WIDTH_QUANTILES: Final = (0.1, 0.5, 0.9, 0.99)
_PLANNED: Final = ("goals", "education_goals", "estate_plans", "user_achievements", "user_progress")


def count(reader: Reader, table: Found) -> tuple[int | None, bool]:
    """Rows of a table, and whether they were counted rather than estimated."""
    known = None if table.estimated_rows is None else rounding.count(table.estimated_rows)
    if not _can_read(reader, table):
        return known, False
    if table.heap_bytes > COUNTED_BYTES and known is not None:
        return known, False
    reader.say(f"{table.name}: counting rows")
    try:
        ((rows,),) = reader.rows("count_rows", what=table.name, table=sql.Identifier(table.name))
    except NoAnswer as missing:
        reader.note(missing.code, table.name)
        return known, False
    return rounding.count(int(str(rows))), True


def widths(reader: Reader, table: Found) -> tuple[ColumnShape, ...]:
    """A table's columns, those of text and documents measured on a sample."""
    if not _can_read(reader, table):
        return table.columns
    wide = [column for column in table.columns if column.type in names.WIDE_TYPES]
    if wide:
        reader.say(
            f"{table.name}: lengths in {len(wide)} columns of about {min(_rows(table), SAMPLED_VALUES):,.0f} rows"
        )
    return tuple(_measured(reader, table, column) if column in wide else column for column in table.columns)


def _measured(reader: Reader, table: Found, column: ColumnShape) -> ColumnShape:
    about = f"{table.name}.{column.name}"
    parameters: dict[str, object] = {
        "percent": _percent(table, _values(table)),
        "most": 4 * _values(table),
        "probabilities": list(_WIDTH_QUANTILES),
    }
    parts = {"table": sql.Identifier(table.name), "column": sql.Identifier(column.name)}
    try:
        (row,) = reader.rows("widths", parameters, what=about, **parts)
    except NoAnswer as missing:
        reader.note(missing.code, about)
        return column
    rows, values, text_mean, text_quantiles, stored_mean, stored_quantiles = (_any(value) for value in row)
    if rows < rounding.LEAST:
        reader.note("too_few", about)
        return column
    return replace(
        column,
        null_share=rounding.share(rows - values, rows),
        text=_widths(values, text_mean, text_quantiles),
        stored=_widths(values, stored_mean, stored_quantiles),
    )


def _widths(values: int, mean: float | None, quantiles: Sequence[int] | None) -> Widths | None:
    if values < rounding.LEAST or mean is None or quantiles is None:
        return None
    many = [
        Quantile(p, rounding.length(q))
        for p, q in zip(_WIDTH_QUANTILES, quantiles, strict=True)
        if values * min(p, 1 - p) >= rounding.LEAST
    ]
    return Widths(rounding.significant(mean), tuple(many))


def fan_outs(reader: Reader, tables: dict[str, Found]) -> FanOutShape | None:
    """Rows per user by table, of a sample of users; None if that cannot be said."""
    users = tables.get("users")
    if users is None or users.column("id") is None or not _can_read(reader, users):
        return None
    ways = {name: _way(reader, tables.get(name)) for name in names.CHILDREN}
    reader.say(f"rows per user of about {min(_rows(users), SAMPLED_USERS):,.0f} users, in {_known(ways)} tables")
    parts: dict[str, sql.Composable] = {
        name: sql.SQL(text(f"fan_out_{way}")).format(schema=sql.Identifier(reader.schema), table=sql.Identifier(name))
        for name, way in ways.items()
    }
    parameters: dict[str, object] = {"percent": _percent(users, SAMPLED_USERS), "most": 2 * SAMPLED_USERS}
    try:
        histogram = reader.rows("fan_outs", parameters, what="rows per user", **parts)
    except NoAnswer as missing:
        reader.note(missing.code, "users")
        return None
    return _fan_out_shape(reader, [tuple(map(_any, row)) for row in histogram], ways)


def _fan_out_shape(reader: Reader, histogram: Sequence[tuple[int, ...]], ways: dict[str, str]) -> FanOutShape | None:
    users = sum(row[-1] for row in histogram)
    if users < 2 * rounding.LEAST:
        reader.note("too_few", "users")
        return None
    found = []
    for place, name in enumerate(names.CHILDREN):
        if ways[name] == "unknown":
            continue
        by_rows: Counter[int] = Counter()
        for row in histogram:
            by_rows[row[place]] += row[-1]
        found.append(
            FanOut(
                table=name,
                mean=rounding.significant(sum(rows * n for rows, n in by_rows.items()) / users),
                without=rounding.share(by_rows[0], users),
                quantiles=rounding.quantiles(by_rows),
                buckets=rounding.buckets(by_rows),
            )
        )
    planned = [place for place, name in enumerate(names.CHILDREN) if name in _PLANNED]
    empty = sum(row[-1] for row in histogram if not any(row[place] for place in planned))
    return FanOutShape(rounding.count(users), rounding.share(empty, users), tuple(found))


def _way(reader: Reader, table: Found | None) -> str:
    """How a table's rows per user are found out; see the ``fan_out_…`` statements."""
    if table is None or table.column("user_id") is None or not _can_read(reader, table):
        return "unknown"
    if _rows(table) <= SCANNED_ROWS:
        return "by_scan"
    if table.finds_a_user:
        return "by_index"
    reader.note("no_index", table.name)
    return "unknown"


def _known(ways: dict[str, str]) -> int:
    return sum(way != "unknown" for way in ways.values())


def growth(reader: Reader, tables: dict[str, Found], rows_of: dict[str, int | None]) -> tuple[Growth, ...]:
    """Rows by month of the tables that have a moment."""
    found = []
    for name, column in names.MOMENTS.items():
        table = tables.get(name)
        if table is None or not _can_read(reader, table):
            continue
        shape = table.column(column)
        if shape is None or shape.type not in names.MOMENT_TYPES:
            reader.note("no_timestamps", name)
            continue
        reader.say(f"{name}: months of about {min(_rows(table), SAMPLED_MOMENTS):,.0f} rows")
        percent = _percent(table, SAMPLED_MOMENTS)
        parts = {"table": sql.Identifier(name), "column": sql.Identifier(column)}
        try:
            months = reader.rows("growth", {"percent": percent}, what=f"{name}.{column}", **parts)
        except NoAnswer as missing:
            reader.note(missing.code, f"{name}.{column}")
            continue
        found.append(_growth(name, {row[0]: int(str(row[1])) for row in months}, rows_of[name]))
    return tuple(found)


def _growth(name: str, sampled: dict[object, int], rows: int | None) -> Growth:
    seen = sum(sampled.values())
    scale = rows / seen if rows and seen else 1.0
    without = sampled.pop(None, 0)
    large = {str(month): n for month, n in sampled.items() if n >= rounding.LEAST}
    small = sum(n for n in sampled.values() if n < rounding.LEAST)
    return Growth(
        table=name,
        sampled_share=rounding.share(1, scale),
        months=tuple(Month(month, int(rounding.significant(n * scale))) for month, n in sorted(large.items())),
        in_small_months=rounding.count(small * scale),
        without_month=rounding.count(without * scale),
    )


def _can_read(reader: Reader, table: Found) -> bool:
    if not table.readable:
        reader.note("not_readable", table.name)
    elif table.hides_rows:
        reader.note("row_security", table.name)
    return table.readable and not table.hides_rows


def _rows(table: Found) -> float:
    """Rows for the size of a sample, also of a table that was never analysed."""
    return table.heap_bytes / 8192 * _ROWS_A_PAGE if table.estimated_rows is None else table.estimated_rows


def _values(table: Found) -> int:
    """How many rows to measure lengths in."""
    row_bytes = (table.heap_bytes + table.toast_bytes) / max(_rows(table), 1.0)
    few_enough = SAMPLED_BYTES / max(row_bytes, 1.0)
    return max(2 * rounding.LEAST, round(min(_rows(table), SAMPLED_VALUES, few_enough)))


def _percent(table: Found, rows: int) -> float:
    """Share of pages that holds about so many rows."""
    return min(100.0, 100.0 * rows / max(_rows(table), 1.0))


def _any(value: object) -> Any:
    """A value of a statement whose types its file decides."""
    return value
