"""The parent's hold on its children: start them, give them schedules, hear what they say, leave nothing behind."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

import orjson
from pydantic import TypeAdapter

from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, UsageError
from loadgen.runner.parts import Made, OnLoss
from loadgen.runs.control import Command, Done, Event, Failed, Phase, PhaseBegan, Ramped, Ready
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.spool import spool_name

START_TIMEOUT_S: Final = 60.0
GRACE_S: Final = 30.0
"""How much longer than its schedule a run may take before its child counts as hung."""
ENDING_S: Final = 5.0
"""From a process's last output to its end, at most."""
BEGIN_S: Final = 0.02
"""Notice that all processes get of the beginning of the warm-up, so that they begin together."""


def find_scenario(name: str) -> Path:
    """The locustfile that a name or path means: a path, ``scenarios/NAME.py`` here, else the shipped one.

    Raises UsageError that lists the shipped ones.
    """
    path = Path(name)
    if path.suffix == ".py":
        if path.is_file():
            return path
        raise UsageError(f"no scenario at {path}; give a locustfile or the name of one")
    shipped = _shipped()
    for folder in (Path("scenarios"), shipped):
        candidate = folder / f"{name}.py"
        if name.isidentifier() and name != "__init__" and candidate.is_file():
            return candidate
    known = ", ".join(sorted(p.stem for p in shipped.glob("*.py") if p.stem != "__init__"))
    raise UsageError(f"unknown scenario {name!r}; there are {known}, or give the path of a locustfile")


def _shipped() -> Path:
    spec = importlib.util.find_spec("scenarios")
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault("the package scenarios is not installed; install this tool again")
    return Path(next(iter(spec.submodule_search_locations)))


class Child:
    """One process of a load generator, and threads that pass on what it says to ``inbox``, None at its end.

    ``environment`` tells it where to connect (see ``Target.environment``): no password is on a command line.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], inbox: Inbox) -> None:
        self._stderr: list[str] = []
        # A session of its own: Ctrl-C in the terminal reaches the parent only, which then asks the child to stop.
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._hear, args=(inbox,), daemon=True),
            threading.Thread(target=self._keep_errors, daemon=True),
        ]
        for thread in self._readers:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it."""
        return (self._process.poll() or 0) < 0

    def tell(self, command: Command) -> None:
        """Send one line. A dead child is noticed by the end of its output."""
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(orjson.dumps(command) + b"\n")
            self._process.stdin.flush()

    def let_go(self) -> None:
        """Ask it to end: it stops when its input ends."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def close(self) -> None:
        """End it: what does not stop when its input ends is killed."""
        self.let_go()
        try:
            self._process.wait(GRACE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.kill()
        for thread in self._readers:
            thread.join(1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # what could not be said to one that died
                    stream.close()

    def kill(self) -> None:
        """End it at once; the server cancels what it was running when it notices."""
        self._process.kill()
        self._process.wait()

    @property
    def words(self) -> list[str]:
        """The last of what it said on stderr."""
        return self._stderr

    def ending(self) -> str | None:
        """How it ended, once its output has: the signal that killed it, or its last words. None: in good order."""
        try:
            code = self._process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            return "closed its output and lives on"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}{self.why()}" if code else None

    def why(self) -> str:
        """Its last words, to follow a message; empty when it had none."""
        self._readers[1].join(1.0)
        return f": {self._stderr[-1]}" if self._stderr else ""

    def _hear(self, inbox: Inbox) -> None:
        read: Callable[[bytes], Event] = TypeAdapter[Event](Event).validate_json
        assert self._process.stdout is not None
        for line in self._process.stdout:
            inbox.put((self, read(line)))
        inbox.put((self, None))

    def _keep_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._stderr = [*self._stderr[-19:], line.decode(errors="replace").rstrip()]


Inbox = queue.Queue[tuple[Child, Event | None]]


class ScenarioChild:
    """The load generator of one scenario on this machine: one child, or several that share every load.

    A context manager that ends them. Not for several threads. ``only``: the transactions to do, all of them for none.
    ``say`` is told of processes that are lost.
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
        """The last of what they said on stderr."""
        return [line for child in self._children for line in child.words]

    def run(self, schedule: Schedule, directory: Path, on_phase: Callable[[PhaseBegan], None]) -> list[Made]:
        """Carry out one schedule; what each process made of it, its seconds in a spool in ``directory``.

        A first interrupt ends it early and keeps what was measured. ``on_phase`` hears of a phase when the first
        process begins it. Raises a child's own LoadgenError, and EnvironmentFault for children that hang.
        """
        schedule = replace(schedule, processes=self.processes)
        run = _Run(self._children, schedule, directory, self._on_loss)
        planned_s = schedule.ramp_s + schedule.warmup_s + schedule.measure_s + schedule.drain_s
        left_s = planned_s + GRACE_S
        while not run.over:
            try:
                child, event = self._inbox.get(timeout=left_s)
            except queue.Empty:
                for hung in run.working:
                    hung.kill()
                if not run.done:
                    raise EnvironmentFault(
                        f"the load generator of {self._path.stem} hung and was ended{self._children[0].why()}"
                    ) from None
                continue
            except KeyboardInterrupt:
                run.stop()
                left_s = schedule.drain_s + GRACE_S
                continue
            match event:
                case PhaseBegan():
                    if run.first(event):
                        on_phase(event)
                case Failed():
                    run.stop()
                    raise as_error(event)
                case Ramped() | Done() | None:
                    run.heard(child, event)
                    if event is None and child not in run.done:
                        self._say(f"process {run.number(child)} {child.ending()}: {run.goes_on}")
                case _:
                    raise EnvironmentFault(f"the load generator of {self._path.stem} started over; run it again")
        for gone in set(self._children) - run.done.keys():
            gone.close()
        self._children = [child for child in self._children if child in run.done]
        return run.made()

    def close(self) -> None:
        """End the children."""
        for child in self._children:
            child.let_go()
        for child in self._children:
            child.close()

    def _ready(self) -> ScenarioDescription:
        """What the children are ready to run; the first that is not says why."""
        deadline = time.monotonic() + START_TIMEOUT_S
        found: list[ScenarioDescription] = []
        while len(found) < len(self._children):
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
                how = child.ending()
                if child.was_killed:
                    raise EnvironmentFault(f"a process that loaded {self._path} {how}; see who ended it, run it again")
                raise UsageError(f"{self._path} could not be loaded{child.why()}")
            found.append(event.scenario)
        return found[0]


class _Run:
    """The state of one run over several children."""

    def __init__(self, children: Sequence[Child], schedule: Schedule, directory: Path, on_loss: OnLoss) -> None:
        self._children = list(children)
        self._on_loss = on_loss
        self._ramped: set[Child] = set()
        self._lost: set[Child] = set()
        self._begun: set[Phase] = set()
        self._told = False
        self.done: dict[Child, Done] = {}
        self._spools = [directory / spool_name(process) for process in range(len(children))]
        for process, (child, spool) in enumerate(zip(children, self._spools, strict=True)):
            child.tell(Command("run", schedule, str(spool), process))

    @property
    def working(self) -> list[Child]:
        """Those still at it."""
        return [child for child in self._children if child not in self.done and child not in self._lost]

    @property
    def over(self) -> bool:
        return not self.working

    @property
    def goes_on(self) -> str:
        """What comes of a loss, in words."""
        if self.over:
            return "the run is over"
        return "the run stops" if self._on_loss == "stop" else "the run goes on without it"

    def number(self, child: Child) -> int:
        """Which share a child has."""
        return self._children.index(child)

    def first(self, event: PhaseBegan) -> bool:
        """Whether no other process has begun this phase."""
        known = event.phase in self._begun
        self._begun.add(event.phase)
        return not known

    def heard(self, child: Child, event: Ramped | Done | None) -> None:
        """One child is there, has ended its part, or (None) is no more."""
        if isinstance(event, Ramped):
            self._ramped.add(child)
        elif isinstance(event, Done):
            self.done[child] = event
        else:
            self._lost.add(child)
            if self._on_loss == "stop":
                self.stop()
        if not self._told and self._ramped >= set(self.working):
            self._told = True
            at = time.monotonic() + BEGIN_S
            for waiting in self.working:
                waiting.tell(Command("begin", at=at))

    def stop(self) -> None:
        """End it early."""
        for child in self.working:
            child.tell(Command("stop"))

    def made(self) -> list[Made]:
        """What each made, in the order of their shares."""
        names = [f"process {process}" for process in range(len(self._children))]
        return [
            Made(name, spool, self.done.get(child))
            for name, spool, child in zip(names, self._spools, self._children, strict=True)
        ]


def as_error(failed: Failed) -> LoadgenError:
    """The child's error as the parent's own, with the same exit code."""
    for kind in (UsageError, EnvironmentFault):
        if kind.exit_code == failed.exit_code:
            return kind(failed.message)
    error = LoadgenError(failed.message)
    error.exit_code = ExitCode(failed.exit_code)
    return error
