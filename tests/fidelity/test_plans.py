"""Plans read as values: which node is furthest off, and which condition looks into a document."""

from __future__ import annotations

from typing import Any

import pytest

from loadgen.fidelity import plans


def node(kind: str, expected: float, came: float | None, *children: dict[str, Any], **more: str) -> dict[str, Any]:
    actual = {} if came is None else {"Actual Rows": came, "Actual Loops": 1}
    below = {"Plans": list(children)} if children else {}
    return {
        "Node Type": kind,
        "Plan Rows": expected,
        **actual,
        **below,
        **{k.replace("_", " "): v for k, v in more.items()},
    }


def test_the_deepest_of_the_worst_nodes_is_named() -> None:
    scan = node("Index Scan", 10, 500, Index_Name="goals_open_idx", Index_Cond="(user_id = 5)")
    found = plans.worst(node("Sort", 10, 500, scan))
    assert found is not None
    assert found.node == "Index Scan goals_open_idx"
    assert found.condition == "(user_id = 5)"
    assert found.q_error == 50


@pytest.mark.parametrize(("expected", "came", "q_error"), [(10, 10, 1), (1, 0, 1), (0, 30, 30), (100, 4, 25)])
def test_q_error_counts_either_way_and_from_one_row(expected: float, came: float, q_error: float) -> None:
    found = plans.top(node("Seq Scan", expected, came))
    assert found.q_error == q_error


def test_what_a_limit_stopped_early_is_no_error() -> None:
    stopped = node("Limit", 20, 20, node("Index Scan", 5000, 20))
    assert (plans.worst(stopped) or plans.top(stopped)).q_error == 1
    too_many = node("Limit", 20, 20, node("Filter", 20, 20, node("Seq Scan", 20, 9000)))
    found = plans.worst(too_many)
    assert found is not None
    assert found.q_error == 450


def test_what_did_not_run_has_no_error() -> None:
    planned = node("ModifyTable", 0, None, node("Index Scan", 7, None))
    assert plans.worst(planned) is None
    assert plans.top(planned).estimated_rows == 7
    never = node("Nested Loop", 9, 0, node("Seq Scan", 9, 0) | {"Actual Loops": 0})
    assert (plans.worst(never) or plans.top(planned)).node == "Nested Loop"


@pytest.mark.parametrize(
    "condition",
    [
        "((calculations ->> 'status'::text) = 'active'::text)",
        "(calculations @> '{\"a\": 1}'::jsonb)",
        "((data #>> '{a,b}'::text[]) IS NULL)",
        "(calculations ? 'net_worth'::text)",
    ],
)
def test_conditions_on_documents_are_found(condition: str) -> None:
    assert plans.jsonb_condition(node("Limit", 1, 1, node("Seq Scan", 1, 1, Filter=condition))) == condition


@pytest.mark.parametrize(
    "condition", ["(user_id = '5'::bigint)", "(monte_carlo_results IS NOT NULL)", "(message = 'a -> b @> c?'::text)"]
)
def test_other_conditions_are_not(condition: str) -> None:
    assert plans.jsonb_condition(node("Seq Scan", 1, 1, Filter=condition)) is None
