"""The parent's hold on a scenario's child: start it, give it schedules, hear what it says, leave nothing behind."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import orjson
from pydantic import TypeAdapter

from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, UsageError
from loadgen.runs.control import Command, Done, Event, Failed, PhaseBegan, Ready
from loadgen.runs.format import ScenarioDescription, Schedule

START_TIMEOUT_S: Final = 60.0
GRACE_S: Final = 30.0
"""How much longer than its schedule a run may take before its child counts as hung."""


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


class ScenarioChild:
    """One scenario's process; a context manager that ends it. Not for several threads.

    ``environment`` tells the child where to connect (see ``Target.environment``): no password is on a command line.
    """

    def __init__(self, scenario: Path, environment: Mapping[str, str], allow_unmarked: str | None = None) -> None:
        self._path = scenario
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._stderr: list[str] = []
        unmarked = {} if allow_unmarked is None else {"LOADGEN_ALLOW_UNMARKED": allow_unmarked}
        # A session of its own: Ctrl-C in the terminal reaches the parent only, which then asks the child to stop.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loadgen.engine.child", str(scenario)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment, **unmarked},
            start_new_session=True,
        )
        self._readers = [threading.Thread(target=reader, daemon=True) for reader in (self._hear, self._keep_errors)]
        for thread in self._readers:
            thread.start()
        self.description: ScenarioDescription = self._ready().scenario

    def __enter__(self) -> ScenarioChild:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, schedule: Schedule, spool: Path, on_phase: Callable[[PhaseBegan], None]) -> Done | None:
        """Carry out one schedule. A first interrupt ends it early and keeps what was measured.

        None when the child died under way; what it measured up to then is in the spool. Raises the child's own
        LoadgenError, and EnvironmentFault for a child that hangs.
        """
        self._tell(Command("run", schedule, str(spool)))
        planned_s = schedule.ramp_s + schedule.warmup_s + schedule.measure_s + schedule.drain_s
        left_s = planned_s + GRACE_S
        while True:
            try:
                event = self._events.get(timeout=left_s)
            except queue.Empty:
                self.kill()
                raise EnvironmentFault(
                    f"the load generator of {self._path.stem} hung and was ended{self._why()}"
                ) from None
            except KeyboardInterrupt:
                self._tell(Command("stop"))
                left_s = schedule.drain_s + GRACE_S
                continue
            match event:
                case PhaseBegan():
                    on_phase(event)
                case Done():
                    return event
                case Failed():
                    raise as_error(event)
                case None:
                    return None
                case Ready():
                    raise EnvironmentFault(f"the load generator of {self._path.stem} started over; run it again")

    def close(self) -> None:
        """End the child: it stops when its input ends; what does not stop is killed."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(GRACE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.kill()
        for thread in self._readers:
            thread.join(1.0)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def kill(self) -> None:
        """End the child at once; the server cancels what it was running when it notices."""
        self._process.kill()
        self._process.wait()

    def _ready(self) -> Ready:
        try:
            event = self._events.get(timeout=START_TIMEOUT_S)
        except (queue.Empty, KeyboardInterrupt) as error:
            self.kill()
            self.close()
            if isinstance(error, KeyboardInterrupt):
                raise
            raise EnvironmentFault(f"{self._path} did not load within {START_TIMEOUT_S:g} s{self._why()}") from None
        if isinstance(event, Ready):
            return event
        self.close()
        if isinstance(event, Failed):
            raise as_error(event)
        raise UsageError(f"{self._path} could not be loaded{self._why()}")

    def _tell(self, command: Command) -> None:
        with contextlib.suppress(BrokenPipeError):  # a dead child is noticed by the end of its output
            assert self._process.stdin is not None
            self._process.stdin.write(orjson.dumps(command) + b"\n")
            self._process.stdin.flush()

    def _hear(self) -> None:
        read: Callable[[bytes], Event] = TypeAdapter[Event](Event).validate_json
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(read(line))
        self._events.put(None)

    def _keep_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._stderr = [*self._stderr[-19:], line.decode(errors="replace").rstrip()]

    def _why(self) -> str:
        self._readers[1].join(1.0)
        return f": {self._stderr[-1]}" if self._stderr else ""


def as_error(failed: Failed) -> LoadgenError:
    """The child's error as the parent's own, with the same exit code."""
    for kind in (UsageError, EnvironmentFault):
        if kind.exit_code == failed.exit_code:
            return kind(failed.message)
    error = LoadgenError(failed.message)
    error.exit_code = ExitCode(failed.exit_code)
    return error
