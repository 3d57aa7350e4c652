"""The lines of JSON between a run's parent and its child."""

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
    """Which of the schedule's processes the child is."""
    at: float = 0.0
    servers: ServersIdentity | None = None
    """To a master: which servers its workers must be on."""


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
    """The users are there and at work; the warm-up begins when the parent says so, in all processes at one time."""

    event: Literal["ramped"] = "ramped"


@dataclass(frozen=True, slots=True)
class Done:
    """The run is over and its sessions are closed. ``cpu_cores``: what the child used in the measured window."""

    ended: float
    cpu_cores: float
    peak_rss_bytes: int
    interrupted: bool
    refusal: str | None = None
    """Why the guard ended the run: a connection that led to another database. Nothing was written there."""
    event: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """The scenario cannot be loaded or the run not be made: a LoadgenError of the child."""

    exit_code: int
    message: str
    event: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Workers:
    """A master's workers, as they come and go before a run."""

    names: tuple[str, ...]
    event: Literal["workers"] = "workers"


@dataclass(frozen=True, slots=True)
class Leaving:
    """Worker to master: it ends its part of the run early, because it was told to go or hears nothing any more."""

    event: Literal["leaving"] = "leaving"


@dataclass(frozen=True, slots=True)
class WorkerMissing:
    """A master has heard nothing from one of its workers in the middle of a run, or that it ``leaves``."""

    name: str
    leaves: bool = False
    event: Literal["missing"] = "missing"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A master has all but the late reports of workers that do not answer, and waits for those so long."""

    names: tuple[str, ...]
    for_s: float
    event: Literal["awaited"] = "awaited"


@dataclass(frozen=True, slots=True)
class WorkerMade:
    """What a master has of one worker after a run; ``done`` None: it was lost. ``left``: it ended its part early."""

    name: str
    spool: str
    done: Done | None
    clock_error_ms: float
    left: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """A master's run is over, and all that will come has come; workers in the order of their shares."""

    made: tuple[WorkerMade, ...]
    event: Literal["collected"] = "collected"


Event = Ready | PhaseBegan | Ramped | Done | Failed | Workers | Leaving | WorkerMissing | Awaited | Collected
