"""EXPLAIN's plans as values: what each node expected and what came. Pure."""

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
    """The rows that the statement returns, or changes."""
    return _estimate(plan["Plans"][0] if plan["Node Type"] == "ModifyTable" else plan)


def worst(plan: Plan) -> NodeEstimate | None:
    """The node that was furthest off; None if nothing ran. Deeper ones first where several are: errors grow upwards.

    Below a Limit a node may have been stopped early, so there too few rows are no error.
    """
    ran = [node for node in _nodes(plan, limited=False) if node.q_error is not None]
    return max(reversed(ran), key=lambda node: node.q_error or 0.0, default=None)


def jsonb_condition(plan: Plan) -> str | None:
    """The first condition that looks into a document."""
    for text in _conditions(plan):
        # Casts and literals hold signs that are operators elsewhere.
        if _INTO_DOCUMENT.search(re.sub(r"'[^']*'", "''", text)):
            return text
    return next(filter(None, map(jsonb_condition, plan.get("Plans", ()))), None)


def _nodes(plan: Plan, *, limited: bool) -> Iterator[NodeEstimate]:
    found = _estimate(plan)
    stopped = limited and found.actual_rows is not None and found.actual_rows < found.estimated_rows
    if not stopped:
        yield found
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
