"""Targets of a plan: servers to choose from, their limits and prices."""

from capacity.targets.neon import PRICE_PER_CU_HOUR, ComputeSize, neon_target
from capacity.targets.target import CORE_SPEED, GIB, SCALING, Pooler, Server, Target, measured_target

__all__ = [
    "CORE_SPEED",
    "GIB",
    "PRICE_PER_CU_HOUR",
    "SCALING",
    "ComputeSize",
    "Pooler",
    "Server",
    "Target",
    "measured_target",
    "neon_target",
]
