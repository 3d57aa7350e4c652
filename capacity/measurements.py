"""Measurements that a plan is made from: sweeps of scenarios, the server, the sizes of tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from capacity.demand import Demand
from capacity.latency import LatencyCurve
from capacity.scalability import Capacity, Repeat
from capacity.values import Input, Interval, Origin, Refusal, TableSize

NO_DEMAND = Refusal("no_demand", "what a transaction costs the server", "sweep a server whose CPU can be seen")
NO_CURVE = Refusal("no_curve", "latency against load", "sweep three levels or more, twice each")


@dataclass(frozen=True, slots=True)
class MeasuredDemand:
    """What a transaction of a scenario costs the server that was swept, at three of its levels.

    Raises ValueError without throughput or cores.
    """

    planned: Demand
    """At the level of the capacity: the load that is planned for."""
    first: Demand
    """At the lowest level, where next to nothing queues."""
    best: Demand
    """At the level of the greatest throughput, ``best_tps``."""
    best_tps: float
    left_cores: float
    """Cores that a load generator on the same machine left to the server; all of them where it ran elsewhere."""

    def __post_init__(self) -> None:
        if not (0 < self.best_tps < math.inf and 0 < self.left_cores < math.inf):
            raise ValueError("a measured demand needs throughput and cores above 0")

    @property
    def waits_s(self) -> float:
        """Of a transaction that meets no other, the time that is not CPU: messages, commits, disks."""
        hold, cpu = self.first.connection_hold_s, self.first.cpu_s
        return max(hold.value - cpu.value, 0.0) if hold is not None and cpu is not None else 0.0


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
    curve: LatencyCurve | Refusal = NO_CURVE
    """The objective's percentile of response time against load."""
    objective_ms: float | None = None
    demand: MeasuredDemand | Refusal = NO_DEMAND
    write_cost: Interval | Refusal | None = None
    """CPU time of a writing transaction over a reading one's; None where it only reads, or only writes."""
    replay_s: Interval | Refusal | None = None
    """CPU seconds that a replica spends on replaying a transaction of its mix; None where it only reads."""

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
