"""What the planner was given as measured: sweeps of scenarios, the server, the sizes of tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from capacity.plan.values import Input
from capacity.scalability import Capacity, Repeat
from capacity.storage import TableSize
from capacity.values import Origin, Refusal


@dataclass(frozen=True, slots=True)
class SweptScenario:
    """One scenario's sweep. ``read_share``: of its transactions, those that write nothing."""

    name: str
    capacity: Capacity | Refusal
    read_share: float
    objective: str
    busy: bool
    """Every connection at work all the time, no think time: a level is then a number of connections."""
    repeats: tuple[Repeat, ...]
    source: str
    p99_ms: Mapping[int, float] = field(default_factory=dict)
    """By level, the geometric mean of the runs' 99th percentile of response time; a level without is left out."""
    round_trips: float | None = None
    """Of a transaction between client and server, on average."""
    wal_bytes_per_txn: float | None = None
    utilisation: float | None = None
    """Of the server's cores at the level of the capacity; None where they were not seen."""

    def mean_tps(self, level: int) -> float | None:
        """Geometric mean throughput of the runs at ``level``; None when it was not measured."""
        return _geometric_mean([r.throughput_tps for r in self.repeats if r.level == level])

    def mean_response_ms(self, level: int) -> float | None:
        """Geometric mean of the objective's percentile of response time at ``level``; None when not measured."""
        return _geometric_mean([r.response_ms for r in self.repeats if r.level == level])

    @property
    def levels(self) -> tuple[int, ...]:
        return tuple(sorted({r.level for r in self.repeats}))

    def capacity_input(self, capacity: Capacity) -> Input:
        """The measured capacity as an input of the plan."""
        at_least = "" if capacity.bracketed else ", at least: the highest level still met it"
        return Input(
            f"capacity.{self.name}",
            capacity.throughput_tps,
            "transactions a second per server",
            Origin.MEASURED,
            f"{self.source}: {self.objective}{at_least}",
        )


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """The server that was swept. None: it could not be asked."""

    cores: int | None
    ram_bytes: int | None
    source: str
    max_connections: int | None = None
    reserved_connections: int = 3


@dataclass(frozen=True, slots=True)
class StatementUse:
    """What a statement touches, as far as partitions care."""

    name: str
    """``scenario.statement``."""
    table: str
    columns: tuple[str, ...]
    """Of the table, those that it compares to find its rows; of an insert, those that it gives."""


@dataclass(frozen=True, slots=True)
class MeasuredTables:
    """Sizes of the tables of a database with ``users`` users."""

    users: int
    tables: tuple[TableSize, ...]
    source: str
    statements: tuple[StatementUse, ...] = ()
    filled_by_time: tuple[str, ...] = ()
    """Tables that every account goes on filling; the others hold what an account is, however old."""


def _geometric_mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
