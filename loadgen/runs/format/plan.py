"""``loadgen.plan/1``: a plan with all its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from capacity.plan import Plan
from capacity.values import Origin, TableSize
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.format.sweep import SweepRecord

PLAN_FORMAT: Final = "loadgen.plan/1"


@dataclass(frozen=True)
class PlanRecord:
    """``plan.json``: the plan and all its inputs, so that the page needs no other file."""

    id: str
    made_at: str
    plan: Plan
    growth_source: str
    growth_origin: Origin
    sweeps: tuple[SweepRecord, ...]
    tables: tuple[TableSize, ...]
    database: DatabaseFacts
    short: bool
    """True if its runs are too short to decide from."""
    options: tuple[str, ...] = ()
    """Other options as typed; sweeps and horizon have fields of their own."""
    format: Literal["loadgen.plan/1"] = PLAN_FORMAT
