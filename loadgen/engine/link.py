"""A worker's connection to its master: messages of our own over Locust's protocol.

Started by ``loadgen run --worker`` or by plain ``locust --worker``, a worker greets its master and carries out its
commands. A plain Locust master sends none of these, and the worker generates load as Locust does.

======================  =======================================================================================
``loadgen_hello``       worker: its identity (see :class:`Hello`)
``loadgen_ping``        master: its clock; the worker answers ``loadgen_pong`` with it and its own
``loadgen_run``         master: a schedule, the worker's share, and how far its clock is ahead
``loadgen_begin``       master: time at which the warm-up begins
``loadgen_stop``        master: end the run early
``loadgen_ack``         master: the number of the line that it waits for
======================  =======================================================================================

Seconds and events travel as numbered lines in ``data["loadgen"]`` of Locust's reports, which go every 3 s and after
each event, until acknowledged (``runs/stream.py``). Seconds are sent as lines of the spool: encoding a
second's three dozen histograms as HdrHistogram would stop the hub for 2.8 ms, this does for 0.5 ms.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

import gevent
import orjson
from locust.env import Environment
from locust.exception import RPCError
from locust.runners import WorkerRunner
from pydantic import TypeAdapter

from loadgen.database.servers import ServersIdentity
from loadgen.engine.phases import Phases
from loadgen.engine.users import PostgresUser
from loadgen.errors import EnvironmentFault, LoadgenError, UsageError
from loadgen.runs.control import Done, Event, Failed, Leaving, PhaseBegan, Ramped
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.shares import Share
from loadgen.runs.stream import Outbox

PROTOCOL: Final = 2
SILENCE_S: Final = 10.0
"""Silence of the master after which a worker ends its load; Locust itself would go on for a minute."""
COPY_VARIABLE: Final = "LOADGEN_WORKER_SPOOL"
"""Environment variable with a directory for a copy of a worker's seconds, in case the master does not get them."""
SECOND: Final = b"s"
EVENT: Final = b"e"
"""First byte of a line: a second of the spool, or an event."""

_SCHEDULE: Final = TypeAdapter(Schedule)


@dataclass(frozen=True, slots=True)
class Hello:
    """Identity of a worker; the master accepts only workers that agree with it."""

    protocol: int
    host: str
    pid: int
    scenario_sha256: str
    servers: ServersIdentity
    """Identity of the servers that its environment names."""

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.host}:{self.pid}"


def scenario_sha256(scenario: ScenarioDescription) -> str:
    """Hash a scenario: its statements, names of draws, transactions and weights."""
    return sha256(orjson.dumps(scenario)).hexdigest()


class Link:
    """One worker that a master may drive. ``on_event`` gets every event, for output on this machine."""

    def __init__(
        self,
        environment: Environment,
        user: type[PostgresUser],
        servers: ServersIdentity,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        assert isinstance(environment.runner, WorkerRunner)
        self._environment = environment
        self._runner = environment.runner
        self._user = user
        self._transactions = user.transactions
        self._on_event = on_event
        self._phases = Phases(user, self._runner, self._say, has_viewers=True)
        self._outbox = Outbox()
        self._run: str | None = None
        self._ahead_s = 0.0
        self._running: gevent.Greenlet[..., None] | None = None
        self._alive_at = time.monotonic()
        self._copy: IO[bytes] | None = None
        for name, handle in (("ping", self._ping), ("run", self._start), ("begin", self._begin), ("stop", self._stop),
                             ("ack", self._ack)):  # fmt: skip
            self._runner.register_message(f"loadgen_{name}", _data_of(handle))
        environment.events.report_to_master.add_listener(self._report)  # type: ignore[no-untyped-call]  # untyped in Locust
        environment.events.heartbeat_received.add_listener(self._alive)  # type: ignore[no-untyped-call]  # untyped in Locust
        environment.events.quitting.add_listener(lambda **_: self.close())  # type: ignore[no-untyped-call]  # untyped in Locust
        hello = Hello(PROTOCOL, socket.gethostname(), os.getpid(), scenario_sha256(user.describe()), servers)
        self._runner.send_message("loadgen_hello", asdict(hello))

    def close(self, timeout_s: float = 15.0) -> None:
        """End the current run early, and wait until the master has all of it, while the master is connected."""
        self._leave()
        deadline = time.monotonic() + timeout_s
        if self._running is not None:
            self._running.join(timeout_s)
        # When a master ends, Locust ends the greenlets of its workers' runners.
        while len(self._outbox) and len(self._runner.greenlet) and time.monotonic() < deadline:
            gevent.sleep(0.05)

    def _leave(self) -> None:
        if self._running is not None and not self._running.ready():
            self._say(Leaving())
        self._phases.stop()

    def _ping(self, data: dict[str, Any]) -> None:
        self._runner.send_message("loadgen_pong", {"sent": data["sent"], "clock": time.monotonic()})

    def _start(self, data: dict[str, Any]) -> None:
        self._outbox = Outbox()
        self._run = data["run"]
        self._ahead_s = data["ahead_s"]
        schedule = _SCHEDULE.validate_json(data["schedule"])
        share = Share(data["process"], schedule.processes)
        self._running = gevent.spawn(self._carry_out, schedule, share)

    def _begin(self, data: dict[str, Any]) -> None:
        if data["run"] == self._run:
            self._phases.begin(data["at"] + self._ahead_s)

    def _stop(self, data: dict[str, Any]) -> None:
        if data["run"] == self._run:
            self._phases.stop()

    def _ack(self, data: dict[str, Any]) -> None:
        if data["run"] == self._run:
            self._outbox.acknowledged(data["next"])

    def _alive(self, **_: object) -> None:
        self._alive_at = time.monotonic()

    def _carry_out(self, schedule: Schedule, share: Share) -> None:
        watch = gevent.spawn(self._watch_master)
        ended: Done | Failed
        try:
            self._user.take(self._transactions)
            self._user.restrict(schedule.only)
            self._copy = _copy_of(f"{self._run}-{share.process}.jsonl")
            ended = self._phases.run(schedule, share, self, self._ahead_s)
        except LoadgenError as error:
            ended = Failed(exit_code=int(error.exit_code), message=str(error))
        except OSError as error:
            fault = EnvironmentFault(f"cannot write to {COPY_VARIABLE}: {error.strerror}; correct or unset it")
            ended = Failed(exit_code=int(fault.exit_code), message=str(fault))
        except Exception as error:  # a scenario's own code; the master would otherwise wait for the schedule's end
            failed = UsageError(f"the scenario failed: {error!r}; correct it")
            ended = Failed(exit_code=int(failed.exit_code), message=str(failed))
        finally:
            watch.kill()
            if self._copy is not None:
                self._copy.close()
                self._copy = None
        self._say(ended)

    def _watch_master(self) -> None:
        """End the load of a master that is silent, since it can no longer stop it."""
        while time.monotonic() - self._alive_at < SILENCE_S:
            gevent.sleep(0.5)
        self._leave()

    def write(self, line: bytes, /) -> None:
        """Queue a second of the spool for the next report."""
        self._outbox.add(SECOND + line)
        if self._copy is not None:
            self._copy.write(line)

    def _say(self, event: PhaseBegan | Ramped | Leaving | Done | Failed) -> None:
        self._on_event(event)
        if isinstance(event, PhaseBegan):
            event = replace(event, at=event.at - self._ahead_s)
        self._outbox.add(EVENT + orjson.dumps(event))
        data: dict[str, Any] = {}
        fire = self._environment.events.report_to_master.fire
        fire(client_id=self._runner.client_id, data=data)  # type: ignore[no-untyped-call]  # untyped in Locust
        try:
            self._runner.send_message("stats", data)
        except RPCError:
            return  # a later report carries it

    def _report(self, client_id: str, data: dict[str, Any]) -> None:
        if self._run is not None and len(self._outbox):
            first, lines = self._outbox.report(time.monotonic())
            data["loadgen"] = {"run": self._run, "first": first, "lines": lines}


def _copy_of(name: str) -> IO[bytes] | None:
    """Open the file for a copy of the reports, if the environment asks for one."""
    directory = os.environ.get(COPY_VARIABLE)
    return None if not directory else (Path(directory) / name).open("ab", buffering=0)


def _data_of(handle: Callable[[dict[str, Any]], None]) -> Callable[..., None]:
    """Adapt a handler of data to Locust's listeners."""

    def listener(environment: Environment, msg: Any, **_: object) -> None:
        handle(msg.data)

    return listener
