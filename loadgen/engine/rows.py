"""Rows of a scenario's statements, for draws sampled outside of a run: read-only, as active users see them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import psycopg
from psycopg import pq

from loadgen.engine.answers import Row, first_row
from loadgen.engine.scenario_sql import Statement
from loadgen.engine.transactions import Plan, Step, identify
from loadgen.engine.wire import DECODERS, TYPES, Value
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.population.activity import ActivityRanks

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

_BINARY: Final = 1
_PROBES: Final[dict[int, Callable[[random.Random], Value]]] = {
    16: lambda rng: rng.random() < 0.5,
    20: lambda rng: rng.choice((-1, 1)) * rng.randint(2**40, 2**50),
    21: lambda rng: rng.choice((-1, 1)) * rng.randint(300, 32_000),
    23: lambda rng: rng.choice((-1, 1)) * rng.randint(2**20, 2**30),
    700: lambda rng: rng.choice((-1, 1)) * rng.randint(2**10, 2**20) / 8,
    701: lambda rng: rng.choice((-1, 1)) * rng.random() * 1e6,
    3802: lambda rng: b'{"probe": %d}' % rng.randint(2**40, 2**50),
}


@dataclass(frozen=True)
class Column:
    """A column of a statement's result."""

    name: str
    oid: int

    def probe(self, rng: random.Random) -> Value:
        """Make a value of its type that differs from others of a row."""
        draw = _PROBES.get(self.oid)
        return draw(rng) if draw else f"probe {rng.random()}"


@dataclass(frozen=True)
class RowReader:
    """Runs statements in read-only transactions that are rolled back."""

    connection: psycopg.Connection
    ranks: ActivityRanks
    skew: float

    def columns(self, statement: Statement) -> tuple[Column, ...]:
        """Describe a statement's result without running it. Raises UsageError for a type that draws cannot read."""
        pgconn = self.connection.pgconn
        oids = [TYPES[p.type].oid for p in statement.parameters]
        self._checked(statement, pgconn.prepare(b"", statement.sql.encode(), oids))
        answer = self._checked(statement, pgconn.describe_prepared(b""))
        columns = tuple(Column((answer.fname(i) or b"").decode(), answer.ftype(i)) for i in range(answer.nfields))
        for column in columns:
            if column.oid not in DECODERS:
                raise UsageError(f"{statement.name}: no draw can read the type of column {column.name!r}; cast it")
        return columns

    def rows(self, plan: Plan, steps: Sequence[Step], size: int, seed: int) -> Iterator[dict[str, Row | None]]:
        """Read the first rows of ``steps`` by statement, for ``size`` users chosen as in a run."""
        rng = random.Random(f"{seed}:{plan.transaction.name}")
        users = self.ranks.draw_users(np.random.Generator(np.random.PCG64(seed)), size, self.skew)
        for user in users.tolist():
            first_rows: dict[str, Row | None] = {}
            self._command(b"BEGIN READ ONLY")
            try:
                self._run(identify(), [TYPES["bigint"].encode(user)])
                for step in steps:
                    values = [bound.value(user, first_rows, rng) for bound in step.parameters]
                    first_rows[step.statement.name] = first_row(self._run(step.statement, values))
            finally:
                self._command(b"ROLLBACK")
            yield first_rows

    def _run(self, statement: Statement, values: Sequence[bytes | None]) -> PGresult:
        oids = [TYPES[p.type].oid for p in statement.parameters]
        answer = self.connection.pgconn.exec_params(
            statement.sql.encode(), values, oids, [_BINARY] * len(values), result_format=_BINARY
        )
        return self._checked(statement, answer)

    def _command(self, sql: bytes) -> None:
        self.connection.pgconn.exec_(sql)

    def _checked(self, statement: Statement, answer: PGresult) -> PGresult:
        if answer.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return answer
        message = self.connection.pgconn.get_error_message().strip().split("\n")[0]
        raise EnvironmentFault(f"{statement.name} cannot be run on {self.connection.info.dbname}: {message}")
