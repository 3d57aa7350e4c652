"""Service demand of a transaction: CPU, WAL, block reads and time on a connection.

``service_demand`` estimates it by class, ``by_level`` for one class at each level of concurrency, ``replay`` for a
replica that replays the WAL; ``calibration`` compares two machines.
"""

from capacity.demand.by_level import LevelUse, demand_by_level
from capacity.demand.calibration import Calibration, Ratio, assumed_ratio, change_of_waits, cpu_time_ratio
from capacity.demand.replay import pooled_cost, replay_cost
from capacity.demand.service_demand import Demand, RunUse, cores_used, service_demands

__all__ = [
    "Calibration",
    "Demand",
    "LevelUse",
    "Ratio",
    "RunUse",
    "assumed_ratio",
    "change_of_waits",
    "cores_used",
    "cpu_time_ratio",
    "demand_by_level",
    "pooled_cost",
    "replay_cost",
    "service_demands",
]
