"""What a fidelity check found: nearly all right, one figure far off. Nothing here is measured."""

from __future__ import annotations

import math

from shown_ground import DATABASE, TABLES

from loadgen.fidelity.format import (
    Check,
    DocumentState,
    FanOut,
    FidelityRecord,
    NodeEstimate,
    StatementEstimate,
    TableState,
)
from loadgen.fidelity.judging import judge
from loadgen.fidelity.published import figures
from loadgen.fidelity.sampling import NOTHING, Measured


def fidelity() -> FidelityRecord:
    """Every published figure a little off, the fourth of them far, wills not stored, one rule broken."""
    found = []
    for place, published in enumerate(figures()):
        value = published.value * (2.5 if place == 3 else 1 + 0.01 * math.sin(place))
        spread = 0.02 * abs(value)
        measured = Measured(value, value - spread, value + spread, 900 + place, spread / 2)
        found.append(judge(published, NOTHING if published.measure == "will" else measured))
    scan = NodeEstimate("Index Scan goals_open_idx", "(user_id = 7)", 2, 42)
    return FidelityRecord(
        id="20261124T081500Z-fidelity-51c0de",
        measured_at="2026-11-24T08:15:00+00:00",
        database=DATABASE,
        users=5_000,
        under_water=421,
        figures=tuple(found),
        checks=(
            Check("bands", "the percentile bands of a projection do not cross", 3_250, 0, 0.0, "within"),
            Check("children", "an education goal is for a child of the family below 18", 700, 3, 0.0, "outside"),
        ),
        fan_outs=(FanOut("goals", 1.45, 0.44, 1, 4, 10, 12), FanOut("chat_messages", 4.0, 0.45, 1, 10, 35, 279)),
        tables=tuple(TableState(table, table.total_bytes / table.rows, 0.3, 17, None) for table in TABLES),
        documents=(
            DocumentState("financial_profiles", "monte_carlo_results", 5_000, 0.35, 2_744.5, 1_933.1, 1.0, 0.91),
            DocumentState("chat_messages", "response", 0, None, None, None, None, None),
        ),
        estimates=(
            StatementEstimate(("dashboard",), "open_goals", 25, scan, scan, 1.4, None),
            StatementEstimate(
                ("montecarlo",),
                "store_results",
                1,
                scan,
                None,
                None,
                "((data ->> 'a') = 'b')",
                "writes: planned, not run",
            ),
            StatementEstimate(("dashboard",), "absent", 0, None, None, None, None, "could not be planned"),
        ),
    )
