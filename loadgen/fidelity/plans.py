"""Plans of EXPLAIN as values: estimated and actual rows of each node. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from loadgen.fidelity.format import NodeEstimate

Plan = Mapping[str, Any]
"""A node of EXPLAIN (FORMAT JSON)."""

_CONDITIONS: Final = (
    "Index Cond",
    "Recheck Cond",
    "Filter",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "One-Time Filter",
)
_INTO_DOCUMENT: Final = re.compile(r"->|#>|@>|<@|@\?|@@|\?[|&]?|jsonb_\w+\(|\['")


def top(plan: Plan) -> NodeEstimate:
    """Estimate of the rows that the statement returns or changes."""
    return _estimate(plan["Plans"][0] if plan["Node Type"] == "ModifyTable" else plan)


def worst(plan: Plan) -> NodeEstimate | None:
    """The node with the largest q-error, the deepest of several; None if the plan was not executed.

    Errors grow upwards. Below a Limit a node may have been stopped early, so too few rows are no error there.
    """
    executed = [node for node in _nodes(plan, limited=False) if node.q_error is not None]
    return max(reversed(executed), key=lambda node: node.q_error or 0.0, default=None)


def jsonb_condition(plan: Plan) -> str | None:
    """The first condition on a member of a document; None without one."""
    for text in _conditions(plan):
        # Literals may hold characters that are operators elsewhere.
        if _INTO_DOCUMENT.search(re.sub(r"'[^']*'", "''", text)):
            return text
    return next(filter(None, map(jsonb_condition, plan.get("Plans", ()))), None)


def _nodes(plan: Plan, *, limited: bool) -> Iterator[NodeEstimate]:
    estimate = _estimate(plan)
    stopped = limited and estimate.actual_rows is not None and estimate.actual_rows < estimate.estimated_rows
    if not stopped:
        yield estimate
    for child in plan.get("Plans", ()):
        yield from _nodes(child, limited=limited or plan["Node Type"] == "Limit")


def _estimate(plan: Plan) -> NodeEstimate:
    name = " ".join(filter(None, (plan["Node Type"], plan.get("Index Name") or plan.get("Relation Name"))))
    ran = plan.get("Actual Loops", 0) > 0
    return NodeEstimate(
        node=name,
        condition=" and ".join(_conditions(plan)),
        estimated_rows=float(plan["Plan Rows"]),
        actual_rows=float(plan["Actual Rows"]) if ran else None,
    )


def _conditions(plan: Plan) -> list[str]:
    return [str(plan[key]) for key in _CONDITIONS if key in plan]
