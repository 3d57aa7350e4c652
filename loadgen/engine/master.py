"""``loadgen run --master``: ``python -m loadgen.engine.master SCENARIO.py HOST PORT``, driven by its parent over pipes.

A Locust master whose workers carry out one schedule together. It generates no load: it shares the load out, matches
the workers' clocks to its own, gives the command to begin, writes each worker's reports to a spool, and waits at the
end until the reports of all workers that still answer are complete. The parent reads the spools like its children's.

Clocks: all times of a run are this process's monotonic clock. Each worker gets the offset of its own, measured by
the shortest of PINGS round trips to within half of it; wall clocks are not used.
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
"""Time from the command to begin until the warm-up: much longer than a message takes."""
LATE_S: Final = 7.0
"""Wait for a missing worker after its end: two of its reports, which go every 3 s."""
LOOK_S: Final = 0.05

_EVENT: Final = TypeAdapter[Event](Event)
_HELLO: Final = TypeAdapter(Hello)


@dataclass
class _Worker:
    """One worker with the offset of its clock."""

    id: str
    hello: Hello
    ahead_s: float = 0.0
    round_trip_s: float = float("inf")
    pings: int = 0


@dataclass
class _Part:
    """One worker's part in the current run."""

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
    """Drives workers through one run at a time."""

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
        environment.events.worker_report.add_listener(self._receive_report)  # type: ignore[no-untyped-call]  # untyped in Locust

    def say(self, event: Event) -> None:
        """Send one line to the parent."""
        self._output.write(orjson.dumps(event) + b"\n")
        self._output.flush()

    def run(self, schedule: Schedule, directory: Path, servers: ServersIdentity | None) -> Collected:
        """Carry out a schedule with all connected workers. Raises LoadgenError where one of them cannot."""
        workers = self._connected()
        self._agree(workers, servers)
        if len(workers) > schedule.users:
            raise UsageError(f"{len(workers)} workers for {schedule.users} users; give more users, or end some workers")
        schedule = replace(schedule, processes=len(workers))
        for worker in workers:
            self._match_clock(worker)
        self._run_id = secrets.token_hex(8)
        self._begun.clear()
        self._stopping = False
        self._parts = {}
        for process, worker in enumerate(workers):
            spool = directory / spool_name(process)
            self._parts[worker.id] = _Part(worker, spool, spool.open("ab", buffering=0))
            data = {"schedule": orjson.dumps(schedule), "process": process, "ahead_s": worker.ahead_s}
            self._tell(worker, "run", **data)
        try:
            self._follow(schedule)
        finally:
            for part in self._parts.values():
                part.file.close()
        results = (
            WorkerResult(p.worker.hello.name, str(p.spool), p.done, p.worker.round_trip_s / 2 * 1000, p.left)
            for p in self._parts.values()
        )
        return Collected(tuple(results))

    def stop(self) -> None:
        """End the current run early."""
        self._stopping = True
        for part in self._working():
            self._tell(part.worker, "stop")

    def _follow(self, schedule: Schedule) -> None:
        """Wait until every worker is done, or missing for too long."""
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
        """Latest time at which a missing worker may come back with its reports."""
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

    def _connected(self) -> list[_Worker]:
        return [worker for worker in self._workers.values() if self._answers(worker)]

    def _answers(self, worker: _Worker) -> bool:
        """True if a worker still sends Locust's heartbeats."""
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
                "no worker is connected any more; start one: loadgen run SCENARIO --worker --master-host …"
            )
        for worker in workers:
            hello = worker.hello
            if hello.protocol != PROTOCOL:
                raise EnvironmentFault(f"worker {hello.name} runs another version of loadgen; install this one there")
            if hello.scenario_sha256 != self._sha256:
                raise UsageError(
                    f"worker {hello.name} has another scenario {self._scenario}; give it the same files as the master"
                )
            if servers is not None:
                _agree_on_servers(hello, servers)

    def _match_clock(self, worker: _Worker) -> None:
        """Measure a worker's clock offset by the shortest of several round trips; half of that bounds the error."""
        worker.round_trip_s = float("inf")
        worker.pings = 0
        for count in range(1, PINGS + 1):
            self._tell(worker, "ping", sent=time.monotonic())
            deadline = time.monotonic() + 1.0
            while worker.pings < count and time.monotonic() < deadline:
                gevent.sleep(0.001)
        if worker.pings == 0:
            raise EnvironmentFault(f"worker {worker.hello.name} does not answer; read its output, then start it again")

    def _tell(self, worker: _Worker, what: str, **data: object) -> None:
        self._runner.send_message(f"loadgen_{what}", {"run": self._run_id, **data}, worker.id)

    def _hello(self, environment: Environment, msg: Any, **_: object) -> None:
        hello = _HELLO.validate_python(msg.data)
        self._workers[msg.node_id] = _Worker(msg.node_id, hello)
        self.changed()

    def changed(self) -> None:
        """Send the parent the names of the connected workers."""
        self.say(Workers(tuple(worker.hello.name for worker in self._connected())))

    def _pong(self, environment: Environment, msg: Any, **_: object) -> None:
        now = time.monotonic()
        worker = self._workers[msg.node_id]
        worker.pings += 1
        sent, clock = msg.data["sent"], msg.data["clock"]
        if now - sent < worker.round_trip_s:
            worker.round_trip_s = now - sent
            worker.ahead_s = clock - (sent + now) / 2

    def _receive_report(self, client_id: str, data: dict[str, Any]) -> None:
        report = data.get("loadgen")
        if report is None:
            return
        part = self._parts.get(client_id) if report["run"] == self._run_id else None
        if part is None:  # of a run that is over
            until = report["first"] + len(report["lines"])
            self._runner.send_message("loadgen_ack", {"run": report["run"], "next": until}, client_id)
            return
        for line in part.inbox.take(report["first"], report["lines"]):
            if line[:1] == SECOND:
                part.file.write(line[1:])
            elif line[:1] == EVENT:
                self._handle(part, _EVENT.validate_json(line[1:]))
        self._tell(part.worker, "ack", next=part.inbox.next)

    def _handle(self, part: _Part, event: Event) -> None:
        match event:
            case PhaseBegan():
                # Phases of a worker that leaves are its own.
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
    worker_servers = hello.servers
    if (difference := servers.database.difference(worker_servers.database)) is not None:
        raise UsageError(
            f"worker {hello.name} has another database than {servers.database}: {difference}; "
            "give it the same --dsn or LOADGEN_DSN as here"
        )
    if worker_servers.pooler != servers.pooler:
        has, do = ("a", "leave it out") if worker_servers.pooler else ("no", f"set {POOLER_VARIABLE} or --pooler-dsn")
        raise UsageError(f"worker {hello.name} has {has} pooler, other than here; {do} there")
    if worker_servers.replicas != servers.replicas:
        raise UsageError(
            f"worker {hello.name} has another number of read replicas than the master ({worker_servers.replicas}, not "
            f"{servers.replicas}); "
            f"set {REPLICAS_VARIABLE} or --replica there as here"
        )


def serve(path: Path, host: str, port: int, only: Sequence[str], output: IO[bytes]) -> None:
    """Wait for workers, then carry out the parent's commands until its end of the pipe closes."""
    user = load_scenario(path)
    environment = Environment(user_classes=[user], catch_exceptions=True)
    try:
        runner = environment.create_master_runner(host, port)
    except SystemExit:  # Locust exits if the port is taken
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
    """Run the master; stdout is for the protocol, and what a scenario prints goes to stderr."""
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
