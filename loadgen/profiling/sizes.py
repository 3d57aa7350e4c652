"""Sizes, columns, indexes and settings from the catalogue and the server's statistics. Reads no row."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadgen.profiling import names, rounding
from loadgen.profiling.format import ColumnShape, IndexShape, OtherTables, ServerShape, Setting
from loadgen.profiling.reading import Reader
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.profiling", "sql/server.sql")

_NO_UNIT: Final = ("", "B", "kB", "8kB", "MB", "ms", "s", "min")


@dataclass(frozen=True)
class CatalogTable:
    """One of the application's tables. Figures are exact, to decide how to read it; a profile rounds them."""

    name: str
    readable: bool
    row_security: bool
    hides_rows: bool
    estimated_rows: float | None
    heap_bytes: int
    toast_bytes: int
    index_bytes: int
    partitions: int
    other_columns: int
    columns: tuple[ColumnShape, ...]
    indexes: tuple[IndexShape, ...]

    def column(self, name: str) -> ColumnShape | None:
        """The column of this name; None without one."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def finds_user_by_index(self) -> bool:
        """Return whether a complete index begins with user_id."""
        return any(i.columns[:1] == ("user_id",) and not i.partial and i.method == "btree" for i in self.indexes)


def server(reader: Reader) -> ServerShape:
    """Read the server's version, role and settings."""
    ((standby, synthetic),) = reader.rows(_SQL["server"], what="the server's state")
    settings = reader.rows(_SQL["settings"], {"names": list(names.SETTINGS)}, what="settings")
    return ServerShape(
        version=reader.server_version,
        standby=bool(standby),
        synthetic=bool(synthetic),
        settings=tuple(_setting(*map(str, row)) for row in settings if row[0] in names.SETTINGS),
    )


def _setting(name: str, value: str, unit: str) -> Setting:
    if not value.lstrip("-").replace(".", "", 1).isdigit():
        return Setting(name, value if value in names.SETTING_WORDS else names.OTHER)
    unit = unit if unit in _NO_UNIT else ""
    # The server reports 128MB as 16384 in units of 8kB.
    return Setting(name, f"{int(value) * 8}kB" if unit == "8kB" and float(value) >= 0 else f"{value}{unit}")


def tables(reader: Reader) -> tuple[CatalogTable, ...]:
    """Read the application's tables in the schema, in the order of :data:`names.COLUMNS`."""
    parameters: dict[str, object] = {"schema": reader.schema, "names": list(names.COLUMNS)}
    column_parameters = parameters | {"columns": list(names.QUALIFIED), "methods": list(names.METHODS)}
    sizes: dict[str, Any] = {
        str(row[0]): row for row in reader.rows(_SQL["tables"], parameters, what="sizes of tables")
    }
    other_columns = {
        str(row[0]): row[1] for row in reader.rows(_SQL["other_columns"], column_parameters, what="columns")
    }
    columns = _by_table(reader.rows(_SQL["columns"], column_parameters, what="columns and their statistics"))
    indexes = _by_table(reader.rows(_SQL["indexes"], column_parameters, what="indexes"))
    catalog = []
    for name in names.COLUMNS:
        if name not in sizes:
            continue
        _, readable, row_security, hides_rows, rows, heap, toast, index, partitions = sizes[name]
        estimated = None if rows is None else float(rows)
        catalog.append(
            CatalogTable(
                name=name,
                readable=bool(readable),
                row_security=bool(row_security),
                hides_rows=bool(hides_rows),
                estimated_rows=estimated,
                heap_bytes=int(heap),
                toast_bytes=int(toast),
                index_bytes=int(index),
                partitions=int(partitions),
                other_columns=int(str(other_columns.get(name, 0))),
                columns=tuple(_column(estimated, *row) for row in columns[name]),
                indexes=tuple(_index(*row) for row in indexes[name]),
            )
        )
    return tuple(catalog)


def other_tables(reader: Reader) -> OtherTables:
    """Number and size of all other tables together."""
    parameters: dict[str, object] = {"schema": reader.schema, "names": list(names.COLUMNS)}
    ((number, size),) = reader.rows(_SQL["other_tables"], parameters, what="sizes of other tables")
    return OtherTables(int(str(number)), rounding.count(int(str(size))))


def _by_table(rows: Sequence[tuple[object, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    by_table: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for table, *rest in rows:
        by_table[str(table)].append(tuple(rest))
    return by_table


def _column(rows: float | None, name: str, kind: str | None, null: Any, width: Any, distinct: Any) -> ColumnShape:
    """A column from its statistics. ``distinct`` as in pg_stats: a number, or below zero a share of the rows."""
    number: float | None = None
    if distinct is not None and math.isfinite(distinct):
        number = float(distinct) if distinct >= 0 else None if rows is None else -float(distinct) * rows
    return ColumnShape(
        name=name,
        type=kind if kind in names.TYPES else names.OTHER,
        null_share=None if null is None else rounding.share(float(null), 1.0),
        distinct=None if number is None else rounding.length(round(number)),
        average_width_bytes=None if width is None else rounding.length(int(width)),
        text=None,
        stored=None,
    )


def _index(method: str | None, columns: list[str | None], unique: bool, partial: bool, size: int) -> IndexShape:
    return IndexShape(
        method=method or names.OTHER,
        columns=tuple(column or names.OTHER for column in columns),
        unique=bool(unique),
        partial=bool(partial),
        bytes=rounding.count(size),
    )
