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

from loadgen.engine.answers import Answers, Query, Row, first_row
from loadgen.engine.failures import DatabaseError, QueryError
from loadgen.engine.statements import Parameter, Statement, load
from loadgen.engine.wire import TYPES, Value
from loadgen.errors import UsageError
from loadgen.runs.format import Isolation, TransactionDescription, begin_command

if TYPE_CHECKING:
    from loadgen.engine.client import Connection
    from loadgen.engine.recorder import Recorder

ACTIVE_USER: Final = "active_user"
RETRIED: Final = ("40001", "40P01")
"""serialization_failure and deadlock_detected: the only errors that PostgreSQL asks clients to retry."""
MAX_ATTEMPTS: Final = 4
BACKOFF_S: Final = 0.005
DRAW_FAILED: Final = "P0001"
"""raise_exception: a scenario's own function raised, or returned what its parameter's type cannot hold."""

_encode_user: Final = TYPES["bigint"].encode

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
    waits: bool = False
    """Whether its own draws read a row that is not there before what was sent earlier is answered."""
    of_user: bool = False
    """Whether the transaction's user, as a bigint, is all that it is given."""


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
    answered: set[str] = set()
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
        waits = any(p.of and p.of not in answered for p in statement.parameters)
        if waits:
            answered |= seen
        seen.add(statement.name)
        of_user = all(p.draw == ACTIVE_USER and p.type == "bigint" for p in statement.parameters)
        steps.append(Step(statement, tuple(bound), statement.name in read, waits, of_user))
    writes = any(s.writes for s in chosen)
    if transaction.isolation not in get_args(Isolation):
        levels = ", ".join(get_args(Isolation))
        what = f"transaction {transaction.name!r} has isolation {transaction.isolation!r}"
        raise UsageError(f"{where}: {what}; levels are {levels}")
    return Plan(transaction, tuple(steps), writes, begin_command(writes, transaction.isolation).encode())


@dataclass(frozen=True, slots=True)
class Worker:
    """What carrying out a transaction needs: the session, where to count, and where random values come from.

    A transaction's statements are sent as far as no draw needs an earlier row: in one go by a session in pipeline mode,
    else with a round trip each.
    """

    connection: Connection
    recorder: Recorder
    rng: random.Random
    next_user: Callable[[], int]


def perform(plan: Plan, worker: Worker) -> int:
    """Carry a transaction out, retrying what PostgreSQL asks to retry; returns the rows that its statements touched.

    Raises DatabaseError when it failed for good; the session is then idle again, or closed.
    """
    # In order of id, as a batch would be written: two that lock the same users cannot deadlock.
    repeat = plan.transaction.repeat
    users = [worker.next_user()] if repeat == 1 else sorted(worker.next_user() for _ in range(repeat))
    attempt = 1
    while True:
        try:
            return _attempt(plan, worker, users)
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
    """Once from BEGIN to COMMIT.

    In pipeline mode COMMIT travels with the last statements, so a number of rows that a header does not allow is
    counted as an error of a transaction that is committed.
    """
    rows = 0
    queries: list[Query] = [(plan.begin, ())]
    steps: list[Step | None] = [None]
    for user in users:
        results: dict[str, Row | None] = {}
        only_user = [_encode_user(user)]
        for step in plan.steps:
            if step.waits:
                rows += _exchange(queries, steps, results, worker)
                queries, steps = [], []
            if step.of_user:
                queries.append((step.statement, only_user * len(step.parameters)))
            else:
                values = [_drawn(bound, user, results, worker.rng) for bound in step.parameters]
                queries.append((step.statement, values))
            steps.append(step)
    queries.append((b"COMMIT", ()))
    steps.append(None)
    return rows + _exchange(queries, steps, {}, worker)


def _exchange(
    queries: Sequence[Query], steps: Sequence[Step | None], results: dict[str, Row | None], worker: Worker
) -> int:
    """Send queries and count what came of them; the rows that they touched. ``results`` gets the rows for draws."""
    answers = Answers()
    sent = time.monotonic()
    try:
        worker.connection.exchange(queries, answers)
    except QueryError as error:
        failed = steps[error.place]
        if failed is not None:
            worker.recorder.statement_failed(failed.statement.name, error.sqlstate)
        raise
    finally:
        worker.recorder.statements(steps, sent, answers.counts, answers.times)
    for step, result in zip(steps, answers.results, strict=True):
        if step is not None and step.read_by_draw:
            results[step.statement.name] = first_row(result)
    return sum(answers.counts)


def _drawn(bound: BoundParameter, user: int, results: Mapping[str, Row | None], rng: random.Random) -> bytes | None:
    """A parameter's value. A draw that raises fails its transaction, which is then rolled back and counted."""
    try:
        return bound.value(user, results, rng)
    except Exception as error:
        name, draw_name = bound.parameter.name, bound.parameter.draw
        raise DatabaseError(DRAW_FAILED, f"drawing {name} from {draw_name} failed: {error!r}") from error
