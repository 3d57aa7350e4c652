"""Setting of a pool: how the application connects, the server, and the load on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from capacity.targets import Server, Target
from capacity.values import Input


@dataclass(frozen=True, slots=True)
class Deployment:
    """Instances of the application, and pools in each: one per pair of user and database.

    Raises ValueError for impossible numbers.
    """

    instances: int = 1
    pools: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.instances <= 100_000 or not 1 <= self.pools <= 1_000:
            raise ValueError("deployment: expected 1 to 100000 instances with 1 to 1000 pools each")


ONE_INSTANCE = Deployment()


@dataclass(frozen=True, slots=True)
class PoolSetting:
    """The server that a pool connects to, the round trip to it, and the load on it at the horizon."""

    start: dt.date
    round_trip_ms: Input
    deployment: Deployment = ONE_INSTANCE
    target: Target | None = None
    server: Server | None = None
    """Server of the target; None for the measured server."""
    peak_tps: Mapping[str, float] | None = None
    """Peak transactions per second of one server at the horizon, by scenario."""
