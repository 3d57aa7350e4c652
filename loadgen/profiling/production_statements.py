"""The statement mix: what pg_stat_statements counted, each text written anew by the lexer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from loadgen.profiling import names, rounding
from loadgen.profiling.format import Statement, StatementMix, StatementTotals
from loadgen.profiling.lexer import Normalised, normalise
from loadgen.profiling.reading import NoAnswer, Reader

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
    """The mix; None if the server does not count statements, or not for us."""
    found = reader.rows("statements_schema", what="whether statements are counted")
    if not found:
        reader.note("no_statements")
        return None
    where, sees_all = sql.Identifier(str(found[0][0])), bool(found[0][1])
    if not sees_all:
        reader.note("statements_hidden")
    reader.say("pg_stat_statements: what the server counted")
    try:
        counted = reader.rows("statements", {"most": MOST_STATEMENTS}, what="pg_stat_statements", place=where)
        days = _days(reader, where)
    except NoAnswer as missing:
        reader.note(missing.code)
        return None
    shown: dict[Normalised, _Sum] = defaultdict(_Sum)
    others, hidden = _Sum(), 0
    for raw, calls, total_ms, rows, blocks, wal_bytes in counted:
        text = bytes(raw).decode("utf-8", "replace") if isinstance(raw, bytes | memoryview) else ""
        known = normalise(text)
        into = shown[known] if known is not None and known.names & _OURS else others
        hidden += into is others
        into.calls += int(str(calls))
        into.total_ms += float(str(total_ms))
        into.rows += int(str(rows))
        into.blocks += int(str(blocks))
        into.wal_bytes += float(str(wal_bytes))
    busiest = sorted(shown.items(), key=lambda item: (-item[1].total_ms, item[0].text))
    often = [(known, use) for known, use in busiest if use.calls >= rounding.LEAST][:MOST_SHOWN]
    kept = {known for known, _ in often}
    for known, use in busiest:
        if known not in kept:
            hidden += 1
            others.calls += use.calls
            others.total_ms += use.total_ms
    return StatementMix(
        days=days,
        statements=tuple(_statement(known, use) for known, use in often),
        others=StatementTotals(
            rounding.count(hidden), rounding.count(others.calls), rounding.significant(others.total_ms)
        ),
    )


def _days(reader: Reader, where: sql.Identifier) -> float | None:
    if reader.server_version < _HAS_INFO:
        reader.note("statements_window")
        return None
    rows = reader.rows("statements_since", what="pg_stat_statements_info", place=where)
    days = rows[0][0] if rows else None
    return None if days is None else rounding.significant(float(str(days)))


def _statement(known: Normalised, use: _Sum) -> Statement:
    return Statement(
        text=known.text,
        verb=known.verb,
        writes=known.writes,
        calls=rounding.count(use.calls),
        mean_ms=rounding.significant(use.total_ms / use.calls),
        rows_per_call=rounding.significant(use.rows / use.calls),
        shared_blocks_per_call=rounding.significant(use.blocks / use.calls),
        wal_bytes_per_call=rounding.significant(use.wal_bytes / use.calls),
    )
