"""Figures that need a look at rows: their number, widths, fan-out by user, and growth by month.

Large tables are sampled by pages. Only counts and lengths leave the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from psycopg import sql

from loadgen.profiling import names, rounding
from loadgen.profiling.format import ColumnShape, FanOut, FanOutShape, Growth, Month, Quantile, Widths
from loadgen.profiling.reading import NoAnswer, Reader
from loadgen.profiling.sizes import CatalogTable
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.profiling", "sql/rows.sql")
_UNKNOWN: Final = "fan_out_unknown"

COUNTED_BYTES: Final = 256 << 20
"""Largest heap in bytes whose rows are counted; for larger ones the server's estimate is used."""
SAMPLED_VALUES: Final = 10_000
SAMPLED_BYTES: Final = 256 << 20
"""Most stored bytes that are sampled: of large documents fewer, because each is decompressed."""
SAMPLED_USERS: Final = 50_000
"""Users sampled for fan-outs, so that fifty are beyond the 99.9 % quantile."""
SAMPLED_MOMENTS: Final = 500_000
SCANNED_ROWS: Final = 2_000_000
"""Most rows of a table that is scanned; a larger one is read user by user, if an index allows."""
_ROWS_A_PAGE: Final = 20.0  # of a table that was never analysed; decides only the size of a sample
_WIDTH_QUANTILES: Final = (0.1, 0.5, 0.9, 0.99)
_PLANNED: Final = ("goals", "education_goals", "estate_plans", "user_achievements", "user_progress")


def count(reader: Reader, table: CatalogTable) -> tuple[int | None, bool]:
    """Number of rows of a table, and whether they were counted rather than estimated."""
    estimate = None if table.estimated_rows is None else rounding.count(table.estimated_rows)
    if not _can_read(reader, table):
        return estimate, False
    if table.heap_bytes > COUNTED_BYTES and estimate is not None:
        return estimate, False
    reader.say(f"{table.name}: counting rows")
    try:
        ((rows,),) = reader.rows(_SQL["count_rows"], what=table.name, table=sql.Identifier(table.name))
    except NoAnswer as missing:
        reader.note(missing.code, table.name)
        return estimate, False
    return rounding.count(int(str(rows))), True


def widths(reader: Reader, table: CatalogTable) -> tuple[ColumnShape, ...]:
    """Columns of a table, with the widths of text and documents measured on a sample."""
    if not _can_read(reader, table):
        return table.columns
    wide = [column for column in table.columns if column.type in names.WIDE_TYPES]
    if wide:
        reader.say(
            f"{table.name}: lengths in {len(wide)} columns of about {min(_rows(table), SAMPLED_VALUES):,.0f} rows"
        )
    return tuple(_measured(reader, table, column) if column in wide else column for column in table.columns)


def _measured(reader: Reader, table: CatalogTable, column: ColumnShape) -> ColumnShape:
    about = f"{table.name}.{column.name}"
    parameters: dict[str, object] = {
        "percent": _percent(table, _values(table)),
        "most": 4 * _values(table),
        "probabilities": list(_WIDTH_QUANTILES),
    }
    parts = {"table": sql.Identifier(table.name), "column": sql.Identifier(column.name)}
    try:
        (row,) = reader.rows(_SQL["widths"], parameters, what=about, **parts)
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


def fan_outs(reader: Reader, tables: dict[str, CatalogTable]) -> FanOutShape | None:
    """Rows per user by table, of a sample of users; None if they cannot be read."""
    users = tables.get("users")
    if users is None or users.column("id") is None or not _can_read(reader, users):
        return None
    ways = {name: _way(reader, tables.get(name)) for name in names.CHILDREN}
    reader.say(f"rows per user of about {min(_rows(users), SAMPLED_USERS):,.0f} users, in {_known(ways)} tables")
    parts: dict[str, sql.Composable] = {
        name: sql.SQL(_SQL[way]).format(schema=sql.Identifier(reader.schema), table=sql.Identifier(name))
        for name, way in ways.items()
    }
    parameters: dict[str, object] = {"percent": _percent(users, SAMPLED_USERS), "most": 2 * SAMPLED_USERS}
    try:
        histogram = reader.rows(_SQL["fan_outs"], parameters, what="rows per user", **parts)
    except NoAnswer as missing:
        reader.note(missing.code, "users")
        return None
    return _fan_out_shape(reader, [tuple(map(_any, row)) for row in histogram], ways)


def _fan_out_shape(reader: Reader, histogram: Sequence[tuple[int, ...]], ways: dict[str, str]) -> FanOutShape | None:
    users = sum(row[-1] for row in histogram)
    if users < 2 * rounding.LEAST:
        reader.note("too_few", "users")
        return None
    shapes = []
    for place, name in enumerate(names.CHILDREN):
        if ways[name] == _UNKNOWN:
            continue
        by_rows: Counter[int] = Counter()
        for row in histogram:
            by_rows[row[place]] += row[-1]
        shapes.append(
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
    return FanOutShape(rounding.count(users), rounding.share(empty, users), tuple(shapes))


def _way(reader: Reader, table: CatalogTable | None) -> str:
    """Name of the statement that counts a table's rows per user."""
    if table is None or table.column("user_id") is None or not _can_read(reader, table):
        return _UNKNOWN
    if _rows(table) <= SCANNED_ROWS:
        return "fan_out_by_scan"
    if table.finds_user_by_index:
        return "fan_out_by_index"
    reader.note("no_index", table.name)
    return _UNKNOWN


def _known(ways: dict[str, str]) -> int:
    return sum(way != _UNKNOWN for way in ways.values())


def growth(reader: Reader, tables: dict[str, CatalogTable], rows_of: dict[str, int | None]) -> tuple[Growth, ...]:
    """Rows by month of the tables with a timestamp."""
    growths = []
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
            months = reader.rows(_SQL["growth"], {"percent": percent}, what=f"{name}.{column}", **parts)
        except NoAnswer as missing:
            reader.note(missing.code, f"{name}.{column}")
            continue
        growths.append(_growth(name, {row[0]: int(str(row[1])) for row in months}, rows_of[name]))
    return tuple(growths)


def _growth(name: str, sampled: dict[object, int], rows: int | None) -> Growth:
    sampled_rows = sum(sampled.values())
    scale = rows / sampled_rows if rows and sampled_rows else 1.0
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


def _can_read(reader: Reader, table: CatalogTable) -> bool:
    if not table.readable:
        reader.note("not_readable", table.name)
    elif table.hides_rows:
        reader.note("row_security", table.name)
    return table.readable and not table.hides_rows


def _rows(table: CatalogTable) -> float:
    """Estimated rows, from the size of the heap if the table was never analysed."""
    return table.heap_bytes / 8192 * _ROWS_A_PAGE if table.estimated_rows is None else table.estimated_rows


def _values(table: CatalogTable) -> int:
    """Number of rows to measure lengths in."""
    row_bytes = (table.heap_bytes + table.toast_bytes) / max(_rows(table), 1.0)
    few_enough = SAMPLED_BYTES / max(row_bytes, 1.0)
    return max(2 * rounding.LEAST, round(min(_rows(table), SAMPLED_VALUES, few_enough)))


def _percent(table: CatalogTable, rows: int) -> float:
    """Percent of the pages that holds about so many rows."""
    return min(100.0, 100.0 * rows / max(_rows(table), 1.0))


def _any(value: object) -> Any:
    """A value whose type the statement's file decides."""
    return value
