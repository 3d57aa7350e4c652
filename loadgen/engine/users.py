"""The Locust user that scenarios build on."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from time import monotonic
from typing import ClassVar, Final

import gevent
from locust import User
from locust.env import Environment
from locust.exception import StopUser

from loadgen.engine.failures import GUARD_REFUSED, DatabaseError
from loadgen.engine.load import Load, OpenLoad, user_rng
from loadgen.engine.pacing.dispatch import Arrival
from loadgen.engine.pacing.think import NO_THINK_TIME, ThinkTime, exponential
from loadgen.engine.recording import locust_figures
from loadgen.engine.recording.locust_figures import REQUEST_TYPE
from loadgen.engine.recording.recorder import kept_in_latency
from loadgen.engine.scenario_sql import load as load_statements
from loadgen.engine.transactions import Plan, Transaction, bind, draws_of, perform
from loadgen.errors import UsageError
from loadgen.runs.format.scenario import ScenarioDescription

RECONNECT_S: Final = (0.1, 5.0)
"""First and longest wait before a reconnect, in seconds."""
_WAITED_S: Final = 0.0001
"""Time to take a connection from which it counts as a wait: an idle one takes a few microseconds."""


class PostgresUser(User):
    """A person using the application: one session, one transaction at a time, think time between them.

    A scenario sets ``transactions``, and may set ``think_time`` and ``user_skew``; its statements are in the ``.sql``
    file beside it. Everything else (guard, sessions, row security, latencies, retries) happens here.
    """

    abstract = True

    transactions: ClassVar[tuple[Transaction, ...]] = ()
    think_time: ClassVar[ThinkTime] = exponential(mean_s=5.0)
    user_skew: ClassVar[float] = 0.99
    """Zipf's exponent of the choice of user over activity ranks; 0.99 is YCSB's."""

    load: ClassVar[Load | None] = None
    """Load that all users share, set before any user starts."""

    _numbers: ClassVar[itertools.count[int]] = itertools.count()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.transactions:
            cls.take(cls.transactions)

    @classmethod
    def take(cls, transactions: tuple[Transaction, ...]) -> None:
        """Set the transactions to run, from the next run on."""
        cls.abstract = False
        cls.plans.cache_clear()
        cls.transactions = transactions
        # Locust draws from this list evenly: repeat a task by its weight.
        cls.tasks = [_task(t.name) for t in transactions for _ in range(t.weight)]

    @classmethod
    def restrict(cls, only: Sequence[str]) -> None:
        """Keep only the named transactions, or all for no name. Raises UsageError for an unknown one."""
        known = {t.name for t in cls.transactions}
        for name in only:
            if name not in known:
                raise UsageError(f"no transaction {name!r} in this scenario; there are {', '.join(sorted(known))}")
        if only:
            cls.take(tuple(t for t in cls.transactions if t.name in only))

    @classmethod
    def prepare(cls) -> None:
        """Hook for a scenario's computations before the load starts; does nothing by default."""

    @classmethod
    @cache
    def plans(cls) -> dict[str, Plan]:
        """Bind the transactions to their statements and draws, by name. Raises UsageError where they do not fit."""
        module = sys.modules[cls.__module__]
        path = Path(module.__file__ or "")
        statements = load_statements(path.with_suffix(".sql"))
        draws = draws_of(vars(module))
        for t in cls.transactions:
            if t.weight < 1 or t.repeat < 1:
                raise UsageError(f"{path.name}: transaction {t.name!r} needs a weight and repeat of at least 1")
        return {t.name: bind(t, statements, draws, path.name) for t in cls.transactions}

    @classmethod
    def describe(cls) -> ScenarioDescription:
        """Describe this scenario for ``loadgen.scenario/1``."""
        module = sys.modules[cls.__module__]
        plans = cls.plans().values()
        statements = {step.statement.name: step.statement.describe() for plan in plans for step in plan.steps}
        return ScenarioDescription(
            name=Path(module.__file__ or "").stem,
            summary=(module.__doc__ or "").strip().split("\n")[0].rstrip("."),
            think_time_s=cls.think_time.description,
            user_skew=cls.user_skew,
            transactions=tuple(plan.describe() for plan in plans),
            statements=tuple(statements.values()),
        )

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if self.load is None:
            raise RuntimeError("a load must be opened before its users start")
        self._load = self.load
        self._rng = user_rng(self._load, next(self._numbers))
        self._think = self.think_time if self._load.think else NO_THINK_TIME
        self._sessions = self._load.endpoints.sessions(self._rng)
        self._intended = monotonic()
        self._reconnect_s = RECONNECT_S[0]
        self._ending = False
        self._fires_each = locust_figures.attach(environment, self._load.recorder)

    def stop(self, force: bool = False) -> bool:
        """End this user after its current transaction, or at once if forced.

        Locust kills a thinking user, and one that has just stopped thinking in its next transaction.
        """
        self._ending = True
        return bool(super().stop(force))

    def wait_time(self) -> float:
        """Draw a think time, at the end of which the next transaction is intended."""
        seconds = self._think()
        self._intended = monotonic() + seconds
        return seconds

    def on_start(self) -> None:
        """Connect before the first transaction, so that its latency does not include connecting."""
        with contextlib.suppress(DatabaseError):  # the first transaction retries and records the failure
            self._sessions.warm()
        self._intended = monotonic()

    def on_stop(self) -> None:
        """Close the user's sessions."""
        self._sessions.close()

    def live(self, plan: Plan) -> None:
        """Carry out one transaction; a user without think time goes on with others, by weight, until stopped.

        Locust's own loop waits for think times; without them it would cost a quarter of the CPU of a short transaction.
        """
        self.transact(plan)
        if self._think is not NO_THINK_TIME:
            return
        plans = self.plans()
        choices = [plans[t.name] for t in self.transactions for _ in range(t.weight)]
        draw = self._rng.random
        while True:
            self.transact(choices[int(draw() * len(choices))])

    def transact(self, plan: Plan) -> None:
        """Carry out one transaction and record it.

        Under an open load this waits for an arrival first, and ends the user when there is no other.
        """
        if self._ending:
            raise StopUser
        if self._load.open is not None:
            self._take_turn(plan, self._load.open)
            return
        intended, sent = self._intended, monotonic()
        failure: DatabaseError | None = None
        rows = 0
        try:
            worker = self._sessions.take(plan)
            sent = monotonic()  # after waiting for or opening a connection, which is lag
            rows = perform(plan, worker)
        except DatabaseError as error:
            failure = error
        except BaseException:
            self._load.recorder.access.killed()
            raise
        answered = monotonic()
        self._load.recorder.transaction(plan.transaction.name, intended, sent, answered, rows, failure)
        self._intended = answered
        self._ended(plan, answered - min(intended, sent), rows, failure)

    def _take_turn(self, plan: Plan, opened: OpenLoad) -> None:
        turn = opened.dispatcher.take()
        if turn is None:
            raise StopUser
        name = plan.transaction.name
        began = sent = monotonic()
        if self._too_late(name, turn, opened, sent):
            return
        failure: DatabaseError | None = None
        rows = 0
        try:
            worker = self._sessions.take(plan)
            sent = monotonic()
            if sent - began > _WAITED_S and self._too_late(name, turn, opened, sent):
                self._sessions.give(plan, committed=False)
                return
            rows = perform(plan, worker)
        except DatabaseError as error:
            failure = error
        except BaseException:
            opened.recorder.unfinished(name, turn.intended, sent, monotonic())
            raise
        answered = monotonic()
        if sent - began > _WAITED_S:  # it waited for a connection, not for the generator
            turn = turn._replace(ready=max(turn.ready, sent))
        opened.recorder.arrival(name, turn, sent, answered, rows, failure)
        self._ended(plan, answered - min(turn.intended, sent), rows, failure)

    @staticmethod
    def _too_late(name: str, turn: Arrival, opened: OpenLoad, now: float) -> bool:
        """True if an arrival is past the late limit, after waits for its turn or a connection; drops it then."""
        if now - turn.intended <= opened.late_limit_s:
            return False
        opened.recorder.dropped(name, turn.intended, now)
        gevent.sleep(0)  # let other greenlets run between many drops
        return True

    def _ended(self, plan: Plan, response_s: float, rows: int, failure: DatabaseError | None) -> None:
        """Finish a recorded transaction: give the connection back, and fire Locust's events that have listeners."""
        if failure is not None and failure.sqlstate == GUARD_REFUSED:
            self._load.refuse(failure.message)
        if failure is not None or self._fires_each:
            self._show(plan.transaction.name, response_s * 1000, rows, failure)
        if not self._sessions.give(plan, committed=failure is None):
            gevent.sleep(self._reconnect_s * (0.5 + self._rng.random() / 2))
            self._reconnect_s = min(self._reconnect_s * 2, RECONNECT_S[1])
            return
        self._reconnect_s = RECONNECT_S[0]
        if failure is not None:
            gevent.sleep(0)  # let other greenlets run, since failing may not wait at all

    def _show(self, name: str, response_ms: float, rows: int, failure: DatabaseError | None) -> None:
        if self._fires_each:
            self.environment.events.request.fire(
                request_type=REQUEST_TYPE, name=name, response_time=response_ms, response_length=rows,
                exception=failure, context={},
            )  # fmt: skip
        elif failure is not None:
            locust_figures.failed(self.environment, name, response_ms, failure, kept_in_latency(failure))


def _task(name: str) -> Callable[[PostgresUser], None]:
    def task(user: PostgresUser) -> None:
        user.live(user.plans()[name])

    task.__name__ = task.__qualname__ = name
    return task
