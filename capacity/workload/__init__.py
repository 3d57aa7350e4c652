"""From users to load: the workload block, the peak load to come, and what production's counts say of both."""

from capacity.workload.block import UNITS, Event, MixShare, Workload
from capacity.workload.peak_load import PeakLoad
from capacity.workload.statement_mix import Transactions, transactions

__all__ = [
    "UNITS",
    "Event",
    "MixShare",
    "PeakLoad",
    "Transactions",
    "Workload",
    "transactions",
]
