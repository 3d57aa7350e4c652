"""Where a pool is to be: how the application connects, the server, and the load on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from capacity.targets import Server, Target
from capacity.values import Input


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the application connects. ``pools``: pairs of user and database, each with a pool of its own.

    Raises ValueError for numbers that no deployment has.
    """

    instances: int = 1
    pools: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.instances <= 100_000 or not 1 <= self.pools <= 1_000:
            raise ValueError("a deployment has 1 to 100000 instances, and 1 to 1000 pools in each")


ONE_INSTANCE = Deployment()


@dataclass(frozen=True, slots=True)
class PoolSetting:
    """Where the pool is to be: the target's server, how it is reached, and the load on it at the horizon."""

    start: dt.date
    round_trip_ms: Input
    deployment: Deployment = ONE_INSTANCE
    target: Target | None = None
    server: Server | None = None
    """Of the target; None: the measured one."""
    peak_tps: Mapping[str, float] | None = None
    """By scenario, of one server at the horizon."""
