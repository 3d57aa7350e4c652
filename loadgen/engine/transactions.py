"""Transactions of a user, the draws that fill their parameters, and carrying them out."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, get_args

import gevent

from loadgen.engine.answers import Answers, Parameters, Query, Row, first_row
from loadgen.engine.failures import DatabaseError, QueryError
from loadgen.engine.scenario_sql import Parameter, Statement, own_statements
from loadgen.engine.wire import TYPES, Value
from loadgen.errors import UsageError
from loadgen.runs.format.scenario import Isolation, TransactionDescription, begin_command

if TYPE_CHECKING:
    from loadgen.engine.client import Connection
    from loadgen.engine.recording.recorder import Recorder

ACTIVE_USER: Final = "active_user"
RETRIED: Final = ("40001", "40P01")
"""SQLSTATEs to retry, as PostgreSQL asks: serialization_failure and deadlock_detected."""
MAX_ATTEMPTS: Final = 4
BACKOFF_S: Final = 0.005
DRAW_FAILED: Final = "P0001"
"""SQLSTATE (raise_exception) of a draw that raised, or returned a value that its parameter's type cannot hold."""

_NONE: Final[Parameters] = ()
_encode_user: Final = TYPES["bigint"].encode

Draw = Callable[..., Value]
F = TypeVar("F", bound=Draw)


def draw(function: F) -> F:
    """Declare a function of a scenario as a draw: ``f(rng)``, or ``f(rng, row)`` when applied to a statement's row."""
    function.is_draw = True  # type: ignore[attr-defined]  # a mark, read by draws_of
    return function


def draws_of(namespace: Mapping[str, object]) -> dict[str, Draw]:
    """Find the draws that a scenario's module declares, by name."""
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


def identify() -> Statement:
    """Statement at the begin of every transaction, which sets the user for row security until COMMIT."""
    return own_statements()["identify"]


@dataclass(frozen=True, slots=True)
class BoundParameter:
    """A parameter with its encoder and draw; ``function`` None stands for the transaction's user."""

    parameter: Parameter
    encode: Callable[..., bytes]
    function: Draw | None

    def value(self, user: int, results: Mapping[str, Row | None], rng: random.Random) -> bytes | None:
        """Draw a value in binary format; None is SQL's NULL."""
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
    """True if its draws read a row of a statement whose answer has to come first."""
    of_user: bool = False
    """True if its only parameter is the transaction's user, as a bigint."""


@dataclass(frozen=True, slots=True)
class Round:
    """Queries that can be sent without waiting for an answer. All fields are by query, in order."""

    queries: tuple[Query, ...]
    steps: tuple[Step | None, ...]
    """Steps; None for a command."""
    users: tuple[int, ...]
    """Places of the users among the transaction's."""
    names: tuple[str | None, ...]
    """Names to count by; None for a command, which is not counted."""
    of_user: tuple[bool, ...] | None
    """Queries whose only parameter is the transaction's first user; None where others need more."""
    read: tuple[int, ...]
    """Places of queries whose rows later draws read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A transaction bound to its statements and draws."""

    transaction: Transaction
    steps: tuple[Step, ...]
    writes: bool
    rounds: tuple[Round, ...]
    """Rounds from BEGIN, with an isolation level unless it is the default, to COMMIT."""

    def describe(self) -> TransactionDescription:
        """Describe the transaction for ``loadgen.scenario/1``."""
        t = self.transaction
        names = tuple(step.statement.name for step in self.steps)
        return TransactionDescription(t.name, t.weight, names, t.repeat, self.writes, t.isolation)


def bind(transaction: Transaction, statements: Mapping[str, Statement], draws: Mapping[str, Draw], where: str) -> Plan:
    """Bind a transaction to its statements and draws. Raises UsageError for an undeclared name."""
    chosen = [identify()]
    for name in transaction.statements:
        if name not in statements:
            known = ", ".join(statements)
            raise UsageError(f"{where}: transaction {transaction.name!r} names statement {name!r}; there are {known}")
        chosen.append(statements[name])
    sent: set[str] = set()
    answered: set[str] = set()
    steps: list[Step] = []
    read = {p.of for s in chosen for p in s.parameters if p.of}
    for statement in chosen:
        bound = []
        for p in statement.parameters:
            if p.draw != ACTIVE_USER and p.draw not in draws:
                raise UsageError(f"{where}: {statement.name} draws ${p.name} from {p.draw!r}, which no @draw declares")
            if p.of and p.of not in sent:
                raise UsageError(
                    f"{where}: {statement.name} reads {p.of!r}, which {transaction.name} does not run before"
                )
            bound.append(BoundParameter(p, TYPES[p.type].encode, draws.get(p.draw)))
        waits = any(p.of and p.of not in answered for p in statement.parameters)
        if waits:
            answered |= sent
        sent.add(statement.name)
        of_user = [(p.draw, p.type) for p in statement.parameters] == [(ACTIVE_USER, "bigint")]
        steps.append(Step(statement, tuple(bound), statement.name in read, waits, of_user))
    writes = any(s.writes for s in chosen)
    if transaction.isolation not in get_args(Isolation):
        levels = ", ".join(get_args(Isolation))
        what = f"transaction {transaction.name!r} has isolation {transaction.isolation!r}"
        raise UsageError(f"{where}: {what}; levels are {levels}")
    begin = begin_command(writes, transaction.isolation).encode()
    return Plan(transaction, tuple(steps), writes, _rounds(begin, steps, transaction.repeat))


def _rounds(begin: bytes, steps: Sequence[Step], repeat: int) -> tuple[Round, ...]:
    """Split all steps of ``repeat`` users into rounds, where a draw needs the rows of an earlier statement."""
    parts: list[list[tuple[Query, Step | None, int]]] = [[(begin, None, 0)]]
    for user in range(repeat):
        for step in steps:
            if step.waits:
                parts.append([])
            parts[-1].append((step.statement, step, user))
    parts[-1].append((b"COMMIT", None, 0))
    return tuple(_round(part) for part in parts)


def _round(part: Sequence[tuple[Query, Step | None, int]]) -> Round:
    queries, steps, users = zip(*part, strict=True)
    of_user = set(users) == {0} and all(step.of_user for step in steps if step)
    return Round(
        queries=queries,
        steps=steps,
        users=users,
        names=tuple(step.statement.name if step else None for step in steps),
        of_user=tuple(step is not None for step in steps) if of_user else None,
        read=tuple(place for place, step in enumerate(steps) if step and step.read_by_draw),
    )


@dataclass(frozen=True, slots=True)
class Worker:
    """Means of carrying out a transaction: connection, recorder, and sources of random values.

    A connection in pipeline mode sends a round's queries together; else each query is a round trip.
    """

    connection: Connection
    recorder: Recorder
    rng: random.Random
    next_user: Callable[[], int]


def perform(plan: Plan, worker: Worker) -> int:
    """Carry out a transaction with retries; returns the number of rows that its statements touched.

    Raises DatabaseError when it failed for good; the session is then idle again, or closed.
    """
    # In order of id, so that two batches which lock the same users cannot deadlock.
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
    """Carry out a transaction once, from BEGIN to COMMIT.

    In pipeline mode COMMIT travels with the last statements, so a number of rows that a header does not allow is
    counted as an error of a transaction that is committed.
    """
    rows = 0
    results: dict[str, Row | None] = {}
    for round_ in plan.rounds:
        if round_.of_user is not None:
            values: tuple[Parameters, ...] = (_NONE, (_encode_user(users[0]),))
            parameters = list(map(values.__getitem__, round_.of_user))
        else:
            parameters = [
                _NONE if step is None
                else [_drawn(bound, users[place], results, worker.rng) for bound in step.parameters]
                for step, place in zip(round_.steps, round_.users, strict=True)
            ]  # fmt: skip
        answers = _exchange(round_, parameters, worker)
        for place in round_.read:
            step = round_.steps[place]
            if step is not None:
                results[step.statement.name] = first_row(answers.results[place])
        rows += sum(answers.counts)
    return rows


def _exchange(round_: Round, parameters: Sequence[Parameters], worker: Worker) -> Answers:
    """Send the queries of a round, and record their answers."""
    answers = Answers(keep=round_.read != ())
    try:
        worker.connection.exchange(round_.queries, parameters, answers)
    except QueryError as error:
        name = round_.names[error.place]
        if name is not None:
            worker.recorder.statement_failed(name, error.sqlstate)
            error.statement = name
        raise
    finally:
        worker.recorder.statements(round_.names, answers.times, answers.counts)
    return answers


def _drawn(bound: BoundParameter, user: int, results: Mapping[str, Row | None], rng: random.Random) -> bytes | None:
    """Draw a parameter's value. A draw that raises fails its transaction, which is then rolled back and counted."""
    try:
        return bound.value(user, results, rng)
    except Exception as error:
        name, draw_name = bound.parameter.name, bound.parameter.draw
        raise DatabaseError(DRAW_FAILED, f"drawing {name} from {draw_name} failed: {error!r}") from error
