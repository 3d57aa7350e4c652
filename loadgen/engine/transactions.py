"""What a user does: transactions, the draws that fill their parameters, and how one is carried out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args

import gevent

from loadgen.engine.client import DatabaseError, PipelineError, Row, first_row, row_count
from loadgen.engine.statements import Parameter, Statement, load
from loadgen.engine.wire import TYPES, Value
from loadgen.errors import UsageError
from loadgen.runs.format import Isolation, TransactionDescription, begin_command

if TYPE_CHECKING:
    from loadgen.engine.client import Connection, Query
    from loadgen.engine.recorder import Recorder

ACTIVE_USER: Final = "active_user"
RETRIED: Final = ("40001", "40P01")
"""serialization_failure and deadlock_detected: the only errors that PostgreSQL asks clients to retry."""
MAX_ATTEMPTS: Final = 4
BACKOFF_S: Final = 0.005
DRAW_FAILED: Final = "P0001"
"""raise_exception: a scenario's own function raised, or returned what its parameter's type cannot hold."""
UNEXPECTED_ROWS: Final = "P0002"
"""no_data_found: a statement returned or changed a number of rows that its header does not allow."""

Draw = Callable[..., Value]
F = TypeVar("F", bound=Draw)


def draw(function: F) -> F:
    """Declare a function of a scenario as a draw: ``f(rng)``, or ``f(rng, row)`` when applied to a statement's row."""
    function.is_draw = True  # type: ignore[attr-defined]  # a mark, read by draws_of
    return function


def draws_of(namespace: Mapping[str, object]) -> dict[str, Draw]:
    """The draws that a scenario's module declares, by name."""
    return {name: value for name, value in namespace.items() if callable(value) and getattr(value, "is_draw", False)}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A weighted list of statements, all in one database transaction.

    ``repeat`` runs the list that many times in the same database transaction, each time as another user: a batch.
    ``isolation`` is its level; under one above read committed, failures to serialise are retried like deadlocks.
    """

    name: str
    weight: int
    statements: tuple[str, ...]
    repeat: int = 1
    isolation: Isolation = "read committed"


@cache
def identify() -> Statement:
    """The statement that every transaction begins with: it tells row security who the user is, until COMMIT."""
    return load(Path(__file__).with_name("identify.sql"))["identify"]


@dataclass(frozen=True, slots=True)
class BoundParameter:
    """A parameter with its encoder and draw; ``function`` None stands for the transaction's user."""

    parameter: Parameter
    encode: Callable[..., bytes]
    function: Draw | None

    def value(self, user: int, results: Mapping[str, Row | None], rng: random.Random) -> bytes | None:
        """The binary value of one call; None is SQL's NULL."""
        if self.function is None:
            return self.encode(user)
        of = self.parameter.of
        value = self.function(rng, results[of]) if of else self.function(rng)
        return None if value is None else self.encode(value)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement ready to run, and whether a later draw reads its first row."""

    statement: Statement
    parameters: tuple[BoundParameter, ...]
    read_by_draw: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A transaction bound to its statements and draws."""

    transaction: Transaction
    steps: tuple[Step, ...]
    writes: bool
    begin: bytes
    """The command that it starts with: the isolation level, unless it is the usual one, and whether it only reads."""

    def describe(self) -> TransactionDescription:
        """The part of ``loadgen.scenario/1`` that this transaction is."""
        t = self.transaction
        names = tuple(step.statement.name for step in self.steps)
        return TransactionDescription(t.name, t.weight, names, t.repeat, self.writes, t.isolation)


def bind(transaction: Transaction, statements: Mapping[str, Statement], draws: Mapping[str, Draw], where: str) -> Plan:
    """Check a transaction against its statements and draws. Raises UsageError for a name that nothing declares."""
    chosen = [identify()]
    for name in transaction.statements:
        if name not in statements:
            known = ", ".join(statements)
            raise UsageError(f"{where}: transaction {transaction.name!r} names statement {name!r}; there are {known}")
        chosen.append(statements[name])
    seen: set[str] = set()
    steps: list[Step] = []
    read = {p.of for s in chosen for p in s.parameters if p.of}
    for statement in chosen:
        bound = []
        for p in statement.parameters:
            if p.draw != ACTIVE_USER and p.draw not in draws:
                raise UsageError(f"{where}: {statement.name} draws ${p.name} from {p.draw!r}, which no @draw declares")
            if p.of and p.of not in seen:
                raise UsageError(
                    f"{where}: {statement.name} reads {p.of!r}, which {transaction.name} does not run before"
                )
            bound.append(BoundParameter(p, TYPES[p.type].encode, draws.get(p.draw)))
        seen.add(statement.name)
        steps.append(Step(statement, tuple(bound), statement.name in read))
    writes = any(s.writes for s in chosen)
    if transaction.isolation not in get_args(Isolation):
        levels = ", ".join(get_args(Isolation))
        what = f"transaction {transaction.name!r} has isolation {transaction.isolation!r}"
        raise UsageError(f"{where}: {what}; levels are {levels}")
    return Plan(transaction, tuple(steps), writes, begin_command(writes, transaction.isolation).encode())


@dataclass(frozen=True, slots=True)
class Worker:
    """What carrying out a transaction needs: the session, where to count, and where random values come from."""

    connection: Connection
    recorder: Recorder
    rng: random.Random
    next_user: Callable[[], int]
    pipeline: bool = False
    """Send a transaction's statements together, as far as no draw needs an earlier row; else a round trip each."""


def perform(plan: Plan, worker: Worker) -> int:
    """Carry a transaction out, retrying what PostgreSQL asks to retry; returns the rows that its statements touched.

    Raises DatabaseError when it failed for good; the session is then idle again, or closed.
    """
    # In order of id, as a batch would be written: two that lock the same users cannot deadlock.
    users = sorted(worker.next_user() for _ in range(plan.transaction.repeat))
    attempt = 1
    while True:
        try:
            return _attempt_pipelined(plan, worker, users) if worker.pipeline else _attempt(plan, worker, users)
        except DatabaseError as error:
            try:
                worker.connection.rollback()
            except DatabaseError:
                worker.connection.close()
            if error.sqlstate not in RETRIED or attempt == MAX_ATTEMPTS:
                raise
            worker.recorder.retry()
            gevent.sleep(BACKOFF_S * 2**attempt * worker.rng.random())
            attempt += 1


def _attempt(plan: Plan, worker: Worker, users: list[int]) -> int:
    rows = 0
    worker.connection.command(plan.begin)
    for user in users:
        results: dict[str, Row | None] = {}
        for step in plan.steps:
            values = [_drawn(bound, user, results, worker.rng) for bound in step.parameters]
            rows += _run(step, values, worker, results)
    worker.connection.command(b"COMMIT")
    return rows


def _attempt_pipelined(plan: Plan, worker: Worker, users: list[int]) -> int:
    """As :func:`_attempt`; a draw that reads an earlier row waits for the answers up to there.

    COMMIT travels with the last statements, so a number of rows that a header does not allow is counted as an error of
    a transaction that is committed.
    """
    rows = 0
    queries: list[Query] = [(plan.begin, ())]
    sent: list[_Sent] = [None]
    for user in users:
        results: dict[str, Row | None] = {}
        for step in plan.steps:
            if any(bound.parameter.of and bound.parameter.of not in results for bound in step.parameters):
                rows += _exchange(queries, sent, worker)
                queries, sent = [], []
            values = [_drawn(bound, user, results, worker.rng) for bound in step.parameters]
            queries.append((step.statement, values))
            sent.append((step, results))
    queries.append((b"COMMIT", ()))
    sent.append(None)
    return rows + _exchange(queries, sent, worker)


_Sent = tuple[Step, dict[str, Row | None]] | None
"""What a query of a pipeline was: a step and where its first row goes, or a command."""


def _exchange(queries: Sequence[Query], sent: Sequence[_Sent], worker: Worker) -> int:
    """One round trip; the rows that its statements touched."""
    try:
        answers = worker.connection.exchange(queries)
    except PipelineError as error:
        for earlier in sent[: error.ran]:
            if earlier is not None:
                worker.recorder.statement_pipelined(earlier[0].statement.name, 0)
        failed = sent[error.place]
        if failed is not None:
            worker.recorder.statement_failed(failed[0].statement.name, error.sqlstate)
        raise
    rows = 0
    wrong: str | None = None
    for query, answer in zip(sent, answers, strict=True):
        if query is None:
            continue
        step, results = query
        statement, count = step.statement, row_count(answer)
        worker.recorder.statement_pipelined(statement.name, count)
        rows += count
        if count < statement.least_rows or (statement.most_rows is not None and count > statement.most_rows):
            wrong = wrong or f"{statement.name} touched {count} rows, which its header does not allow"
        if step.read_by_draw:
            results[statement.name] = first_row(answer)
    if wrong is not None:
        raise DatabaseError(UNEXPECTED_ROWS, wrong)
    return rows


def _drawn(bound: BoundParameter, user: int, results: Mapping[str, Row | None], rng: random.Random) -> bytes | None:
    """A parameter's value. A draw that raises fails its transaction, which is then rolled back and counted."""
    try:
        return bound.value(user, results, rng)
    except Exception as error:
        name, draw_name = bound.parameter.name, bound.parameter.draw
        raise DatabaseError(DRAW_FAILED, f"drawing {name} from {draw_name} failed: {error!r}") from error


def _run(step: Step, values: list[bytes | None], worker: Worker, results: dict[str, Row | None]) -> int:
    statement = step.statement
    sent = time.monotonic()
    try:
        result = worker.connection.execute(statement, values)
    except DatabaseError as error:
        worker.recorder.statement_failed(statement.name, error.sqlstate)
        raise
    count = row_count(result)
    worker.recorder.statement(statement.name, sent, time.monotonic(), count)
    if count < statement.least_rows or (statement.most_rows is not None and count > statement.most_rows):
        raise DatabaseError(UNEXPECTED_ROWS, f"{statement.name} touched {count} rows, which its header does not allow")
    if step.read_by_draw:
        results[statement.name] = first_row(result)
    return count
