"""Targets of a plan: servers with their cores, memory and price, and the limits of their provider.

Only one server was measured. The transfer of its capacity to another is an assumption unless that one was calibrated:
CPU capacity is proportional to core speed × (cores ÷ measured cores)^scaling, both with a range common to all servers
of a target; :mod:`capacity.sizing.transfer` combines this with the measured service demand of transactions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.measurements import MeasuredServer
from capacity.values import Input, Interval, Origin

GIB = 2**30

CORE_SPEED = Input(
    "core_speed",
    Interval(0.6, 1.0, 1.6),
    "speed of a core of the target over that of the measured server",
    Origin.ASSUMPTION,
    "the target was not calibrated",
)
SCALING = Input(
    "scaling",
    Interval(0.8, 0.95, 1.0),
    "exponent of the number of cores in capacity",
    Origin.ASSUMPTION,
    "shared locks and caches make each further core worth less; only one size was measured",
)
WAITS = Input(
    "waits",
    Interval(0.5, 1.0, 4.0),
    "time of a transaction's commits and round trips over that on the measured server",
    Origin.ASSUMPTION,
    "the target was not calibrated; a commit over a network takes several times as long as one to a local disk",
)


@dataclass(frozen=True, slots=True)
class Server:
    """A size of server. ``price`` is per month, with its range. None means unknown, and no limit is checked.

    Raises ValueError for impossible cores, memory, connections or prices.
    """

    name: str
    cores: float | None
    ram_bytes: float | None
    price: Interval | None = None
    max_connections: int | None = None

    def __post_init__(self) -> None:
        for name, number in (("cores", self.cores), ("memory", self.ram_bytes), ("connections", self.max_connections)):
            if number is not None and not 0 < number < 1e18:
                raise ValueError(f"server {self.name!r} needs {name} above 0, not {number:g}")
        if self.price is not None and (self.price.low < 0 or not math.isfinite(self.price.high)):
            raise ValueError(
                f"server {self.name!r} needs a price of 0 or more, not {self.price.low:g} to {self.price.high:g}"
            )


@dataclass(frozen=True, slots=True)
class Pooler:
    """Limits of a pooler. ``default_pool`` is the number of server connections per user and database, as a share of
    max_connections."""

    name: str
    max_clients: int | None
    default_pool: float | None
    queue_timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """Servers to choose from. Raises ValueError for none, and for servers that cannot be compared.

    With ``measured`` the one server is the one that was swept, so nothing is transferred. With ``shared_storage``
    replicas read the primary's storage, which is paid once. ``usable_ram`` is the share of memory that the working set
    may fill.
    """

    name: str
    servers: tuple[Server, ...]
    most_replicas: int
    as_of: str = ""
    source: str = ""
    measured: bool = False
    shared_storage: bool = False
    storage_price: Interval | None = None
    """Price per GB (10⁹ bytes) and month; None if storage has no price."""
    currency: str = "USD"
    usable_ram: float = 0.75
    reserved_connections: int = 3
    """Connections reserved for superusers: PostgreSQL's superuser_reserved_connections, or the provider's number."""
    pooler: Pooler | None = None
    core_speed: Input = CORE_SPEED
    scaling: Input = SCALING
    waits: Input = WAITS
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("a target needs at least one server")
        if len({s.name for s in self.servers}) != len(self.servers):
            raise ValueError("each server of a target needs a name of its own")
        if not 0 <= self.most_replicas <= 100:
            raise ValueError(f"replicas of a target: expected at most 0 to 100, not {self.most_replicas}")
        if not self.measured and any(s.cores is None for s in self.servers):
            raise ValueError("each server of a target needs its number of cores, from which its capacity follows")
        if len({s.price is None for s in self.servers}) > 1:
            raise ValueError("either all servers of a target have a price or none has")
        if not 0 < self.usable_ram <= 1:
            raise ValueError(f"usable_ram must be above 0 and at most 1, not {self.usable_ram:g}")
        for factor in (self.core_speed, self.scaling, self.waits):
            if not 0 < factor.value.low <= factor.value.high < math.inf:
                raise ValueError(f"{factor.name} must be above 0 and finite")

    @property
    def priced(self) -> bool:
        return self.servers[0].price is not None

    @property
    def cost_unit(self) -> str:
        return self.currency if self.priced else "server-months"

    @property
    def inputs(self) -> tuple[Input, ...]:
        return () if self.measured else (self.core_speed, self.scaling)

    def speed(self, server: Server, measured: MeasuredServer, draw: Callable[[Input], Floats]) -> Floats:
        """Draw the CPU capacity of ``server`` over that of the measured server, whose cores must be known."""
        if self.measured or server.cores is None or measured.cores is None:
            return np.ones(1)
        return np.asarray(draw(self.core_speed) * (server.cores / measured.cores) ** draw(self.scaling))


def measured_target(server: MeasuredServer, *, most_replicas: int = 15) -> Target:
    """Return the target of any number of servers like the measured one, without a price."""
    only_server = Server("the measured server", server.cores, server.ram_bytes, None, server.max_connections)
    return Target("measured", (only_server,), most_replicas, source=server.source, measured=True)
