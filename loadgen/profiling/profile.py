"""Making a profile: what the catalogue knows first, then samples of the rows, then the statements."""

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
from loadgen.profiling.sizes import Found
from loadgen.runs.documents import dump, read
from loadgen.user_files import MIB, FileKind

TIMEOUT_S: Final = 60.0
FILE: Final = FileKind("a profile", "make one: loadgen profile", 16 * MIB)
"""Assumption: figures of the tables, and of a thousand statements, are below 1 MiB."""

EXPLANATIONS: Final[dict[NoteCode, str]] = {
    "not_readable": "its rows were not read: GRANT SELECT on it, or pg_read_all_data",
    "row_security": "its rows were not read: row security would hide some; connect as its owner or with BYPASSRLS",
    "timed_out": "it took longer than the timeout; profile a replica, or raise --timeout",
    "not_analysed": "the server has no statistics of it: ANALYZE it, or let autovacuum",
    "no_index": "its rows per user were not counted: it is large, and no index begins with user_id",
    "too_few": "it has too few rows to say anything of them without pointing at one person",
    "no_statements": "no statement mix: pg_stat_statements is not installed in this database, or not loaded",
    "statements_hidden": "statements of other users are not in the mix: GRANT pg_read_all_stats",
    "statements_window": "since when statements were counted is not known before PostgreSQL 14",
    "no_timestamps": "it has no growth: its moments are missing, or not of a type for moments",
}


def explain(note: Note) -> str:
    """A note as a line."""
    return f"{note.about}: {EXPLANATIONS[note.code]}" if note.about else EXPLANATIONS[note.code]


def make_profile(target: Target, say: Say, *, schema: str = "public", timeout_s: float = TIMEOUT_S) -> Profile:
    """The profile of a database, whose tables are in ``schema``; ``say`` hears what is about to be read.

    Only reads, in short transactions, each statement at most ``timeout_s``. Raises EnvironmentFault if there is none
    of the application's tables, or if none of them may be read.
    """
    with Reader(target, schema, timeout_s, say) as reader:
        server = sizes.server(reader)
        found = {table.name: table for table in sizes.tables(reader)}
        others = sizes.other_tables(reader)
        if not found:
            raise EnvironmentFault(
                f"{target}: schema {schema} has none of the application's tables "
                f"({', '.join(names.COLUMNS)}); name the one that has: --schema NAME"
            )
        if not any(table.readable for table in found.values()):
            raise EnvironmentFault(
                f"{target}: this user may read none of the application's tables; "
                "GRANT SELECT on them, or GRANT pg_read_all_data"
            )
        say(f"catalogue: sizes, columns and indexes of {len(found)} tables; settings")
        tables = tuple(_table(reader, table) for table in found.values())
        return Profile(
            profiled_on=dt.datetime.now(dt.UTC).date().isoformat(),
            server=server,
            tables=tables,
            missing=_missing(found),
            others=others,
            fan_outs=rows.fan_outs(reader, found),
            growth=rows.growth(reader, found, {table.name: table.rows for table in tables}),
            statements=statement_mix(reader),
            notes=tuple(reader.notes),
            least=rounding.LEAST,
        )


def to_json(profile: Profile) -> str:
    """The document, audited. Raises EnvironmentFault for a string that a profile may not hold."""
    return audit(dump(profile))


def read_profile(path: Path) -> Profile:
    """A profile that was kept. Raises UsageError for a file that is none."""
    return read(Profile, path, FILE)


def _table(reader: Reader, table: Found) -> TableShape:
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


def _missing(found: dict[str, Found]) -> tuple[str, ...]:
    lacking = [name for name in names.COLUMNS if name not in found]
    for name, table in found.items():
        lacking += [f"{name}.{column}" for column in names.COLUMNS[name] if table.column(column) is None]
    return tuple(lacking)
