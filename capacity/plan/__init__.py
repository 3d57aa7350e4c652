"""Contents of a plan: the document, its alert rules, and the resources that the load needs.

``capacity.planner.make_plan`` fills it from the sizing, the pool and the tables.
"""

from capacity.plan.document import Metric, Plan, Resource, Trigger

__all__ = [
    "Metric",
    "Plan",
    "Resource",
    "Trigger",
]
