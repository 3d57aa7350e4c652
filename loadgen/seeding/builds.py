"""What makes a loaded database whole: statistics, indexes, keys. Found done or not done in the database itself.

VACUUM goes first: it marks rows as visible to all, so that no index build looks that up again, and gives the checks
of foreign keys their statistics. It shuts out index builds on its table and they shut out it, nothing else here does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from loadgen.database import schema
from loadgen.seeding.crew import Task
from loadgen.seeding.seeding_sql import statement

KEYS: Final = "keys"
_INDEX: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+) ON (\w+)( USING gin)?")
_VALID: Final = re.compile(r"ALTER TABLE (\w+) VALIDATE CONSTRAINT (\w+)")

# Seconds a row and a byte, as measured on one core in 2026. Only their ratios matter: they order the tasks.
_BTREE_S_A_ROW: Final = 4e-7
_GIN_S_A_ROW: Final = 3e-5
_CHECK_S_A_ROW: Final = 2e-7
_VACUUM_S_A_BYTE: Final = 4e-9


@dataclass(frozen=True, slots=True)
class Done:
    """What is there: names of indexes and of constraints, constraints that are checked, tables with statistics."""

    indexes: frozenset[str]
    constraints: frozenset[str]
    valid: frozenset[str]
    analysed: frozenset[str]
    bytes: dict[str, int]
    """Of each table, TOAST included."""


def read_done(conn: psycopg.Connection) -> Done:
    """What this database has of all that is to be built."""
    found = conn.execute(statement("built")).fetchall()

    def names(kind: str) -> frozenset[str]:
        return frozenset(name for what, name, _ in found if what == kind)

    sizes = {name: size for what, name, size in found if what == "table"}
    return Done(names("index"), names("constraint"), names("valid"), names("analysed"), sizes)


def missing(done: Done, rows: dict[str, int]) -> list[Task]:
    """Tasks for what is not there yet; ``rows`` by table, as planned."""
    tasks = [vacuum(table, _VACUUM_S_A_BYTE * size) for table, size in done.bytes.items() if table not in done.analysed]
    keys_need = set()
    for text in schema.INDEXES.statements:
        name, table, is_gin = _match(_INDEX, text)
        keys_need |= {name, f"vacuum {table}"}
        if name not in done.indexes:
            cost = rows.get(table, 0) * (_GIN_S_A_ROW if is_gin else _BTREE_S_A_ROW)
            tasks.append(Task(name, cost, frozenset({f"vacuum {table}"}), _build(text)))
    if not {text.split()[5] for text in schema.KEYS.statements} <= done.constraints:
        tasks.append(Task(KEYS, 0.01, frozenset(keys_need), lambda conn, helpers: _add_keys(conn)))
    for text in schema.VALID_KEYS.statements:
        table, name = _match(_VALID, text)
        if name not in done.valid:
            cost = rows.get(table, 0) * _CHECK_S_A_ROW
            tasks.append(Task(f"check of {name}", cost, frozenset({KEYS}), _build(text)))
    return tasks


def vacuum(table: str, cost: float, *, analyse: bool = True) -> Task:
    """VACUUM of one table."""
    command = sql.SQL("VACUUM (ANALYZE {}) {}").format(sql.Literal(analyse), sql.Identifier("public", table))
    return Task(f"vacuum {table}", cost, frozenset(), lambda conn, helpers: _run(conn, command))


def analyse(table: str) -> Task:
    """ANALYZE of one table."""
    command = sql.SQL("ANALYZE {}").format(sql.Identifier("public", table))
    return Task(f"analyse {table}", 1.0, frozenset(), lambda conn, helpers: _run(conn, command))


def _run(conn: psycopg.Connection, command: sql.Composed) -> None:
    conn.execute(command)


def _build(text: str) -> Callable[[psycopg.Connection, int], None]:
    def build(conn: psycopg.Connection, helpers: int) -> None:
        conn.execute(statement("helpers"), {"helpers": str(helpers)})
        conn.execute(text.encode())

    return build


def _add_keys(conn: psycopg.Connection) -> None:
    """All in one transaction: each takes a strong lock, for a moment."""
    with conn.transaction():
        conn.execute(schema.KEYS.sql)


def _match(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    found = pattern.match(text)
    assert found is not None, f"the schema's file holds a statement of another form: {text}"
    return found.groups()
