"""Workload: the load per user, the forecast peak load, and estimates of both from production's counts."""

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
