"""A supervised scenario: ``python -m loadgen.engine.child FILE.py [TRANSACTION]…``, driven by its parent over pipes.

Lines of JSON both ways. The child says ``{"event": "ready", "scenario": …}``; the parent answers with commands:

``{"do": "run", "schedule": …, "spool": PATH}``  → ``phase`` events, ``ramped``, at last ``done`` (or ``failed``)
``{"do": "begin", "at": SECONDS}``               the warm-up, at this time of the monotonic clock, after ``ramped``
``{"do": "stop"}``                               ends the run early, its measurements kept
end of input                                      stop and exit: a child does not outlive its parent

Several runs may follow one another; the sessions of one are closed before it says ``done``. Where to connect comes
from the environment, never from the command line or a line of the protocol.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import gevent
import orjson
from gevent.fileobject import FileObjectPosix
from locust.env import Environment
from locust.util.load_locustfile import load_locustfile
from pydantic import TypeAdapter

from loadgen.engine.phases import Phases
from loadgen.engine.scenario import PostgresUser
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, UsageError
from loadgen.runs.control import Command, Event, Failed, Ready
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.shares import Share


def load_scenario(path: Path) -> type[PostgresUser]:
    """Load the one PostgresUser that a locustfile declares. Raises UsageError where there is none, or several."""
    try:
        users, _ = load_locustfile(str(path.resolve()))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
    except ImportError as error:
        raise UsageError(f"{path}: {error}; a scenario imports from loadgen.engine.scenario") from error
    scenarios = [cls for cls in users.values() if issubclass(cls, PostgresUser) and cls.transactions]
    if len(scenarios) != 1:
        raise UsageError(f"{path} declares {len(scenarios)} PostgresUser classes with transactions; a scenario has one")
    return scenarios[0]


class Child:
    """One scenario in one process; runs one schedule after another."""

    def __init__(self, user: type[PostgresUser], output: IO[bytes]) -> None:
        self._output = output
        environment = Environment(user_classes=[user], catch_exceptions=True)
        self.phases = Phases(user, environment.create_local_runner(), self.say, has_viewers=False)

    def say(self, event: Event) -> None:
        """Send one line to the parent."""
        self._output.write(orjson.dumps(event) + b"\n")
        self._output.flush()

    def run(self, schedule: Schedule, share: Share, spool: Path) -> None:
        """Carry out a schedule, recording to the spool."""
        with spool.open("ab", buffering=0) as file:
            done = self.phases.run(schedule, share, file)
        self.say(done)  # after the spool is complete, which the parent then reads


def serve(path: Path, only: Sequence[str], output: IO[bytes]) -> None:
    """Load the scenario, then carry out the parent's commands until its end of the pipe closes."""
    user = load_scenario(path)
    user.restrict(only)
    child = Child(user, output)
    child.say(Ready(scenario=user.describe()))
    commands = FileObjectPosix(sys.stdin.fileno(), "rb")
    read = TypeAdapter(Command).validate_json
    running: gevent.Greenlet[..., None] | None = None
    for line in commands:
        command = read(line)
        if command.do == "stop":
            child.phases.stop()
        elif command.do == "begin":
            child.phases.begin(command.at)
        elif command.schedule is not None and command.spool is not None:
            share = Share(command.process, command.schedule.processes)
            running = gevent.spawn(_run_reporting, child, command.schedule, share, Path(command.spool))
    child.phases.stop()
    if running is not None:
        running.join()


def _run_reporting(child: Child, schedule: Schedule, share: Share, spool: Path) -> None:
    try:
        child.run(schedule, share, spool)
    except LoadgenError as error:
        child.say(Failed(exit_code=int(error.exit_code), message=str(error)))
    except OSError as error:
        fault = EnvironmentFault(f"cannot record to {spool}: {error.strerror}; free space or choose --results-dir")
        child.say(Failed(exit_code=int(fault.exit_code), message=str(fault)))
    except Exception as error:  # a scenario's own code; the parent would otherwise wait for the schedule's end
        failed = UsageError(f"the scenario failed: {error!r}; correct it")
        child.say(Failed(exit_code=int(failed.exit_code), message=str(failed)))


def main() -> None:
    """Run the child; stdout is for the protocol, and what a scenario prints goes to stderr."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(Path(sys.argv[1]), sys.argv[2:], output)
    except LoadgenError as error:
        output.write(orjson.dumps(Failed(exit_code=int(error.exit_code), message=str(error))) + b"\n")
        output.flush()
        sys.exit(error.exit_code)
    sys.exit(ExitCode.DONE)


if __name__ == "__main__":
    main()
