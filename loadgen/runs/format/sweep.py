"""``loadgen.sweep/2``: runs at several levels of load, and the capacity that they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from capacity.values import Interval, Refusal, TableSize
from loadgen.runs.format import from_version_1
from loadgen.runs.format.latency import Latency, Objective
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts
from loadgen.runs.format.ranges import Count, Repeat, Repeats, Share, Users
from loadgen.runs.format.scenario import ScenarioDescription
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.verdict import Verdict

SWEEP_FORMAT: Final = "loadgen.sweep/2"


@dataclass(frozen=True)
class SweepPoint:
    """One run of a sweep. Points of an invalid run are shown and not used."""

    level: Users
    repeat: Repeat
    order: Count
    """Place in the random order in which the runs were made, from 0."""
    run_id: str
    verdict: Verdict
    throughput_tps: Interval | None
    error_share: Share | None
    service: Latency | None
    response: Latency | None
    server_cpu_cores: float | None
    generator_cpu_cores: float | None
    wal_bytes_per_txn: float | None


@dataclass(frozen=True)
class CapacityAnswer:
    """Capacity: greatest throughput of a level at which, and below which, the objective was met with P ≥ 0.95.

    ``bracketed`` is False when the highest level still met it and throughput still rose: the capacity is "at least".
    """

    throughput_tps: Interval
    level: Users
    bracketed: bool
    met_probability: dict[int, Share]
    """Probability that the objective was met, by level."""
    pool: tuple[Users, Users] | None
    """Fewest and most connections whose throughput is within 5 % of the best; None if not bracketed."""


@dataclass(frozen=True)
class SweepRecord:
    """``sweep.json``: levels in random order with repeats, and the load that they support."""

    id: str
    started_at: str
    scenario: ScenarioDescription
    objective: Objective
    max_error_share: Share
    """Largest share of a level's transactions that may fail; a level above it does not meet the objective."""
    levels: Annotated[tuple[Users, ...], Field(min_length=1)]
    repeats: Repeats
    schedule: Schedule
    """Schedule of the highest level; the other runs differ in users, and in seeds counted up from this one."""
    points: tuple[SweepPoint, ...]
    database: DatabaseFacts
    client: ClientFacts
    tables: tuple[TableSize, ...]
    capacity: CapacityAnswer | None
    refusal: Refusal | None
    partial: bool = False
    format: Literal["loadgen.sweep/2"] = SWEEP_FORMAT

    @property
    def interrupted(self) -> bool:
        """True if a signal to the sweep's own process ended it, and not the loss of its generator."""
        return self.partial and not any(
            p.verdict.status == "partial" and not p.verdict.interrupted for p in self.points
        )

    @model_validator(mode="before")
    @classmethod
    def _older(cls, document: Any) -> Any:
        return from_version_1(document)
