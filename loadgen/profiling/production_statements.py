"""The statement mix from pg_stat_statements, with anonymised texts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from loadgen.profiling import names, rounding
from loadgen.profiling.format import Statement, StatementMix, StatementTotals
from loadgen.profiling.lexer import Normalised, normalise
from loadgen.profiling.reading import NoAnswer, Reader
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.profiling", "sql/statements.sql")

MOST_STATEMENTS: Final = 10_000
MOST_SHOWN: Final = 200
_HAS_INFO: Final = 140_000
_OURS: Final = frozenset(names.COLUMNS) | frozenset(names.VIEWS)


@dataclass
class _Sum:
    calls: int = 0
    total_ms: float = 0.0
    rows: int = 0
    blocks: int = 0
    wal_bytes: float = 0.0


def statement_mix(reader: Reader) -> StatementMix | None:
    """Read the statement mix; None if the server does not count statements, or hides them from this user."""
    extension = reader.rows(_SQL["statements_schema"], what="whether statements are counted")
    if not extension:
        reader.note("no_statements")
        return None
    schema, sees_all = sql.Identifier(str(extension[0][0])), bool(extension[0][1])
    if not sees_all:
        reader.note("statements_hidden")
    reader.say("pg_stat_statements: what the server counted")
    try:
        counted = reader.rows(_SQL["statements"], {"most": MOST_STATEMENTS}, what="pg_stat_statements", place=schema)
        days = _days(reader, schema)
    except NoAnswer as missing:
        reader.note(missing.code)
        return None
    shown: dict[Normalised, _Sum] = defaultdict(_Sum)
    other_statements, hidden = _Sum(), 0
    for raw, calls, total_ms, rows, blocks, wal_bytes in counted:
        text = bytes(raw).decode("utf-8", "replace") if isinstance(raw, bytes | memoryview) else ""
        normalised = normalise(text)
        total = shown[normalised] if normalised is not None and normalised.names & _OURS else other_statements
        hidden += total is other_statements
        total.calls += int(str(calls))
        total.total_ms += float(str(total_ms))
        total.rows += int(str(rows))
        total.blocks += int(str(blocks))
        total.wal_bytes += float(str(wal_bytes))
    busiest = sorted(shown.items(), key=lambda item: (-item[1].total_ms, item[0].text))
    often = [(normalised, use) for normalised, use in busiest if use.calls >= rounding.LEAST][:MOST_SHOWN]
    kept = {normalised for normalised, _ in often}
    for normalised, use in busiest:
        if normalised not in kept:
            hidden += 1
            other_statements.calls += use.calls
            other_statements.total_ms += use.total_ms
    return StatementMix(
        days=days,
        statements=tuple(_statement(normalised, use) for normalised, use in often),
        others=StatementTotals(
            rounding.count(hidden),
            rounding.count(other_statements.calls),
            rounding.significant(other_statements.total_ms),
        ),
    )


def _days(reader: Reader, where: sql.Identifier) -> float | None:
    if reader.server_version < _HAS_INFO:
        reader.note("statements_window")
        return None
    rows = reader.rows(_SQL["statements_since"], what="pg_stat_statements_info", place=where)
    days = rows[0][0] if rows else None
    return None if days is None else rounding.significant(float(str(days)))


def _statement(normalised: Normalised, use: _Sum) -> Statement:
    return Statement(
        text=normalised.text,
        verb=normalised.verb,
        writes=normalised.writes,
        calls=rounding.count(use.calls),
        mean_ms=rounding.significant(use.total_ms / use.calls),
        rows_per_call=rounding.significant(use.rows / use.calls),
        shared_blocks_per_call=rounding.significant(use.blocks / use.calls),
        wal_bytes_per_call=rounding.significant(use.wal_bytes / use.calls),
    )
