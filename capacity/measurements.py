"""Measurements that a plan is made from: sweeps of scenarios, the server, table sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from capacity.demand import Demand
from capacity.latency import LatencyCurve
from capacity.scalability import Capacity, Repeat
from capacity.values import Input, Interval, Origin, Refusal, TableSize

NO_DEMAND = Refusal("no_demand", "the service demand of a transaction", "sweep a server whose CPU can be measured")
NO_CURVE = Refusal("no_curve", "response times by load", "sweep at least three levels, each at least twice")


@dataclass(frozen=True, slots=True)
class MeasuredDemand:
    """Service demand of one transaction of a scenario on the swept server, at three levels of the sweep.

    Raises ValueError unless ``best_tps`` and ``left_cores`` are above 0 and finite.
    """

    planned: Demand
    """Demand at the level of the capacity, the load that the plan uses."""
    first: Demand
    """Demand at the lowest level, where hardly anything queues."""
    best: Demand
    """Demand at the level of the greatest throughput, ``best_tps``."""
    best_tps: float
    left_cores: float
    """Cores available to the server: all, less what a load generator on the same machine used."""

    def __post_init__(self) -> None:
        if not (0 < self.best_tps < math.inf and 0 < self.left_cores < math.inf):
            raise ValueError("a measured demand needs throughput and cores above 0")

    @property
    def waits_s(self) -> float:
        """Time in s of a transaction, alone on the server, that is not CPU: round trips, commits, disk reads."""
        hold, cpu = self.first.connection_hold_s, self.first.cpu_s
        return max(hold.value - cpu.value, 0.0) if hold is not None and cpu is not None else 0.0


@dataclass(frozen=True, slots=True)
class SweptScenario:
    """Results of one scenario's sweep. ``read_share`` is the share of its transactions that only read."""

    name: str
    capacity: Capacity | Refusal
    read_share: float
    objective: str
    busy: bool
    """True if connections are always busy (no think time), so that a level is a number of busy connections."""
    repeats: tuple[Repeat, ...]
    source: str
    p99_ms: Mapping[int, float] = field(default_factory=dict)
    """Geometric mean of the runs' 99th percentile of response time by level; levels without one are absent."""
    round_trips: float | None = None
    """Mean number of round trips between client and server in a transaction."""
    wal_bytes_per_txn: float | None = None
    utilisation: float | None = None
    """Utilisation of the server's cores at the level of the capacity; None if not measured."""
    curve: LatencyCurve | Refusal = NO_CURVE
    """Latency curve of the objective's percentile."""
    objective_ms: float | None = None
    demand: MeasuredDemand | Refusal = NO_DEMAND
    write_cost: Interval | Refusal | None = None
    """CPU time of a writing transaction over that of a reading one; None if all only read, or all write."""
    replay_s: Interval | Refusal | None = None
    """CPU seconds that a replica needs to replay a transaction of the mix; None if all only read."""

    def mean_tps(self, level: int) -> float | None:
        """Return the geometric mean throughput of the runs at ``level``; None if there are none."""
        return _geometric_mean([r.throughput_tps for r in self.repeats if r.level == level])

    def mean_response_ms(self, level: int) -> float | None:
        """Return the geometric mean of the objective's percentile in ms at ``level``; None if not measured."""
        return _geometric_mean([r.response_ms for r in self.repeats if r.level == level])

    @property
    def levels(self) -> tuple[int, ...]:
        return tuple(sorted({r.level for r in self.repeats}))

    def capacity_input(self, capacity: Capacity) -> Input:
        """Return the measured capacity as an input of the plan."""
        at_least = "" if capacity.bracketed else "; a lower bound, since the highest level still met it"
        return Input(
            f"capacity.{self.name}",
            capacity.throughput_tps,
            "transactions per second and server",
            Origin.MEASURED,
            f"{self.source}: {self.objective}{at_least}",
        )


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """The server that was swept. Numbers are None where the server could not be asked."""

    cores: int | None
    ram_bytes: int | None
    source: str
    max_connections: int | None = None
    reserved_connections: int = 3


@dataclass(frozen=True, slots=True)
class StatementUse:
    """The table and columns that a statement uses, which decide whether partitions can be pruned."""

    name: str
    """``scenario.statement``."""
    table: str
    columns: tuple[str, ...]
    """Columns in the statement's conditions; of an INSERT, the columns that it sets."""


@dataclass(frozen=True, slots=True)
class MeasuredTables:
    """Table sizes of a database with ``users`` users."""

    users: int
    tables: tuple[TableSize, ...]
    source: str
    statements: tuple[StatementUse, ...] = ()
    filled_by_time: tuple[str, ...] = ()
    """Tables that grow with the age of the accounts; the others grow with their number only."""


def _geometric_mean(values: Sequence[float]) -> float | None:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None
