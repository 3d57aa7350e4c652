"""The lines of JSON between a run's parent and its child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loadgen.runs.format import ScenarioDescription, Schedule

Phase = Literal["ramp", "warmup", "measure", "drain"]


@dataclass(frozen=True, slots=True)
class Command:
    """Parent to child. ``run`` has a schedule and a spool, ``stop`` has neither."""

    do: Literal["run", "stop"]
    schedule: Schedule | None = None
    spool: str | None = None


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
class Done:
    """The run is over and its sessions are closed. ``cpu_cores``: what the child used in the measured window."""

    ended: float
    cpu_cores: float
    peak_rss_bytes: int
    interrupted: bool
    event: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """The scenario cannot be loaded or the run not be made: a LoadgenError of the child."""

    exit_code: int
    message: str
    event: Literal["failed"] = "failed"


Event = Ready | PhaseBegan | Done | Failed
