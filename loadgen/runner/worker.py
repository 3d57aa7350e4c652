"""The parent's hold on worker processes of this machine, whose master may be on another."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from pathlib import Path

from loadgen.errors import EnvironmentFault
from loadgen.runner.child import Child, Inbox, as_error, close_all
from loadgen.runs.control import Done, Failed, PhaseBegan, Ready


def work(
    scenario: Path,
    environment: Mapping[str, str],
    allow_unmarked: str | None,
    *,
    host: str,
    port: int,
    processes: int,
    say: Callable[[str], None],
) -> None:
    """Make what the master at ``host``:``port`` says, until it goes. An interrupt leaves it in good order.

    Raises LoadgenError: no master, no server, the guard, a process that did not last; KeyboardInterrupt after leaving.
    """
    inbox: Inbox = queue.Queue()
    unmarked = {} if allow_unmarked is None else {"LOADGEN_ALLOW_UNMARKED": allow_unmarked}
    command = ("loadgen.engine.worker", str(scenario), host, str(port))
    say(f"joining the master at {host}:{port}")
    children = [Child(command, {**environment, **unmarked}, inbox) for _ in range(processes)]
    ready, living, shown, lost = 0, len(children), None, 0
    try:
        while living:
            child, event = inbox.get()
            match event:
                case Failed():
                    raise as_error(event)
                case Ready():
                    ready += 1
                    say(f"joined: {child.pid}" + (f", {ready} of {processes}" if processes > 1 else ""))
                case PhaseBegan() if event.phase != shown:
                    shown = event.phase
                    say(f"{scenario.stem}: {event.phase}")
                case Done() if child is children[0]:
                    say("done; waiting for the master")
                case None:
                    living -= 1
                    if ready < processes:
                        raise EnvironmentFault(f"{scenario} could not be loaded{child.why()}")
                    lost += _did_not_last(child, say)
                case _:
                    pass
        if lost:
            raise EnvironmentFault(f"{lost} of {processes} workers did not last; see why, and start again")
        say("the master has ended")
    finally:
        close_all(children)


def _did_not_last(child: Child, say: Callable[[str], None]) -> bool:
    how = child.ending()
    if how is not None:
        say(f"worker {child.pid} {how}; its part is lost to the run")
    return how is not None
