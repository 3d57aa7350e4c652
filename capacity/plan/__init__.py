"""What a plan says: the document, its alert rules, and what the load needs beside servers.

``capacity.planner.make_plan`` makes it, of the sizing, the pool and the tables.
"""

from capacity.plan.document import Metric, Plan, Resource, Trigger

__all__ = [
    "Metric",
    "Plan",
    "Resource",
    "Trigger",
]
