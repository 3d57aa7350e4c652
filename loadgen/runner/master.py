"""The master process, whose workers on this machine or others generate the load."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from loadgen.database.servers import ServersIdentity
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.runner.child import GRACE_S, START_TIMEOUT_S, Child, Inbox, as_error, next_event
from loadgen.runner.parts import OnLoss, ProcessResult
from loadgen.runs.control import Awaited, Collected, Command, Event, Failed, PhaseBegan, Ready, WorkerMissing, Workers
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.spool import spool_name

BEGINNING_S: Final = 60.0
"""Time for the workers to connect and agree on a clock before a schedule begins."""


class MasterChild:
    """A master process; a context manager that ends it and its workers. Not thread-safe.

    Used like a ``ScenarioChild``, after :meth:`wait_for_workers`. It gets no DSN: workers find the server themselves.
    """

    def __init__(
        self,
        scenario: Path,
        host: str,
        port: int,
        *,
        servers: ServersIdentity | None,
        on_loss: OnLoss,
        only: Sequence[str] = (),
        say: Callable[[str], None],
    ) -> None:
        self._path = scenario
        self._on_loss = on_loss
        self.interrupted = False
        self._servers = servers
        self._say = say
        self._inbox: Inbox = queue.Queue()
        self._workers: tuple[str, ...] = ()
        command = ("loadgen.engine.master", str(scenario), host, str(port), *only)
        self._child = Child(command, {}, self._inbox)
        try:
            event = self._next(START_TIMEOUT_S, f"{scenario} did not load within {START_TIMEOUT_S:g} s")
            if not isinstance(event, Ready):
                raise UsageError(f"{scenario} could not be loaded{self._child.why()}")
            self.description: ScenarioDescription = event.scenario
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> MasterChild:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def processes(self) -> int:
        return len(self._workers)

    def wait_for_workers(self, count: int, timeout_s: float) -> None:
        """Wait until ``count`` workers have joined. Raises EnvironmentFault after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while len(self._workers) < count:
            late = (
                f"{len(self._workers)} of {count} workers joined within {timeout_s:g} s; see the output of the others"
            )
            event = self._next(deadline - time.monotonic(), late)
            if isinstance(event, Workers):
                self._workers = event.names
                self._say(f"{len(event.names)} of {count} workers: {', '.join(event.names)}")

    def run(self, schedule: Schedule, directory: Path, on_phase: Callable[[PhaseBegan], None]) -> list[ProcessResult]:
        """Carry out one schedule; see ``ScenarioChild.run``."""
        self._child.tell(Command("run", schedule, str(directory), servers=self._servers))
        planned_s = schedule.ramp_s + schedule.warmup_s + schedule.measure_s + schedule.drain_s
        hung, stopping = f"the master of {self._path.stem} hung", False
        while True:
            try:
                event = self._next(planned_s + BEGINNING_S + GRACE_S, hung, stopping=stopping)
            except KeyboardInterrupt:
                self.interrupted = True
                self._child.tell(Command("stop"))
                stopping = True
                continue
            match event:
                case PhaseBegan():
                    on_phase(event)
                case WorkerMissing():
                    ends = "the run stops" if self._on_loss == "stop" else "the run continues without it"
                    self._say(f"worker {event.name} {'leaves' if event.leaves else 'does not answer'}: {ends}")
                    if self._on_loss == "stop":
                        self._child.tell(Command("stop"))
                case Awaited():
                    self._say(f"waiting up to {event.for_s:.0f} s for late reports of {', '.join(event.names)}")
                case Workers():
                    self._workers = event.names
                case Collected():
                    return [ProcessResult(m.name, Path(m.spool), m.done, m.clock_error_ms, m.left) for m in event.made]
                case None:
                    ending = f"whose master {self._child.ending()}"
                    self._say(f"the master of {self._path.stem} {self._child.ending()}; its measurements are kept")
                    return self._abandoned(directory, ending)
                case _:
                    raise EnvironmentFault(f"the master of {self._path.stem} restarted; run it again")

    def _abandoned(self, directory: Path, ending: str) -> list[ProcessResult]:
        """Results that a master had written before it died, by share."""
        spools = [directory / spool_name(process) for process in range(len(list(directory.glob(spool_name("*")))))]
        names = dict(enumerate(self._workers))
        return [
            ProcessResult(names.get(n, f"worker {n}"), spool, None, ending=ending) for n, spool in enumerate(spools)
        ]

    def close(self) -> None:
        """End the master, and with it its workers."""
        self._child.close()

    def _next(self, timeout_s: float, late: str, *, stopping: bool = False) -> Event | None:
        try:
            _, event = next_event(self._inbox, timeout_s, stopping=stopping)
        except queue.Empty:
            raise EnvironmentFault(f"{late}{self._child.why() if self._child.ended else ''}") from None
        if isinstance(event, Failed):
            raise as_error(event)
        return event
