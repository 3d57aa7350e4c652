"""``loadgen run --worker``: ``python -m loadgen.engine.worker SCENARIO.py HOST PORT``, watched by its parent.

It generates the load that a master on another machine assigns. It sends its parent ``ready`` once it has joined, then
the events of each run. It ends with its master, or when its input ends: the run then goes on without it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any

import gevent
import orjson
from gevent.fileobject import FileObjectPosix
from locust.env import Environment

from loadgen import settings
from loadgen.database.connect import resolve
from loadgen.database.servers import ServersIdentity, servers_of
from loadgen.engine.child import load_scenario
from loadgen.engine.link import Link
from loadgen.engine.load import open_load
from loadgen.engine.recording.recorder import Recorder
from loadgen.errors import EnvironmentFault, ExitCode, LoadgenError
from loadgen.runs.control import Event, Failed, Ready


def serve(path: Path, host: str, port: int, output: IO[bytes]) -> None:
    """Check the scenario and the servers, join the master, and serve until it ends."""

    def say(event: Event) -> None:
        output.write(orjson.dumps(event) + b"\n")
        output.flush()

    user = load_scenario(path)
    config = settings.load()
    servers = servers_of(config, resolve(config)).verified()
    identity = ServersIdentity.of(servers)
    # Every run opens its load again; opening one now reports errors before the run waits for this worker.
    open_load(
        servers,
        writes=user.describe().writes,
        allow_unmarked=os.environ.get("LOADGEN_ALLOW_UNMARKED"),
        skew=user.user_skew,
        recorder=Recorder(),
        think=True,
        seed=0,
    )
    environment = Environment(user_classes=[user], catch_exceptions=True)
    input_ended: gevent.Greenlet[..., object] = gevent.spawn(FileObjectPosix(sys.stdin.fileno(), "rb").read)
    joining = gevent.spawn(environment.create_worker_runner, host, port)
    _first_of(input_ended, joining)
    if not joining.ready():
        return
    try:
        runner = joining.get()
    except ConnectionError:
        raise EnvironmentFault(f"no master answered at {host}:{port}; start it first: loadgen run --master") from None
    link = Link(environment, user, identity, on_event=say)
    say(Ready(scenario=user.describe()))
    master_ended = gevent.spawn(runner.greenlet.join)
    _first_of(input_ended, master_ended)
    if not master_ended.ready():
        link.close()
        environment.events.quitting.fire(environment=environment)  # type: ignore[no-untyped-call]  # untyped in Locust
        gevent.sleep(0.2)  # for the last message to be sent


def _first_of(*greenlets: gevent.Greenlet[..., Any]) -> None:
    gevent.wait(list(greenlets), count=1)


def main() -> None:
    """Run the worker; stdout is for the protocol, and what a scenario prints goes to stderr."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), output)
    except LoadgenError as error:
        output.write(orjson.dumps(Failed(exit_code=int(error.exit_code), message=str(error))) + b"\n")
        output.flush()
        os._exit(error.exit_code)  # Locust's greenlets may still wait for a master
    os._exit(ExitCode.DONE)


if __name__ == "__main__":
    main()
