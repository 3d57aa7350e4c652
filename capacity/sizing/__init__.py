"""How many servers, of what size, from when on.

``futures`` are drawn from ``capacity_draws`` of the measured server, and by ``transfer`` for others; ``candidates``
says in which futures a configuration meets the objective, ``choose`` takes the cheapest that does with the probability
wanted, ``sensitivity`` says which input the answer hangs on.
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
