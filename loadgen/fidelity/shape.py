"""Shape of a database as a load: rows per user, bytes, documents in and out of line, dead rows, free space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import psycopg
from psycopg import sql

from capacity.values import TableSize
from loadgen.fidelity.format import DocumentState, FanOut, TableState
from loadgen.fidelity.reading import Snapshot
from loadgen.observe.facts import table_sizes
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.fidelity", "sql/shape.sql")

CHILDREN: Final = (
    "goals", "education_goals", "estate_plans", "chat_messages", "user_achievements", "user_progress",
)  # fmt: skip
JSON_COLUMNS: Final = {
    "financial_profiles": (
        "basic_info", "financial_data", "calculations", "monte_carlo_results", "optimization_variables",
    ),
    "education_goals": ("costs",),
    "estate_plans": ("plan_data", "documents", "beneficiaries"),
    "user_progress": ("progress_data",),
}  # fmt: skip
WIDE_COLUMNS: Final = JSON_COLUMNS | {"chat_messages": ("message", "response")}

SAMPLED_ROWS: Final = 50_000
"""Rows sampled for each column of documents: measuring the text of a document takes tens of microseconds."""


@dataclass(frozen=True)
class _DocumentSample:
    """A row of ``document``."""

    rows: int
    null_share: float | None
    text_bytes: float | None
    stored_bytes: float | None
    compressed_share: float | None
    toasted_share: float | None


def fan_outs(snapshot: Snapshot, users: int) -> tuple[FanOut, ...]:
    """Rows per user of every table with user_id but financial_profiles, of which each user has one."""
    shapes = []
    for table in CHILDREN:
        snapshot.say(f"rows per user: {table}")
        shapes.append(fan_out(table, snapshot.rows(_SQL["fan_out"], table=sql.Identifier(table)), users))
    return tuple(shapes)


def fan_out(table: str, histogram: Sequence[tuple[int, int]], users: int) -> FanOut:
    """Fan-out of a histogram: (rows, users who have so many), ascending, without users who have none.

    The quantile at p is the least number of rows that at least a share p of all users do not exceed.
    """
    owners = sum(count for _, count in histogram)
    whole = [(0, max(users - owners, 0)), *histogram]
    total = max(sum(count for _, count in whole), 1)
    reached = list(accumulate(count for _, count in whole))

    def at(p: float) -> int:
        return next(rows for (rows, _), so_far in zip(whole, reached, strict=True) if so_far >= p * reached[-1])

    return FanOut(
        table=table,
        mean=sum(rows * count for rows, count in whole) / total,
        without=whole[0][1] / total,
        p50=at(0.5),
        p90=at(0.9),
        p99=at(0.99),
        most=whole[-1][0],
    )


def tables(snapshot: Snapshot) -> tuple[TableState, ...]:
    """State of every table; to be called before its rows are read."""
    snapshot.say("sizes of tables")
    dead: dict[str, int] = {str(name): int(rows) for name, rows in snapshot.rows(_SQL["dead_rows"])}
    schemas = snapshot.rows(_SQL["stattuple_schema"])
    # Before anything else is read: reading a page prunes its dead rows.
    spaces = {name: _free_space(snapshot, name, str(schemas[0][0])) for name in dead} if schemas else {}
    sizes = table_sizes(snapshot.conn)
    states = []
    for size in sizes:
        space = spaces.get(size.name)
        states.append(
            TableState(
                size=size,
                bytes_per_row=(size.heap_bytes + size.toast_bytes) / size.rows if size.rows else None,
                toasted_share=_toasted_share(snapshot, size),
                dead_rows=space[0] if space else dead.get(size.name),
                free_share=space[1] if space else None,
            )
        )
    return tuple(states)


def documents(snapshot: Snapshot, rows: dict[str, int]) -> Iterator[DocumentState]:
    """State of every wide column, from a sample of the table's pages; ``rows`` by table."""
    compressed = _SQL["compressed_14"] if snapshot.server_version >= 140000 else _SQL["compressed_unknown"]
    for table, columns in WIDE_COLUMNS.items():
        snapshot.say(f"documents of {table}: bytes, compression, TOAST")
        percent = min(100.0, 100 * SAMPLED_ROWS / max(rows[table], 1))
        for name in columns:
            column = sql.Identifier(name)
            (sampled,) = snapshot.values(
                _DocumentSample,
                _SQL["document"],
                {"percent": percent},
                table=sql.Identifier(table),
                column=column,
                compressed=sql.SQL(compressed).format(column=column),
                toasted=_is_toasted(snapshot, name),
            )
            yield DocumentState(table, name, **vars(sampled))


def _toasted_share(snapshot: Snapshot, size: TableSize) -> float | None:
    columns = WIDE_COLUMNS.get(size.name)
    if not columns or not size.rows:
        return 0.0 if size.rows else None
    any_toasted = sql.SQL(" OR ").join(_is_toasted(snapshot, column) for column in columns)
    ((count,),) = snapshot.rows(_SQL["toasted_rows"], any_toasted=any_toasted, table=sql.Identifier(size.name))
    return int(count) / size.rows


def _is_toasted(snapshot: Snapshot, column: str) -> sql.Composed:
    condition = _SQL["toasted_17"] if snapshot.server_version >= 170000 else _SQL["toasted_by_size"]
    return sql.SQL(condition).format(column=sql.Identifier(column))


def _free_space(snapshot: Snapshot, table: str, schema: str) -> tuple[int, float] | None:
    """Dead rows and the free share of the heap; None without the privilege or the function."""
    try:
        with snapshot.conn.transaction():
            names = sql.Identifier(schema), sql.Literal(table)
            ((dead, free),) = snapshot.rows(_SQL["free_space"], schema=names[0], name=names[1])
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction):
        return None
    return int(dead), float(free)
