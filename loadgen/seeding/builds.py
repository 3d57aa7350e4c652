"""Builds after a load: statistics, indexes, keys. The database itself shows which are done.

VACUUM goes first: it sets the hint bits, so that no index build looks up transactions again, and gives the checks of
foreign keys their statistics. It conflicts with index builds on its table, but with nothing else here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from loadgen.database import schema
from loadgen.seeding.scheduler import Task
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/tables.sql")

KEYS: Final = "keys"
_INDEX: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+) ON (\w+)( USING gin)?")
_VALID: Final = re.compile(r"ALTER TABLE (\w+) VALIDATE CONSTRAINT (\w+)")

# Seconds per row and per byte, measured on one core in 2026. Only their ratios matter, since they order the tasks.
_BTREE_S_A_ROW: Final = 4e-7
_GIN_S_A_ROW: Final = 3e-5
_CHECK_S_A_ROW: Final = 2e-7
_VACUUM_S_A_BYTE: Final = 4e-9


@dataclass(frozen=True, slots=True)
class BuildState:
    """Names of existing indexes and constraints, of validated constraints, and of tables with statistics."""

    indexes: frozenset[str]
    constraints: frozenset[str]
    valid: frozenset[str]
    analysed: frozenset[str]
    bytes: dict[str, int]
    """Size of each table in bytes, TOAST included."""


def read_build_state(conn: psycopg.Connection) -> BuildState:
    """Read which builds this database has."""
    objects = conn.execute(_SQL["built"]).fetchall()

    def names(kind: str) -> frozenset[str]:
        return frozenset(name for what, name, _ in objects if what == kind)

    sizes = {name: size for what, name, size in objects if what == "table"}
    return BuildState(names("index"), names("constraint"), names("valid"), names("analysed"), sizes)


def missing(state: BuildState, rows: dict[str, int]) -> list[Task]:
    """Tasks for the missing builds; ``rows`` by table, as planned."""
    tasks = [
        vacuum(table, _VACUUM_S_A_BYTE * size) for table, size in state.bytes.items() if table not in state.analysed
    ]
    keys_need = set()
    for text in schema.INDEXES.statements:
        name, table, is_gin = _match(_INDEX, text)
        keys_need |= {name, f"vacuum {table}"}
        if name not in state.indexes:
            cost = rows.get(table, 0) * (_GIN_S_A_ROW if is_gin else _BTREE_S_A_ROW)
            tasks.append(Task(name, cost, frozenset({f"vacuum {table}"}), _build(text)))
    if not {text.split()[5] for text in schema.KEYS.statements} <= state.constraints:
        tasks.append(Task(KEYS, 0.01, frozenset(keys_need), lambda conn, helpers: _add_keys(conn)))
    for text in schema.VALID_KEYS.statements:
        table, name = _match(_VALID, text)
        if name not in state.valid:
            cost = rows.get(table, 0) * _CHECK_S_A_ROW
            tasks.append(Task(f"check of {name}", cost, frozenset({KEYS}), _build(text)))
    return tasks


def vacuum(table: str, cost: float, *, analyse: bool = True) -> Task:
    """Task that vacuums one table."""
    command = sql.SQL("VACUUM (ANALYZE {}) {}").format(sql.Literal(analyse), sql.Identifier("public", table))
    return Task(f"vacuum {table}", cost, frozenset(), lambda conn, helpers: _run(conn, command))


def analyse(table: str) -> Task:
    """Task that analyses one table."""
    command = sql.SQL("ANALYZE {}").format(sql.Identifier("public", table))
    return Task(f"analyse {table}", 1.0, frozenset(), lambda conn, helpers: _run(conn, command))


def _run(conn: psycopg.Connection, command: sql.Composed) -> None:
    conn.execute(command)


def _build(text: str) -> Callable[[psycopg.Connection, int], None]:
    def build(conn: psycopg.Connection, helpers: int) -> None:
        conn.execute(_SQL["helpers"], {"helpers": str(helpers)})
        conn.execute(text.encode())

    return build


def _add_keys(conn: psycopg.Connection) -> None:
    """Add all keys in one transaction: each takes a strong lock, for a moment."""
    with conn.transaction():
        conn.execute(schema.KEYS.sql)


def _match(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.match(text)
    assert match is not None, f"the schema's file holds a statement of another form: {text}"
    return match.groups()
