"""``loadgen run --master``: ``python -m loadgen.engine.master SCENARIO.py HOST PORT``, driven by its parent over pipes.

A Locust master whose workers carry out one schedule together. It makes no load: it shares the load out, matches the
workers' clocks to its own, says when to begin, writes what each reports to a spool of its own, and waits at the end
until nothing is missing from any worker that still answers. The parent reads the spools as it reads its children's.

Clocks: all times of a run are this process's monotonic clock. A worker is told by how much its own is ahead, found by
the shortest of PINGS round trips, to within half of it; wall clocks are not used.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

import gevent
import orjson
from gevent.fileobject import FileObjectPosix
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner
from pydantic import TypeAdapter

from loadgen.database.servers import POOLER_VARIABLE, REPLICAS_VARIABLE, ServersIdentity
from loadgen.engine.child import load_scenario
from loadgen.engine.link import EVENT, PROTOCOL, SECOND, Hello, scenario_sha256
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError, UsageError
from loadgen.runs.control import (
    Awaited,
    Collected,
    Command,
    Done,
    Event,
    Failed,
    Leaving,
    Phase,
    PhaseBegan,
    Ramped,
    Ready,
    WorkerMissing,
    WorkerResult,
    Workers,
)
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.spool import spool_name
from loadgen.runs.stream import Inbox

PINGS: Final = 16
BEGIN_S: Final = 0.5
"""Notice that workers get of the beginning of the warm-up: much longer than a message takes."""
LATE_S: Final = 7.0
"""Reports go every 3 s: a worker that was missing and is back has had two by then."""
LOOK_S: Final = 0.05

_EVENT: Final = TypeAdapter[Event](Event)
_HELLO: Final = TypeAdapter(Hello)


@dataclass
class _Worker:
    """One worker, as this master knows it."""

    id: str
    hello: Hello
    ahead_s: float = 0.0
    round_trip_s: float = float("inf")
    pings: int = 0


@dataclass
class _Part:
    """One worker's part in the present run."""

    worker: _Worker
    spool: Path
    file: IO[bytes]
    inbox: Inbox = field(default_factory=Inbox)
    ramped: bool = False
    missing: bool = False
    left: bool = False
    done: Done | None = None
    failed: Failed | None = None


class Master:
    """Workers, and one run of theirs at a time."""

    def __init__(self, environment: Environment, scenario: ScenarioDescription, output: IO[bytes]) -> None:
        assert isinstance(environment.runner, MasterRunner)
        self._runner = environment.runner
        self._scenario = scenario.name
        self._sha256 = scenario_sha256(scenario)
        self._output = output
        self._workers: dict[str, _Worker] = {}
        self._run_id = ""
        self._parts: dict[str, _Part] = {}
        self._begun: set[Phase] = set()
        self._stopping = False
        self._runner.register_message("loadgen_hello", self._hello)
        self._runner.register_message("loadgen_pong", self._pong)
        environment.events.worker_report.add_listener(self._reported)  # type: ignore[no-untyped-call]

    def say(self, event: Event) -> None:
        """Send one line to the parent."""
        self._output.write(orjson.dumps(event) + b"\n")
        self._output.flush()

    def run(self, schedule: Schedule, directory: Path, servers: ServersIdentity | None) -> Collected:
        """Have all workers that are here carry out a schedule. Raises LoadgenError where one of them cannot."""
        here = self._here()
        self._agree(here, servers)
        if len(here) > schedule.users:
            raise UsageError(
                f"{len(here)} workers would share {schedule.users} users; give more users, or end some workers"
            )
        schedule = replace(schedule, processes=len(here))
        for worker in here:
            self._match_clock(worker)
        self._run_id = secrets.token_hex(8)
        self._begun.clear()
        self._stopping = False
        self._parts = {}
        for process, worker in enumerate(here):
            spool = directory / spool_name(process)
            self._parts[worker.id] = _Part(worker, spool, spool.open("ab", buffering=0))
            what = {"schedule": orjson.dumps(schedule), "process": process, "ahead_s": worker.ahead_s}
            self._tell(worker, "run", **what)
        try:
            self._follow(schedule)
        finally:
            for part in self._parts.values():
                part.file.close()
        made = (
            WorkerResult(p.worker.hello.name, str(p.spool), p.done, p.worker.round_trip_s / 2 * 1000, p.left)
            for p in self._parts.values()
        )
        return Collected(tuple(made))

    def stop(self) -> None:
        """End the present run early."""
        self._stopping = True
        for part in self._working():
            self._tell(part.worker, "stop")

    def _follow(self, schedule: Schedule) -> None:
        """Until every worker is done, or is missing and has been waited for."""
        begun_at: float | None = None
        awaited = False
        while self._working():
            gevent.sleep(LOOK_S)
            self._look_for_missing()
            now = time.monotonic()
            present = [part for part in self._working() if not part.missing]
            if begun_at is None and all(part.ramped for part in present):
                begun_at = now + BEGIN_S
                for part in present:
                    self._tell(part.worker, "begin", at=begun_at)
            if failed := next((part for part in self._parts.values() if part.failed), None):
                self._fail(failed)
            if not present:
                if self._stopping or now > self._end_of(schedule, begun_at):
                    return
                if not awaited and self._working():
                    awaited = True
                    names = tuple(part.worker.hello.name for part in self._working())
                    self.say(Awaited(names, self._end_of(schedule, begun_at) - now))

    @staticmethod
    def _end_of(schedule: Schedule, begun_at: float | None) -> float:
        """Until when a missing worker may come back with what it has."""
        if begun_at is None:
            return 0.0
        return begun_at + schedule.warmup_s + 1 + schedule.measure_s + schedule.drain_s + LATE_S

    def _fail(self, part: _Part) -> None:
        assert part.failed is not None
        self.stop()
        error = LoadgenError(f"worker {part.worker.hello.name}: {part.failed.message}")
        error.exit_code = ExitCode(part.failed.exit_code)
        raise error

    def _working(self) -> list[_Part]:
        return [part for part in self._parts.values() if part.done is None and part.failed is None]

    def _here(self) -> list[_Worker]:
        return [worker for worker in self._workers.values() if self._answers(worker)]

    def _answers(self, worker: _Worker) -> bool:
        """Whether Locust's heartbeats still come from it."""
        node = self._runner.clients.get(worker.id)
        return node is not None and node.state != STATE_MISSING

    def _look_for_missing(self) -> None:
        for part in self._working():
            missing = not self._answers(part.worker)
            if missing and not part.missing and not part.left:
                self.say(WorkerMissing(part.worker.hello.name))
            part.missing = missing

    def _agree(self, workers: Sequence[_Worker], servers: ServersIdentity | None) -> None:
        if not workers:
            raise EnvironmentFault(
                "no worker is here any more; start one: loadgen run SCENARIO --worker --master-host …"
            )
        for worker in workers:
            hello = worker.hello
            if hello.protocol != PROTOCOL:
                raise EnvironmentFault(f"worker {hello.name} is of another version of loadgen; install the same there")
            if hello.scenario_sha256 != self._sha256:
                raise UsageError(
                    f"worker {hello.name} has another scenario {self._scenario}; give it the same files as here"
                )
            if servers is not None:
                _agree_on_servers(hello, servers)

    def _match_clock(self, worker: _Worker) -> None:
        """The offset of the shortest of several round trips: half of it is all that can be wrong with it."""
        worker.round_trip_s = float("inf")
        worker.pings = 0
        for count in range(1, PINGS + 1):
            self._tell(worker, "ping", sent=time.monotonic())
            deadline = time.monotonic() + 1.0
            while worker.pings < count and time.monotonic() < deadline:
                gevent.sleep(0.001)
        if worker.pings == 0:
            raise EnvironmentFault(f"worker {worker.hello.name} does not answer; see what it says, then start it again")

    def _tell(self, worker: _Worker, what: str, **data: object) -> None:
        self._runner.send_message(f"loadgen_{what}", {"run": self._run_id, **data}, worker.id)

    def _hello(self, environment: Environment, msg: Any, **_: object) -> None:
        hello = _HELLO.validate_python(msg.data)
        self._workers[msg.node_id] = _Worker(msg.node_id, hello)
        self.changed()

    def changed(self) -> None:
        """Tell the parent who is here."""
        self.say(Workers(tuple(worker.hello.name for worker in self._here())))

    def _pong(self, environment: Environment, msg: Any, **_: object) -> None:
        now = time.monotonic()
        worker = self._workers[msg.node_id]
        worker.pings += 1
        sent, clock = msg.data["sent"], msg.data["clock"]
        if now - sent < worker.round_trip_s:
            worker.round_trip_s = now - sent
            worker.ahead_s = clock - (sent + now) / 2

    def _reported(self, client_id: str, data: dict[str, Any]) -> None:
        report = data.get("loadgen")
        if report is None:
            return
        part = self._parts.get(client_id) if report["run"] == self._run_id else None
        if part is None:  # of a run that is over: nobody waits for it any more
            until = report["first"] + len(report["lines"])
            self._runner.send_message("loadgen_ack", {"run": report["run"], "next": until}, client_id)
            return
        for line in part.inbox.take(report["first"], report["lines"]):
            if line[:1] == SECOND:
                part.file.write(line[1:])
            elif line[:1] == EVENT:
                self._heard(part, _EVENT.validate_json(line[1:]))
        self._tell(part.worker, "ack", next=part.inbox.next)

    def _heard(self, part: _Part, event: Event) -> None:
        match event:
            case PhaseBegan():
                # One that leaves has its phases to itself.
                if event.phase not in self._begun and not part.left:
                    self._begun.add(event.phase)
                    self.say(event)
            case Ramped():
                part.ramped = True
            case Leaving() if not self._stopping:
                part.left = True
                self.say(WorkerMissing(part.worker.hello.name, leaves=True))
            case Done():
                part.done = event
                if event.refusal is not None:
                    self.stop()
            case Failed():
                part.failed = event
            case _:
                pass


def _agree_on_servers(hello: Hello, servers: ServersIdentity) -> None:
    theirs = hello.servers
    if (difference := servers.database.difference(theirs.database)) is not None:
        raise UsageError(
            f"worker {hello.name} has another database than {servers.database}: {difference}; "
            "give it the same --dsn or LOADGEN_DSN as here"
        )
    if theirs.pooler != servers.pooler:
        has, do = ("a", "leave it out") if theirs.pooler else ("no", f"set {POOLER_VARIABLE} or --pooler-dsn")
        raise UsageError(f"worker {hello.name} has {has} pooler, other than here; {do} there")
    if theirs.replicas != servers.replicas:
        raise UsageError(
            f"worker {hello.name} knows {theirs.replicas} replicas, and here are {servers.replicas}; "
            f"set {REPLICAS_VARIABLE} or --replica there as here"
        )


def serve(path: Path, host: str, port: int, only: Sequence[str], output: IO[bytes]) -> None:
    """Wait for workers, then obey the parent until its end of the pipe closes."""
    user = load_scenario(path)
    environment = Environment(user_classes=[user], catch_exceptions=True)
    try:
        runner = environment.create_master_runner(host, port)
    except SystemExit:  # Locust's way of saying that the port is taken
        raise EnvironmentFault(f"port {port} is taken; end what uses it, or choose another --bind-port") from None
    master = Master(environment, user.describe(), output)
    user.restrict(only)
    master.say(Ready(scenario=user.describe()))
    read = TypeAdapter(Command).validate_json
    running: gevent.Greenlet[..., None] | None = None
    for line in FileObjectPosix(sys.stdin.fileno(), "rb"):
        command = read(line)
        if command.do == "stop":
            master.stop()
        elif command.schedule is not None and command.spool is not None:
            running = gevent.spawn(_run_reporting, master, command.schedule, Path(command.spool), command.servers)
    if running is not None and not running.ready():
        master.stop()
        running.join(timeout=15)
    runner.quit()


def _run_reporting(master: Master, schedule: Schedule, directory: Path, servers: ServersIdentity | None) -> None:
    try:
        master.say(master.run(schedule, directory, servers))
    except LoadgenError as error:
        master.say(Failed(exit_code=int(error.exit_code), message=str(error)))
    except OSError as error:
        fault = EnvironmentFault(f"cannot record to {directory}: {error.strerror}; free space or choose --results-dir")
        master.say(Failed(exit_code=int(fault.exit_code), message=str(fault)))


def main() -> None:
    """Keep stdout for the protocol: whatever a scenario prints goes to stderr."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:], output)
    except LoadgenError as error:
        output.write(orjson.dumps(Failed(exit_code=int(error.exit_code), message=str(error))) + b"\n")
        output.flush()
        os._exit(error.exit_code)
    os._exit(ExitCode.DONE)


if __name__ == "__main__":
    main()
