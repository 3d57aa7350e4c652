"""The processes that load: started, watched, and ended with their parent's work."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final
from uuid import UUID

from loadgen.database.connect import Target
from loadgen.errors import EnvironmentFault
from loadgen.population.model import Population
from loadgen.seeding.worker import Failure, work

_END_S: Final = 5.0


class Workers:
    """Processes that load. Leaving the context ends those that still run; what they were at is rolled back."""

    def __init__(self, target: Target, by: UUID, likely: Population, jobs: int) -> None:
        self._arguments = target, by, likely
        self._jobs = jobs
        self._running: list[tuple[SpawnProcess, Connection]] = []

    def __enter__(self) -> Workers:
        return self

    def start(self) -> None:
        """Have them import and get ready; nothing if that was done. They load once they hear :meth:`go`."""
        if self._running:
            return
        # Not fork: it would share the parent's connection.
        context = multiprocessing.get_context("spawn")
        for _ in range(self._jobs):
            mine, theirs = context.Pipe()
            process = context.Process(target=work, args=(*self._arguments, theirs), daemon=True)
            process.start()
            theirs.close()
            self._running.append((process, mine))

    def go(self, population: Population) -> None:
        """Let them load. Raises EnvironmentFault if one has failed by now."""
        self.start()
        for process, pipe in self._running:
            try:
                pipe.send(population)
            except BrokenPipeError:
                process.join()  # why, it has said
        self.check()

    def __exit__(self, *exception: object) -> None:
        for process, _ in self._running:
            process.terminate()
        for process, pipe in self._running:
            process.join(_END_S)
            if process.is_alive():  # stopped, for one
                process.kill()
                process.join()
            pipe.close()

    def check(self) -> None:
        """Forget processes that are through; raise EnvironmentFault with the line of one that failed."""
        ended = [pair for pair in self._running if not pair[0].is_alive()]
        failures = [failure for process, pipe in ended if (failure := _failure(process, pipe))]
        if failures:
            raise EnvironmentFault(max(failures, key=lambda failure: failure.is_cause).message)
        for process, pipe in ended:
            pipe.close()
            self._running.remove((process, pipe))

    def join(self, timeout_s: float) -> None:
        """Wait until all have ended, so that what they counted has reached the server, or for so long."""
        until = time.monotonic() + timeout_s
        for process, _ in self._running:
            process.join(max(0.0, until - time.monotonic()))
        self.check()


def _failure(process: SpawnProcess, pipe: Connection) -> Failure | None:
    """What an ended process said, or what its exit code says."""
    try:
        if pipe.poll():
            failure = pipe.recv()
            assert isinstance(failure, Failure)
            return failure
    except (EOFError, OSError):
        pass
    if not process.exitcode:
        return None
    return Failure(f"a seeding process ended with {process.exitcode}; run the same command again to resume", False)
