"""A scheduler that runs tasks on several connections, each after the tasks that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

import psycopg

from loadgen import interrupts
from loadgen.database.target import Target
from loadgen.seeding.session import open_session
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.seeding", "sql/session.sql")

POLL_S: Final = 0.3
_CANCEL_S: Final = 5.0
APPLICATION: Final = "loadgen seed: finishing"
"""Application name by which the next participant finds statements that a dead one left running."""

_MEMORY_MB: Final = 1024
_MOST_MEMORY_MB: Final = 256
"""maintenance_work_mem in MB of all connections together, and of one: sorts of a few million keys stay in memory, and
GIN's pending lists are flushed in few pieces. A higher setting of the server is kept."""


@dataclass(frozen=True, slots=True)
class Task:
    """``work`` for a connection and a number of parallel workers of the server; ``cost`` roughly in s."""

    name: str
    cost: float
    after: frozenset[str]
    """Names of tasks that must be done before; names that are not in the list count as done."""
    work: Callable[[psycopg.Connection, int], None]


Watch = Callable[[Collection[str], int, int], None]
"""Progress callback: names of the running tasks, number of tasks done, number of all tasks."""


class Scheduler:
    """At most ``jobs`` connections, each with a thread. An error that leaves the context cancels running tasks."""

    def __init__(self, target: Target, jobs: int) -> None:
        self._target, self._jobs = target, jobs
        self._pool = ThreadPoolExecutor(jobs)
        self._all: list[psycopg.Connection] = []
        self._idle: SimpleQueue[psycopg.Connection] = SimpleQueue()
        self._started: list[Future[None]] = []

    @property
    def jobs(self) -> int:
        return self._jobs

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        with interrupts.deferred():
            # Repeatedly: a cancel request between two statements of a task has no effect.
            while wait(self._started, timeout=0 if kind else None).not_done:
                for conn in tuple(self._all):
                    with suppress(psycopg.Error):
                        conn.cancel_safe(timeout=_CANCEL_S)
                wait(self._started, timeout=POLL_S)
            self._pool.shutdown()
            for conn in self._all:
                conn.close()

    def run(self, tasks: Collection[Task], watch: Watch) -> None:
        """Run all tasks, the longest chain of tasks first. Raises the error of the first that fails."""
        todo = _most_urgent_first(tasks)
        names = {task.name for task in tasks}
        done: set[str] = set()
        running: dict[Future[None], Task] = {}
        while todo or running:
            for task in tuple(todo):
                if len(running) < self._jobs and task.after & names <= done:
                    todo.remove(task)
                    # Cores of connections without a task go to parallel workers of the others.
                    helpers = self._jobs // (len(todo) + len(running) + 1) - 1
                    future = self._pool.submit(self._do, task, max(helpers, 0))
                    running[future] = task
                    self._started.append(future)
            watch([task.name for task in running.values()], len(done), len(names))
            for future in wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED).done:
                future.result()
                done.add(running.pop(future).name)

    def _do(self, task: Task, helpers: int) -> None:
        with self._connection() as conn:
            task.work(conn, helpers)
            # Makes the counters of changed rows visible to others now, not up to a second later.
            conn.execute(_SQL["flush_counters"])

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        try:
            conn = self._idle.get_nowait()
        except Empty:
            conn = open_session(self._target, APPLICATION)
            self._all.append(conn)
            memory_mb = min(_MOST_MEMORY_MB, _MEMORY_MB // self._jobs)
            conn.execute(_SQL["session_finish"], {"memory_mb": memory_mb})
        yield conn
        self._idle.put(conn)


def _most_urgent_first(tasks: Collection[Task]) -> list[Task]:
    """Sort by the cost of the longest chain that begins with each: the usual list schedule (Graham 1969)."""
    by_name = {task.name: task for task in tasks}
    urgency: dict[str, float] = {}

    def of(name: str) -> float:
        if name not in urgency:
            later = (of(task.name) for task in tasks if name in task.after)
            urgency[name] = by_name[name].cost + max(later, default=0.0)
        return urgency[name]

    return sorted(tasks, key=lambda task: -of(task.name))
