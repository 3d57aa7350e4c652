"""Start, watch and end the worker processes of a load."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final
from uuid import UUID

from loadgen import interrupts
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.population.model import Population
from loadgen.seeding.forking import CAN_FORK
from loadgen.seeding.worker import Failure, work

_END_S: Final = 5.0


class Workers:
    """Worker processes of a load. Leaving the context ends those that still run and rolls back their current parts."""

    def __init__(self, by: UUID, jobs: int) -> None:
        self._by, self._jobs = by, jobs
        self._running: list[tuple[BaseProcess, Connection]] = []

    def __enter__(self) -> Workers:
        interrupts.register(self._end)
        return self

    def start(self, target: Target, population: Population) -> None:
        """Start the workers on ``target``."""
        # Forked from here, they would share this process's connection.
        context = multiprocessing.get_context("forkserver") if CAN_FORK else multiprocessing.get_context("spawn")
        for _ in range(self._jobs):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=work, args=(target, self._by, population, sender), daemon=True)
            with interrupts.deferred():
                process.start()
                sender.close()
                self._running.append((process, receiver))

    def __exit__(self, *exception: object) -> None:
        with interrupts.deferred():
            interrupts.unregister(self._end)
            self._end()

    def _end(self) -> None:
        for process, _ in self._running:
            process.terminate()
        for process, pipe in self._running:
            process.join(_END_S)
            if process.is_alive():  # for example after SIGSTOP
                process.kill()
                process.join()
            pipe.close()

    def check(self) -> None:
        """Remove processes that have ended; raise EnvironmentFault with the message of one that failed."""
        ended = [pair for pair in self._running if not pair[0].is_alive()]
        failures = [failure for process, pipe in ended if (failure := _failure(process, pipe))]
        if failures:
            raise EnvironmentFault(max(failures, key=lambda failure: failure.is_cause).message)
        for process, pipe in ended:
            pipe.close()
            self._running.remove((process, pipe))

    def join(self, timeout_s: float) -> None:
        """Wait until all have ended, so that the server has their counters, or for ``timeout_s``."""
        until = time.monotonic() + timeout_s
        for process, _ in self._running:
            process.join(max(0.0, until - time.monotonic()))
        self.check()


def _failure(process: BaseProcess, pipe: Connection) -> Failure | None:
    """The failure that an ended process sent, or that its exit code shows; None if it succeeded."""
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
