"""What a plan may be built from: servers of given cores, memory and price, and what is known of their provider.

Measured is one server. Carrying its capacity to another is an assumption unless that one was calibrated: capacity goes
with core speed × (cores ÷ measured cores)^scaling, both with a range, common to all servers of a target; see
:mod:`capacity.sizing.transfer` for what the measured demand of transactions makes of it.
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
    "speed of a core of the target over one of the measured server",
    Origin.ASSUMPTION,
    "the target was not calibrated",
)
SCALING = Input(
    "scaling",
    Interval(0.8, 0.95, 1.0),
    "exponent of cores in capacity",
    Origin.ASSUMPTION,
    "shared locks and caches make the second core worth less than the first; only one size was measured",
)
WAITS = Input(
    "waits",
    Interval(0.5, 1.0, 4.0),
    "time for commits and messages of a transaction over that on the measured server",
    Origin.ASSUMPTION,
    "the target was not calibrated; a commit that crosses a network takes several times one to a local disk",
)


@dataclass(frozen=True, slots=True)
class Server:
    """One size. None: not known, and nothing is held against it. ``price``: a month, with its range.

    Raises ValueError for cores, memory, connections or a price that no server has.
    """

    name: str
    cores: float | None
    ram_bytes: float | None
    price: Interval | None = None
    max_connections: int | None = None

    def __post_init__(self) -> None:
        for what, number in (("cores", self.cores), ("memory", self.ram_bytes), ("connections", self.max_connections)):
            if number is not None and not 0 < number < 1e18:
                raise ValueError(f"server {self.name!r} needs {what} above 0, not {number:g}")
        if self.price is not None and (self.price.low < 0 or not math.isfinite(self.price.high)):
            raise ValueError(f"server {self.name!r} needs a price of 0 or more")


@dataclass(frozen=True, slots=True)
class Pooler:
    """A pooler's own limits. ``default_pool``: server connections of one user and database, as a share of the server's
    max_connections."""

    name: str
    max_clients: int | None
    default_pool: float | None
    queue_timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """Servers to choose from. Raises ValueError for none, and for sizes that cannot be compared.

    ``measured``: the one server is the very one that was swept, nothing is carried over. ``shared_storage``: replicas
    read the primary's storage, which is paid once. ``usable_ram``: share of memory that the working set may fill.
    """

    name: str
    servers: tuple[Server, ...]
    most_replicas: int
    as_of: str = ""
    source: str = ""
    measured: bool = False
    shared_storage: bool = False
    storage_price: Interval | None = None
    """Per GB and month, of 10⁹ bytes."""
    currency: str = "USD"
    usable_ram: float = 0.75
    reserved_connections: int = 3
    """PostgreSQL's own superuser_reserved_connections unless the provider says more."""
    pooler: Pooler | None = None
    core_speed: Input = CORE_SPEED
    scaling: Input = SCALING
    waits: Input = WAITS
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("a target needs at least one server")
        if len({s.name for s in self.servers}) != len(self.servers):
            raise ValueError("a target's servers need names of their own")
        if not 0 <= self.most_replicas <= 100:
            raise ValueError(f"a target has 0 to 100 replicas, not {self.most_replicas}")
        if not self.measured and any(s.cores is None for s in self.servers):
            raise ValueError("every server of a target needs its cores: capacity is carried over by them")
        if len({s.price is None for s in self.servers}) > 1:
            raise ValueError("either all servers of a target have a price, or none")
        if not 0 < self.usable_ram <= 1:
            raise ValueError(f"usable_ram must lie above 0, and not above 1, not {self.usable_ram:g}")
        for given in (self.core_speed, self.scaling, self.waits):
            if not 0 < given.value.low <= given.value.high < math.inf:
                raise ValueError(f"{given.name} must be above 0, and finite")

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
        """Draws of what ``server`` carries over what the measured one does. Needs the measured one's cores."""
        if self.measured or server.cores is None or measured.cores is None:
            return np.ones(1)
        return np.asarray(draw(self.core_speed) * (server.cores / measured.cores) ** draw(self.scaling))


def measured_target(server: MeasuredServer, *, most_replicas: int = 15) -> Target:
    """The server that was swept, as often as needed and without a price."""
    one = Server("the measured server", server.cores, server.ram_bytes, None, server.max_connections)
    return Target("measured", (one,), most_replicas, source=server.source, measured=True)
