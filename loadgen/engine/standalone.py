"""A scenario started by locust itself: ``locust -f scenarios/dashboard.py``, with its web page and workers."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Final, NoReturn, get_args

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadgen import settings
from loadgen.database.connect import resolve
from loadgen.database.servers import ServersIdentity, servers_of
from loadgen.engine.link import Link
from loadgen.engine.load import open_load
from loadgen.engine.recording.recorder import TICK_S, Recorder
from loadgen.engine.users import PostgresUser
from loadgen.errors import ExitCode, LoadgenError, UsageError
from loadgen.observe.pooler import lock_of_run, with_pooler
from loadgen.runs.access_parsing import VARIABLES, parse_access
from loadgen.runs.control import Done, Event, Failed, PhaseBegan
from loadgen.runs.format.access import Access
from loadgen.runs.format.schedule import Mode

MODE_VARIABLE: Final = "LOADGEN_MODE"
"""Environment variable like ``loadgen run --mode``: sequential or pipeline."""

_LOGGER: Final = logging.getLogger("loadgen")


def on_init(environment: Environment, **_: object) -> None:
    """Open the load that the environment's users share; exits with the error's code if it cannot.

    The guard checks as for ``loadgen run``. Locust logs exceptions of listeners and goes on, so this exits instead.
    """
    users = [cls for cls in environment.user_classes if issubclass(cls, PostgresUser)]
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("loadgen_hello", lambda **_: None)  # workers greet any master
        return  # a master generates no load
    if not users:
        return
    try:
        config = settings.load()
        target = resolve(config)
        from loadgen.seeding.starter import ensure_data  # with the model of the population: no child of a run needs it

        ensure_data(target)
        servers = servers_of(config, target).verified()
        access = with_pooler(_access(len(servers.replicas)), servers)
        with lock_of_run(servers, access):  # tested now, where a refusal has an exit code
            pass
        recorder = Recorder()
        for cls in users:
            cls.prepare()
            cls.load = open_load(
                servers,
                writes=cls.describe().writes,
                allow_unmarked=os.environ.get("LOADGEN_ALLOW_UNMARKED"),
                skew=cls.user_skew,
                recorder=recorder,
                think=True,
                seed=secrets.randbits(32),
                pipeline=_mode() == "pipeline",
                access=access,
                refuse=partial(_refuse, environment),
            )
        if isinstance(environment.runner, WorkerRunner) and len(users) == 1:
            Link(environment, users[0], ServersIdentity.of(servers), on_event=partial(_log, users[0].describe().name))
    except LoadgenError as error:
        _leave(error)
    gevent.spawn(_tick, recorder)
    environment.events.test_stop.add_listener(lambda **_: recorder.close())  # type: ignore[no-untyped-call]  # untyped in Locust
    _hold_while_running(environment, partial(lock_of_run, servers, access))


def _log(scenario: str, event: Event) -> None:
    """Log a worker's progress, like Locust's own messages."""
    if isinstance(event, PhaseBegan):
        _LOGGER.info("%s: %s", scenario, event.phase)
    elif isinstance(event, Done):
        _LOGGER.info("%s: %s", scenario, "ended early" if event.interrupted else "done")
    elif isinstance(event, Failed):
        _LOGGER.error("%s", event.message)


def _tick(recorder: Recorder) -> None:
    """Close the seconds without transactions, so that Locust's figures include those before."""
    while True:
        gevent.sleep(TICK_S)
        recorder.tick(time.monotonic(), 0)


def _access(replicas: int) -> Access:
    options = {key: os.environ.get(name) or None for key, name in VARIABLES.items() if key != "replica"}
    return parse_access(**options, replicas=replicas, names=VARIABLES)


def _mode() -> str:
    mode = os.environ.get(MODE_VARIABLE) or "sequential"
    if mode not in get_args(Mode):
        raise UsageError(f"{MODE_VARIABLE}={mode!r} is unknown; set it to {' or '.join(get_args(Mode))}")
    return mode


def _hold_while_running(environment: Environment, lock: Callable[[], AbstractContextManager[None]]) -> None:
    """Keep seed and reset away from the database from a Locust test's start to its stop."""
    locks = ExitStack()

    def start(**_: object) -> None:
        try:
            locks.enter_context(lock())
        except LoadgenError as error:
            for cls in environment.user_classes:
                if issubclass(cls, PostgresUser):
                    cls.load = None  # without a load no user can start
            _refuse(environment, str(error))

    environment.events.test_start.add_listener(start)  # type: ignore[no-untyped-call]  # untyped in Locust
    environment.events.test_stop.add_listener(lambda **_: locks.close())  # type: ignore[no-untyped-call]  # untyped in Locust


def _refuse(environment: Environment, why: str) -> None:
    """End locust with the exit code of a refusal by the guard."""
    if environment.process_exit_code is None:
        environment.process_exit_code = int(ExitCode.ENVIRONMENT)
        print(f"loadgen: {why}", file=sys.stderr, flush=True)
        if environment.runner is not None:
            gevent.spawn(environment.runner.quit)


def _leave(error: LoadgenError) -> NoReturn:
    print(f"loadgen: {error}", file=sys.stderr, flush=True)
    sys.exit(error.exit_code)
