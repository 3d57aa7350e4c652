"""What PostgreSQL asks to retry is retried, for longer and longer, and what it costs stays in the latency."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path
from typing import Any

import pytest

from loadgen.engine import transactions
from loadgen.engine.failures import DatabaseError, QueryError
from loadgen.engine.recording.recorder import Recorder
from loadgen.engine.scenario_sql import load
from loadgen.engine.transactions import BACKOFF_S, MAX_ATTEMPTS, Plan, Transaction, Worker, bind, perform
from loadgen.runner.summary import summarise
from loadgen.runs import spool
from loadgen.runs.format.result import RunResult
from loadgen.runs.format.use import ServerUse
from loadgen.runs.spool import Second

SQL = "-- name: add (write, rows 1)\n-- $1 user_id bigint = active_user\nSELECT $1\n"
ANSWER_S = 0.25
"""How long the server takes to say no, by the clock of the test."""


class Refusing:
    """A session whose every query fails, so many times, and costs ANSWER_S of a clock that nobody waits for."""

    def __init__(self, sqlstate: str, clock: Clock) -> None:
        self.sqlstate, self.clock = sqlstate, clock
        self.attempts = self.rollbacks = 0

    def exchange(self, *_: Any) -> None:
        self.attempts += 1
        self.clock.now += ANSWER_S
        raise QueryError(self.sqlstate, "no", 1)

    def rollback(self) -> None:
        self.rollbacks += 1


class Clock:
    def __init__(self) -> None:
        self.now = float(int(time.monotonic()))
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(transactions.gevent, "sleep", clock.sleep)
    return clock


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "s.sql"
    path.write_text(SQL)
    return bind(Transaction("save", 1, ("add",)), load(path), {}, "s.py")


def carried_out(plan: Plan, sqlstate: str, clock: Clock, tmp_path: Path) -> tuple[Refusing, RunResult]:
    """One transaction that fails for good, recorded as a user does."""
    written = io.BytesIO()
    recorder, session = Recorder(written), Refusing(sqlstate, clock)
    sent = clock.now
    worker = Worker(session, recorder, random.Random(1), lambda: 7)  # type: ignore[arg-type]  # what it needs of one
    with pytest.raises(DatabaseError) as caught:
        perform(plan, worker)
    recorder.transaction("save", sent, sent, clock.now, 0, caught.value)
    recorder.close()
    path = tmp_path / "seconds.jsonl"
    path.write_bytes(written.getvalue())
    window: list[Second] = list(spool.read(path))
    return session, summarise(window, ServerUse(None, 0, None, 0, 0, 0, 0, 0, 0, {}), 0.1, 1)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_exhausted_retries_stay_in_the_latency(plan: Plan, clock: Clock, tmp_path: Path, sqlstate: str) -> None:
    session, result = carried_out(plan, sqlstate, clock, tmp_path)
    assert session.attempts == session.rollbacks == MAX_ATTEMPTS
    assert result.retries == len(clock.slept) == MAX_ATTEMPTS - 1
    assert all(0 <= slept <= BACKOFF_S * 2**attempt for attempt, slept in enumerate(clock.slept, 1))
    assert (result.count, result.errors_by_sqlstate) == (1, {sqlstate: 1})
    # One latency, from the first BEGIN to the last refusal: all attempts and what lay between them.
    assert result.response.count == result.service.count == 1
    assert result.response.max_ms == pytest.approx(1000 * (MAX_ATTEMPTS * ANSWER_S + sum(clock.slept)), rel=0.001)


@pytest.mark.parametrize(("sqlstate", "kept"), [("23505", False), ("57014", True)])
def test_what_retrying_cannot_help_is_not_retried(
    plan: Plan, clock: Clock, tmp_path: Path, sqlstate: str, kept: bool
) -> None:
    """A unique violation fails at once and has no latency; a statement timeout waited for the server and has one."""
    session, result = carried_out(plan, sqlstate, clock, tmp_path)
    assert session.attempts == 1
    assert result.retries == len(clock.slept) == 0
    assert result.response.count == kept
    assert result.errors == 1
