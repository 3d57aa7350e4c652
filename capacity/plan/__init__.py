"""What a plan says, and how it is found: futures are simulated, configurations held against them, the cheapest chosen.

``simulate`` draws futures, from ``capacities`` of the measured server, and by ``carrying`` them to others;
``candidates`` says in which futures a configuration meets the objective, ``choose`` takes the cheapest that does with
the probability wanted, ``sensitivity`` says which input the answer hangs on, ``triggers`` which figures of the server
tell that a step is due. ``capacity.planner.make_plan`` joins them.
"""

from capacity.plan.basis import Basis
from capacity.plan.values import (
    Check,
    DatedConfiguration,
    Division,
    Due,
    Input,
    Kind,
    Metric,
    PartitionDesign,
    Plan,
    Prediction,
    Recommendation,
    RefusedRecommendation,
    Rejected,
    Resource,
    Sensitivity,
    Sizing,
    Stage,
    Step,
    Trigger,
)

__all__ = [
    "Basis",
    "Check",
    "DatedConfiguration",
    "Division",
    "Due",
    "Input",
    "Kind",
    "Metric",
    "PartitionDesign",
    "Plan",
    "Prediction",
    "Recommendation",
    "RefusedRecommendation",
    "Rejected",
    "Resource",
    "Sensitivity",
    "Sizing",
    "Stage",
    "Step",
    "Trigger",
]
