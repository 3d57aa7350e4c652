"""Tasks on several connections: in order where there is one, side by side where not, cancelled where one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

import psycopg
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.seeding.scheduler import Scheduler, Task


def watch(running: Collection[str], done: int, total: int) -> None:
    """Nobody watches."""


class Log:
    """What tasks did, in the order of their ends."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.helpers: dict[str, int] = {}

    def task(self, name: str, cost: float, *after: str, query: str = "SELECT") -> Task:
        def work(conn: psycopg.Connection, helpers: int) -> None:
            conn.execute(query.encode())
            self.helpers[name] = helpers
            self.ended.append(name)

        return Task(name, cost, frozenset(after), work)


def test_a_task_waits_for_those_it_needs_and_the_longest_chain_goes_first(database: Target) -> None:
    log = Log()
    tasks = [log.task("short", 1), log.task("chain", 2), log.task("end", 5, "chain", "absent"), log.task("long", 4)]
    with Scheduler(database, 1) as scheduler:
        scheduler.run(tasks, watch)
    assert log.ended == ["chain", "end", "long", "short"]


def test_tasks_run_side_by_side_and_lend_their_processors(database: Target) -> None:
    log = Log()
    # Each waits until the other is at work as well.
    meet = """DO $$ BEGIN
        WHILE (
            SELECT count(*) < 2 FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'loadgen seed%' AND state = 'active'
        ) LOOP
            PERFORM pg_stat_clear_snapshot();
        END LOOP;
        PERFORM pg_sleep(0.1);
    END $$"""
    with Scheduler(database, 4) as scheduler:
        scheduler.run(
            [log.task("a", 1, query=meet), log.task("b", 1, query=meet), log.task("last", 1, "a", "b")], watch
        )
    assert sorted(log.ended) == ["a", "b", "last"]
    assert log.helpers["last"] == 3


@pytest.mark.parametrize("failing", ["SELECT 1/0", None])
def test_a_failure_ends_the_others_at_once(database: Target, failing: str | None) -> None:
    log = Log()
    slow = log.task("slow", 9, query="SELECT pg_sleep(60)")
    tasks = [slow, log.task("failing", 1, query=failing)] if failing else [slow]

    def interrupt(running: Collection[str], done: int, total: int) -> None:
        if failing is None and at_work():
            raise KeyboardInterrupt

    at_work = counting(database)
    began = time.monotonic()
    with pytest.raises((psycopg.errors.DivisionByZero, KeyboardInterrupt)), Scheduler(database, 2) as scheduler:
        scheduler.run(tasks, interrupt)
    assert time.monotonic() - began < 30
    assert log.ended == []
    assert at_work() == 0


def counting(database: Target) -> Callable[[], int]:
    def at_work() -> int:
        with connect(database) as conn:
            row = conn.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
                "AND query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()"
            ).fetchone()
        return int(row[0]) if row else 0

    return at_work
