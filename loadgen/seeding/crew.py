"""Several connections that work on a list of tasks, each when those that it needs are done."""

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
from loadgen.seeding.seeding_sql import statement
from loadgen.seeding.session import open_session

POLL_S: Final = 0.3
_CANCEL_S: Final = 5.0
APPLICATION: Final = "loadgen seed: finishing"
"""By this name whoever takes over from a dead participant finds what the server still does for that one."""

_MEMORY_MB: Final = 1024
_MOST_MEMORY_MB: Final = 256
"""For all connections together, and for one: sorts of a few million keys stay in memory, and GIN's lists are written
out in few and long pieces. A server that allows more keeps what it allows."""


@dataclass(frozen=True, slots=True)
class Task:
    """``work`` on a connection, given how many processes the server may add to its own; ``cost`` roughly in seconds."""

    name: str
    cost: float
    after: frozenset[str]
    """Names of tasks that must be done before; one that is not in the list counts as done."""
    work: Callable[[psycopg.Connection, int], None]


Watch = Callable[[Collection[str], int, int], None]
"""Hears now and then what is being worked on, how many tasks are done, and how many there are."""


class Crew:
    """At most ``jobs`` connections, each with a thread. Leaving the context by an error cancels what still runs."""

    def __init__(self, target: Target, jobs: int) -> None:
        self._target, self._jobs = target, jobs
        self._pool = ThreadPoolExecutor(jobs)
        self._all: list[psycopg.Connection] = []
        self._idle: SimpleQueue[psycopg.Connection] = SimpleQueue()
        self._started: list[Future[None]] = []

    @property
    def jobs(self) -> int:
        return self._jobs

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        with interrupts.deferred():
            # More than once: a cancel that comes between two statements of a task is lost.
            while wait(self._started, timeout=0 if kind else None).not_done:
                for conn in tuple(self._all):
                    with suppress(psycopg.Error):
                        conn.cancel_safe(timeout=_CANCEL_S)
                wait(self._started, timeout=POLL_S)
            self._pool.shutdown()
            for conn in self._all:
                conn.close()

    def run(self, tasks: Collection[Task], watch: Watch) -> None:
        """Do all of them, the longest chain of tasks first. Raises what the first that fails raises."""
        todo = _most_urgent_first(tasks)
        names = {task.name for task in tasks}
        done: set[str] = set()
        running: dict[Future[None], Task] = {}
        while todo or running:
            for task in tuple(todo):
                if len(running) < self._jobs and task.after & names <= done:
                    todo.remove(task)
                    # Connections that would have nothing to do lend their processors to those that have.
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
            # Counters of changed rows reach the others' view now, not up to a second later.
            conn.execute(statement("flush_counters"))

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection]:
        try:
            conn = self._idle.get_nowait()
        except Empty:
            conn = open_session(self._target, APPLICATION)
            self._all.append(conn)
            memory_mb = min(_MOST_MEMORY_MB, _MEMORY_MB // self._jobs)
            conn.execute(statement("session_finish"), {"memory_mb": memory_mb})
        yield conn
        self._idle.put(conn)


def _most_urgent_first(tasks: Collection[Task]) -> list[Task]:
    """By the cost of the longest chain that begins with each: the usual list schedule (Graham 1969)."""
    by_name = {task.name: task for task in tasks}
    urgency: dict[str, float] = {}

    def of(name: str) -> float:
        if name not in urgency:
            later = (of(task.name) for task in tasks if name in task.after)
            urgency[name] = by_name[name].cost + max(later, default=0.0)
        return urgency[name]

    return sorted(tasks, key=lambda task: -of(task.name))
