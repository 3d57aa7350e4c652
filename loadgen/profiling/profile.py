"""Make a profile: first from the catalogue, then from samples of rows, then from the statement statistics."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.profiling import names, rounding, rows, sizes
from loadgen.profiling.audit import audit
from loadgen.profiling.format import Note, NoteCode, Profile, TableShape
from loadgen.profiling.production_statements import statement_mix
from loadgen.profiling.reading import Reader, Say
from loadgen.profiling.sizes import CatalogTable
from loadgen.runs.documents import dump, read
from loadgen.user_files import MIB, FileKind

TIMEOUT_S: Final = 60.0
FILE: Final = FileKind("a profile", "create one: loadgen profile", 16 * MIB)
"""A profile's file. Its size limit is an assumption: tables and a thousand statements take less than 1 MiB."""

EXPLANATIONS: Final[dict[NoteCode, str]] = {
    "not_readable": "its rows were not read: GRANT SELECT on it, or pg_read_all_data",
    "row_security": "its rows were not read: row security would hide some; connect as its owner or with BYPASSRLS",
    "timed_out": "it took longer than the timeout; profile a replica, or raise --timeout",
    "not_analysed": "the server has no statistics of it: ANALYZE it, or let autovacuum",
    "no_index": "its rows per user were not counted: it is large, and no index begins with user_id",
    "too_few": "it has too few rows to describe without identifying a person",
    "no_statements": "no statement mix: pg_stat_statements is not installed in this database, or not loaded",
    "statements_hidden": "statements of other users are not in the mix: GRANT pg_read_all_stats",
    "statements_window": "the time since which statements are counted is not available before PostgreSQL 14",
    "no_timestamps": "no growth: its timestamps are missing, or not of a timestamp type",
}


def explain(note: Note) -> str:
    """Text of a note, in a line."""
    return f"{note.about}: {EXPLANATIONS[note.code]}" if note.about else EXPLANATIONS[note.code]


def make_profile(target: Target, say: Say, *, schema: str = "public", timeout_s: float = TIMEOUT_S) -> Profile:
    """Profile a database whose tables are in ``schema``; ``say`` is called before each reading.

    Only reads, in short transactions, each statement at most ``timeout_s``. Raises EnvironmentFault if none of the
    application's tables exists, or if none may be read.
    """
    with Reader(target, schema, timeout_s, say) as reader:
        server = sizes.server(reader)
        catalog = {table.name: table for table in sizes.tables(reader)}
        other_tables = sizes.other_tables(reader)
        if not catalog:
            raise EnvironmentFault(
                f"{target}: schema {schema} has none of the application's tables "
                f"({', '.join(names.COLUMNS)}); give the schema that has them: --schema NAME"
            )
        if not any(table.readable for table in catalog.values()):
            raise EnvironmentFault(
                f"{target}: this user may read none of the application's tables; "
                "GRANT SELECT on them, or GRANT pg_read_all_data"
            )
        say(f"catalogue: sizes, columns and indexes of {len(catalog)} tables; settings")
        tables = tuple(_table(reader, table) for table in catalog.values())
        return Profile(
            profiled_on=dt.datetime.now(dt.UTC).date().isoformat(),
            server=server,
            tables=tables,
            missing=_missing(catalog),
            others=other_tables,
            fan_outs=rows.fan_outs(reader, catalog),
            growth=rows.growth(reader, catalog, {table.name: table.rows for table in tables}),
            statements=statement_mix(reader),
            notes=tuple(reader.notes),
            least=rounding.LEAST,
        )


def to_json(profile: Profile) -> str:
    """The profile's JSON, audited. Raises EnvironmentFault for a string that a profile may not hold."""
    return audit(dump(profile))


def read_profile(path: Path) -> Profile:
    """Read a profile's file. Raises UsageError if it is not one."""
    return read(Profile, path, FILE)


def _table(reader: Reader, table: CatalogTable) -> TableShape:
    if table.estimated_rows is None or all(column.average_width_bytes is None for column in table.columns):
        reader.note("not_analysed", table.name)
    number, counted = rows.count(reader, table)
    return TableShape(
        name=table.name,
        rows=number,
        counted=counted,
        heap_bytes=rounding.count(table.heap_bytes),
        toast_bytes=rounding.count(table.toast_bytes),
        index_bytes=rounding.count(table.index_bytes),
        partitions=table.partitions,
        row_security=table.row_security,
        other_columns=table.other_columns,
        columns=rows.widths(reader, table),
        indexes=table.indexes,
    )


def _missing(catalog: dict[str, CatalogTable]) -> tuple[str, ...]:
    lacking = [name for name in names.COLUMNS if name not in catalog]
    for name, table in catalog.items():
        lacking += [f"{name}.{column}" for column in names.COLUMNS[name] if table.column(column) is None]
    return tuple(lacking)
