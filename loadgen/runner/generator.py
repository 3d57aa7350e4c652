"""The load generator of one scenario on this machine: start it, send it schedules, follow its events."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from loadgen.errors import EnvironmentFault, UsageError
from loadgen.runner.child import GRACE_S, START_TIMEOUT_S, Child, Inbox, as_error, close_all, next_event
from loadgen.runner.parts import OnLoss, ProcessResult
from loadgen.runs.control import Command, Done, Failed, Phase, PhaseBegan, Ramped, Ready
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.spool import spool_name

BEGIN_S: Final = 0.02
"""Time from the command to begin until the warm-up, so that all processes begin together."""


class ScenarioChild:
    """The load generator of one scenario on this machine: one child, or several that share every load.

    A context manager that ends them. Not thread-safe. ``only``: names of the transactions to run, empty for all.
    ``say`` gets a message for each process that is lost.
    """

    def __init__(
        self,
        scenario: Path,
        environment: Mapping[str, str],
        allow_unmarked: str | None = None,
        *,
        processes: int = 1,
        on_loss: OnLoss = "stop",
        only: Sequence[str] = (),
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._path = scenario
        self._say = say
        self._on_loss = on_loss
        self.interrupted = False
        self._inbox: Inbox = queue.Queue()
        unmarked = {} if allow_unmarked is None else {"LOADGEN_ALLOW_UNMARKED": allow_unmarked}
        command = ("loadgen.engine.child", str(scenario), *only)
        self._children = [Child(command, {**environment, **unmarked}, self._inbox) for _ in range(processes)]
        try:
            self.description: ScenarioDescription = self._ready()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                for child in self._children:
                    child.kill()
            self.close()
            raise

    def __enter__(self) -> ScenarioChild:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def processes(self) -> int:
        return len(self._children)

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    @property
    def words(self) -> list[str]:
        """The last lines that the processes wrote to stderr."""
        return [line for child in self._children for line in child.words]

    def run(self, schedule: Schedule, directory: Path, on_phase: Callable[[PhaseBegan], None]) -> list[ProcessResult]:
        """Carry out one schedule and return each process's result, its seconds in a spool in ``directory``.

        A signal ends the run early and keeps what was measured. ``on_phase`` is called when the first process begins a
        phase. Raises a child's own LoadgenError, and EnvironmentFault for children that hang.
        """
        schedule = replace(schedule, processes=self.processes)
        run = _Run(self._children, schedule, directory, self._on_loss)
        planned_s = schedule.ramp_s + schedule.warmup_s + schedule.measure_s + schedule.drain_s
        left_s, stopping = planned_s + GRACE_S, False
        while not run.over:
            try:
                child, event = next_event(self._inbox, left_s, stopping=stopping)
            except queue.Empty:
                for hung in run.working:
                    run.endings[hung] = "hung and was terminated"
                    hung.kill()
                if not run.done:
                    raise EnvironmentFault(
                        f"the load generator of {self._path.stem} hung and was terminated{self._children[0].why()}"
                    ) from None
                continue
            except KeyboardInterrupt:
                self.interrupted = True
                run.stop()
                left_s, stopping = schedule.drain_s + GRACE_S, True
                continue
            match event:
                case PhaseBegan():
                    if run.first(event):
                        on_phase(event)
                case Failed():
                    run.stop()
                    raise as_error(event)
                case Ramped() | Done() | None:
                    run.handle(child, event)
                    if event is None and child not in run.done:
                        ending = run.endings.setdefault(child, child.ending())
                        self._say(f"process {run.number(child)} {ending}: {run.goes_on}")
                case _:
                    raise EnvironmentFault(f"the load generator of {self._path.stem} restarted; run it again")
        for lost in set(self._children) - run.done.keys():
            lost.close()
        self._children = [child for child in self._children if child in run.done]
        return run.results()

    def close(self) -> None:
        """End the children."""
        close_all(self._children)

    def _ready(self) -> ScenarioDescription:
        """Wait until all children have loaded the scenario; returns its description, raises the error of any child."""
        deadline = time.monotonic() + START_TIMEOUT_S
        descriptions: list[ScenarioDescription] = []
        while len(descriptions) < len(self._children):
            try:
                child, event = self._inbox.get(timeout=max(deadline - time.monotonic(), 0.0))
            except queue.Empty:
                for slow in self._children:
                    slow.kill()
                why = self._children[0].why()
                raise EnvironmentFault(f"{self._path} did not load within {START_TIMEOUT_S:g} s{why}") from None
            if isinstance(event, Failed):
                raise as_error(event)
            if not isinstance(event, Ready):
                ending = child.ending()
                if child.was_killed:
                    raise EnvironmentFault(
                        f"a process that loaded {self._path} {ending}; check what ended it, then run it again"
                    )
                raise UsageError(f"{self._path} could not be loaded{child.why()}")
            descriptions.append(event.scenario)
        return descriptions[0]


class _Run:
    """The state of one run over several children."""

    def __init__(self, children: Sequence[Child], schedule: Schedule, directory: Path, on_loss: OnLoss) -> None:
        self._children = list(children)
        self._on_loss = on_loss
        self._ramped: set[Child] = set()
        self._lost: set[Child] = set()
        self._begun: set[Phase] = set()
        self._begin_sent = False
        self.done: dict[Child, Done] = {}
        self.endings: dict[Child, str | None] = {}
        """How each lost child ended."""
        self._spools = [directory / spool_name(process) for process in range(len(children))]
        for process, (child, spool) in enumerate(zip(children, self._spools, strict=True)):
            child.tell(Command("run", schedule, str(spool), process))

    @property
    def working(self) -> list[Child]:
        """Children that have not finished and are not lost."""
        return [child for child in self._children if child not in self.done and child not in self._lost]

    @property
    def over(self) -> bool:
        return not self.working

    @property
    def goes_on(self) -> str:
        """Consequence of a loss, for a message."""
        if self.over:
            return "the run is over"
        return "the run stops" if self._on_loss == "stop" else "the run continues without it"

    def number(self, child: Child) -> int:
        """Number of a child's share."""
        return self._children.index(child)

    def first(self, event: PhaseBegan) -> bool:
        """True if no other process has begun this phase."""
        begun = event.phase in self._begun
        self._begun.add(event.phase)
        return not begun

    def handle(self, child: Child, event: Ramped | Done | None) -> None:
        """Handle an event of one child: all its users started, its part done, or (None) the process lost."""
        if isinstance(event, Ramped):
            self._ramped.add(child)
        elif isinstance(event, Done):
            self.done[child] = event
            if event.refusal is not None:
                self.stop()
        else:
            self._lost.add(child)
            if self._on_loss == "stop":
                self.stop()
        if not self._begin_sent and self._ramped >= set(self.working):
            self._begin_sent = True
            at = time.monotonic() + BEGIN_S
            for waiting in self.working:
                waiting.tell(Command("begin", at=at))

    def stop(self) -> None:
        """End the run early."""
        for child in self.working:
            child.tell(Command("stop"))

    def results(self) -> list[ProcessResult]:
        """Result of each child, in the order of their shares."""
        names = [f"process {process}" for process in range(len(self._children))]
        return [
            ProcessResult(name, spool, self.done.get(child), ending=self.endings.get(child))
            for name, spool, child in zip(names, self._spools, self._children, strict=True)
        ]
