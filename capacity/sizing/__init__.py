"""Sizing: how many servers of what size, and from which date.

``futures`` are drawn from ``capacity_draws`` of the measured server, and by ``transfer`` for other servers;
``candidates`` decides in which futures a configuration meets the objective; ``choose`` takes the cheapest that does so
with the required probability; ``sensitivity`` ranks the inputs by their share of the uncertainty.
"""

from capacity.sizing.candidates import replicas_needed
from capacity.sizing.policy import POLICY_UNITS, Policy
from capacity.sizing.results import Basis, DatedConfiguration, Sensitivity, Sizing, Stage
from capacity.sizing.transfer import Calibrated

__all__ = [
    "POLICY_UNITS",
    "Basis",
    "Calibrated",
    "DatedConfiguration",
    "Policy",
    "Sensitivity",
    "Sizing",
    "Stage",
    "replicas_needed",
]
