"""A supervised scenario: ``python -m loadgen.engine.child SCENARIO.py``, driven by its parent over pipes.

Lines of JSON both ways. The child says ``{"event": "ready", "scenario": …}``; the parent answers with commands:

``{"do": "run", "schedule": …, "spool": PATH}``  → ``phase`` events, at last ``done`` (or ``failed``)
``{"do": "stop"}``                               ends the run early, its measurements kept
end of input                                      stop and exit: a child does not outlive its parent

Several runs may follow one another; the sessions of one are closed before it says ``done``. Where to connect comes
from the environment, never from the command line or a line of the protocol.
"""

from __future__ import annotations

import math
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Final, Literal

import gevent
import orjson
from gevent.event import Event
from gevent.fileobject import FileObjectPosix
from locust.env import Environment
from locust.util.load_locustfile import load_locustfile
from pydantic import TypeAdapter

from loadgen import settings
from loadgen.database.connect import resolve
from loadgen.engine.dispatch import Dispatcher
from loadgen.engine.load import OpenLoad, open_load
from loadgen.engine.open_recorder import OpenRecorder
from loadgen.engine.recorder import Recorder
from loadgen.engine.scenario import PostgresUser
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, UsageError
from loadgen.runs.arrivals import Part, arrivals
from loadgen.runs.control import Command, Done, Failed, PhaseBegan, Ready
from loadgen.runs.format import Schedule
from loadgen.runs.rates import steady

HUB_PROBE_S: Final = 0.01
"""A timer this often measures how late the hub is: what the generator itself adds to latencies."""

CONNECTED_S: Final = 10.0
"""How long an open load waits for its connections before it begins without those that are missing."""


def load_scenario(path: Path) -> type[PostgresUser]:
    """The one PostgresUser that a locustfile declares. Raises UsageError where there is none, or several."""
    try:
        users, _ = load_locustfile(str(path.resolve()))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: {error.msg}") from error
    except ImportError as error:
        raise UsageError(f"{path}: {error}; a scenario imports from loadgen.engine.scenario") from error
    found = [cls for cls in users.values() if issubclass(cls, PostgresUser) and cls.transactions]
    if len(found) != 1:
        raise UsageError(f"{path} declares {len(found)} PostgresUser classes with transactions; a scenario has one")
    return found[0]


class Child:
    """One scenario in one process; runs one schedule after another."""

    def __init__(self, user: type[PostgresUser], output: IO[bytes]) -> None:
        self._user = user
        self._output = output
        self._stop = Event()
        self._environment = Environment(user_classes=[user], catch_exceptions=True)
        self._runner = self._environment.create_local_runner()

    def say(self, event: Ready | PhaseBegan | Done | Failed) -> None:
        """Send one line to the parent."""
        self._output.write(orjson.dumps(event) + b"\n")
        self._output.flush()

    def stop(self) -> None:
        """End the present run early."""
        self._stop.set()

    def run(self, schedule: Schedule, spool: Path) -> None:
        """Ramp, warm up, measure, drain; everything recorded to the spool."""
        self._stop.clear()
        self._user.prepare()
        with spool.open("ab", buffering=0) as file:
            opened = None if schedule.rate is None else _open(schedule, file)
            recorder = opened.recorder if opened else Recorder(file)
            self._user.load = open_load(
                resolve(settings.load()),
                writes=self._user.describe().writes,
                allow_unmarked=os.environ.get("LOADGEN_ALLOW_UNMARKED"),
                skew=self._user.user_skew,
                recorder=recorder,
                think=schedule.think,
                seed=schedule.seed,
                arrivals=opened,
                pipeline=schedule.mode == "pipeline",
            )
            watch = gevent.spawn(self._watch, recorder, opened)
            try:
                done = self._phases(schedule, opened)
            finally:
                watch.kill()
                recorder.close()
                if opened:
                    opened.dispatcher.close()
        self.say(done)  # not before all of it is in the spool, which the parent reads when it hears this

    def _phases(self, schedule: Schedule, opened: OpenLoad | None) -> Done:
        self._environment.stop_timeout = schedule.drain_s
        self._begin("ramp")
        self._runner.start(schedule.users, spawn_rate=schedule.users / max(schedule.ramp_s, 0.1))
        spawning = self._runner.spawning_greenlet
        if spawning is not None:
            spawning.join()
        if opened:
            self._until_connected(schedule.users, opened.dispatcher)
        # Seconds of the spool begin at whole seconds of the clock: so does the window.
        warm = self._begin("warmup")
        window = math.ceil(warm + schedule.warmup_s)
        if opened:
            opened.dispatcher.begin(_arrivals(schedule, warm, window))
        self._wait_until(window)
        cpu = _cpu_seconds()
        start = self._begin("measure")
        self._wait_until(window + schedule.measure_s)
        end = self._begin("drain")
        used = (_cpu_seconds() - cpu) / max(end - start, 1e-9)
        if opened:
            self._drain(schedule.drain_s, end, opened)
        self._runner.stop()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Done(ended=time.monotonic(), cpu_cores=used, peak_rss_bytes=peak, interrupted=self._stop.is_set())

    def _begin(self, phase: Literal["ramp", "warmup", "measure", "drain"]) -> float:
        at = time.monotonic()
        self.say(PhaseBegan(phase=phase, at=at))
        return at

    def _wait_until(self, at: float) -> None:
        self._stop.wait(timeout=max(at - time.monotonic(), 0.0))

    def _until_connected(self, users: int, dispatcher: Dispatcher) -> None:
        """An open load begins when its connections are there: else the first arrivals would wait for them."""
        deadline = time.monotonic() + CONNECTED_S
        while dispatcher.idle < users and time.monotonic() < deadline and not self._stop.wait(timeout=0.01):
            pass

    def _drain(self, drain_s: float, end: float, opened: OpenLoad) -> None:
        """Send and finish what was meant for the window, within a bound; account for what that leaves."""
        opened.dispatcher.end(end)
        self._runner.user_greenlets.join(timeout=drain_s)
        now = time.monotonic()
        names = [t.name for t in self._user.transactions]
        weights = [t.weight for t in self._user.transactions]
        for intended in opened.dispatcher.rest():
            # No user has chosen what it would have been.
            opened.recorder.unsent(random.choices(names, weights)[0], intended, now)
        self._environment.stop_timeout = 0.0  # what is still under way has had its time

    def _watch(self, recorder: Recorder, opened: OpenLoad | None) -> None:
        while True:
            due = time.monotonic() + HUB_PROBE_S
            gevent.sleep(HUB_PROBE_S)
            now = time.monotonic()
            recorder.tick(now, self._runner.user_count)
            if opened:
                opened.recorder.backlog(opened.dispatcher.backlog(now))
            recorder.hub_lag(now - due)


def _open(schedule: Schedule, file: IO[bytes]) -> OpenLoad:
    limit_s = math.inf if schedule.late_limit_s is None else schedule.late_limit_s
    return OpenLoad(Dispatcher(), OpenRecorder(file), limit_s)


def _arrivals(schedule: Schedule, warm: float, window: float) -> Iterator[float]:
    """Times on the monotonic clock: a warm-up at the first rate, then the window."""
    assert schedule.rate is not None
    made = partial(arrivals, spacing=schedule.arrivals, seed=schedule.seed)
    first = steady(schedule.rate.pieces[0].from_tps)
    before = made(first, part=Part.WARMUP, until_s=window - warm)
    measured = made(schedule.rate, part=Part.WINDOW, until_s=schedule.measure_s)
    return chain((warm + at for at in before), (window + at for at in measured))


def serve(path: Path, output: IO[bytes]) -> None:
    """Load the scenario, then obey the parent until its end of the pipe closes."""
    user = load_scenario(path)
    child = Child(user, output)
    child.say(Ready(scenario=user.describe()))
    commands = FileObjectPosix(sys.stdin.fileno(), "rb")
    read = TypeAdapter(Command).validate_json
    running: gevent.Greenlet[..., None] | None = None
    for line in commands:
        command = read(line)
        if command.do == "stop":
            child.stop()
        elif command.schedule is not None and command.spool is not None:
            running = gevent.spawn(_run_reporting, child, command.schedule, Path(command.spool))
    child.stop()
    if running is not None:
        running.join()


def _run_reporting(child: Child, schedule: Schedule, spool: Path) -> None:
    try:
        child.run(schedule, spool)
    except LoadgenError as error:
        child.say(Failed(exit_code=int(error.exit_code), message=str(error)))
    except OSError as error:
        fault = EnvironmentFault(f"cannot record to {spool}: {error.strerror}; free space or choose --results-dir")
        child.say(Failed(exit_code=int(fault.exit_code), message=str(fault)))
    except Exception as error:  # a scenario's own code; without this its parent would wait for the schedule's end
        failed = UsageError(f"the scenario failed: {error!r}; correct it")
        child.say(Failed(exit_code=int(failed.exit_code), message=str(failed)))


def main() -> None:
    """Keep stdout for the protocol: whatever a scenario prints goes to stderr."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(Path(sys.argv[1]), output)
    except LoadgenError as error:
        output.write(orjson.dumps(Failed(exit_code=int(error.exit_code), message=str(error))) + b"\n")
        output.flush()
        sys.exit(error.exit_code)
    sys.exit(ExitCode.DONE)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
