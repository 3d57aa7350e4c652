"""Messages between a run's parent and its child, a line of JSON each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadgen.database.servers import ServersIdentity
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule

Phase = Literal["ramp", "warmup", "measure", "drain"]


@dataclass(frozen=True, slots=True)
class Command:
    """Parent to child. ``run`` has a schedule, a spool and a share, ``begin`` a time on the monotonic clock."""

    do: Literal["run", "begin", "stop"]
    schedule: Schedule | None = None
    spool: str | None = None
    process: int = 0
    """Number of the child among the schedule's processes, from 0."""
    at: float = 0.0
    servers: ServersIdentity | None = None
    """Identity of the servers that a master's workers must use."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The scenario is loaded."""

    scenario: ScenarioDescription
    event: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class PhaseBegan:
    """A phase began at ``at`` on the monotonic clock, which parent and child share."""

    phase: Phase
    at: float
    event: Literal["phase"] = "phase"


@dataclass(frozen=True, slots=True)
class Ramped:
    """All users have started; the warm-up begins at the parent's command, in all processes at once."""

    event: Literal["ramped"] = "ramped"


@dataclass(frozen=True, slots=True)
class Done:
    """The run is over and its sessions are closed. ``cpu_cores``: the child's use in the measured window."""

    ended: float
    cpu_cores: float
    peak_rss_bytes: int
    interrupted: bool
    refusal: str | None = None
    """Reason if the guard ended the run: a connection led to another database, where nothing was written."""
    event: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """A LoadgenError of the child: it cannot load the scenario or carry out the run."""

    exit_code: int
    message: str
    event: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of a master, sent at each change before a run."""

    names: tuple[str, ...]
    event: Literal["workers"] = "workers"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Worker to master: it ends its part of the run early, at a signal or because the master is silent."""

    event: Literal["leaving"] = "leaving"


@dataclass(frozen=True, slots=True)
class WorkerMissing:
    """A worker is silent in the middle of a run, or ``leaves``."""

    name: str
    leaves: bool = False
    event: Literal["missing"] = "missing"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A master waits up to ``for_s`` for late reports of workers that do not answer."""

    names: tuple[str, ...]
    for_s: float
    event: Literal["awaited"] = "awaited"


@dataclass(frozen=True, slots=True)
class WorkerResult:
    """Result of one worker after a run; ``done`` is None if it was lost. ``left``: it ended its part early."""

    name: str
    spool: str
    done: Done | None
    clock_error_ms: float
    left: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """A master's run is over and its reports are complete; workers in the order of their shares."""

    made: tuple[WorkerResult, ...]
    event: Literal["collected"] = "collected"


Event = Ready | PhaseBegan | Ramped | Done | Failed | Workers | Leaving | WorkerMissing | Awaited | Collected
