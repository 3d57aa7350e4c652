"""``loadgen.plan/1``: a plan beside all that it was made from."""

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
    """``plan.json``: the plan, and everything that it was made from, so that the page needs no other file."""

    id: str
    made_at: str
    plan: Plan
    growth_source: str
    growth_origin: Origin
    sweeps: tuple[SweepRecord, ...]
    tables: tuple[TableSize, ...]
    database: DatabaseFacts
    short: bool
    """Made from runs too short to decide from: for seeing."""
    options: tuple[str, ...] = ()
    """What else was asked, as typed; sweeps and horizon are above."""
    format: Literal["loadgen.plan/1"] = PLAN_FORMAT
