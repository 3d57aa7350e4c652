"""Worker processes of this machine, whose master may be on another."""

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
    """Run as workers: generate the load that the master at ``host``:``port`` assigns, until it ends.

    Raises LoadgenError: no master, no server, the guard, a process that was lost. At an interrupt the workers leave
    in good order, then KeyboardInterrupt.
    """
    inbox: Inbox = queue.Queue()
    unmarked = {} if allow_unmarked is None else {"LOADGEN_ALLOW_UNMARKED": allow_unmarked}
    command = ("loadgen.engine.worker", str(scenario), host, str(port))
    say(f"joining the master at {host}:{port}")
    children = [Child(command, {**environment, **unmarked}, inbox) for _ in range(processes)]
    ready, running, phase, lost = 0, len(children), None, 0
    try:
        while running:
            child, event = inbox.get()
            match event:
                case Failed():
                    raise as_error(event)
                case Ready():
                    ready += 1
                    say(f"joined: {child.pid}" + (f", {ready} of {processes}" if processes > 1 else ""))
                case PhaseBegan() if event.phase != phase:
                    phase = event.phase
                    say(f"{scenario.stem}: {event.phase}")
                case Done() if child is children[0]:
                    say("done; waiting for the master")
                case None:
                    running -= 1
                    if ready < processes:
                        raise EnvironmentFault(f"{scenario} could not be loaded{child.why()}")
                    lost += _report_loss(child, say)
                case _:
                    pass
        if lost:
            raise EnvironmentFault(f"{lost} of {processes} workers did not last; see why, and start again")
        say("the master has ended")
    finally:
        close_all(children)


def _report_loss(child: Child, say: Callable[[str], None]) -> bool:
    ending = child.ending()
    if ending is not None:
        say(f"worker {child.pid} {ending}; its share of the load is lost")
    return ending is not None
