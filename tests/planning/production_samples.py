"""What production would show: request counts by the hour, and a profile whose statements were planted."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from loadgen.profiling.format import (
    OtherTables,
    Profile,
    ServerShape,
    Statement,
    StatementMix,
    StatementTotals,
    TableShape,
)
from loadgen.profiling.lexer import normalise
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription, TransactionDescription

USERS = 50_000
DAYS = 20.0
DONE = {
    "dashboard.open": 600_000.0,
    "dashboard.look": 200_000.0,
    "dashboard.save": 100_000.0,
    "montecarlo.recalculate": 90_000.0,
    "montecarlo.batch": 10_000.0,
}
"""Transactions in all those days: nine of ten are the dashboard's."""


def requests_csv(path: Path, days: int = 21, *, zone: str = "Z", comment: str = "", start: str = "2026-09-07") -> Path:
    """A rhythm of days and weeks, by the hour; returns ``path``."""
    rng, rows = np.random.default_rng(1), [*([comment] if comment else []), "timestamp,requests"]
    at = dt.datetime.fromisoformat(start)
    for hour in range(24 * days):
        shape = (1 + 0.9 * math.sin((hour % 24 - 9) * math.pi / 12)) * (0.6 if at.weekday() > 4 else 1.0)
        rows.append(f"{at.isoformat()}{zone},{rng.poisson(40_000 * shape)}")
        at += dt.timedelta(hours=1)
    path.write_text("\n".join(rows) + "\n")
    return path


TEXTS = {
    "summary": "SELECT calculations FROM financial_profiles WHERE user_id = $1",
    "goals": "SELECT id, status FROM goals WHERE user_id = $1 AND status IN ('active', 'in_progress')",
    "chat": "SELECT message FROM chat_messages WHERE user_id = $1 ORDER BY timestamp DESC LIMIT 20",
    "progress": "UPDATE user_progress SET progress_data = $2 WHERE user_id = $1",
    "inputs": "SELECT financial_data FROM financial_profiles WHERE user_id = $1",
    "store": "UPDATE financial_profiles SET monte_carlo_results = $2 WHERE user_id = $1",
}


def _writes(text: str) -> bool:
    return TEXTS[text].startswith("UPDATE")


def described(name: str, transactions: Mapping[str, tuple[float, tuple[str, ...], int]]) -> ScenarioDescription:
    """Weight, statements and repeats by transaction; what updates, writes."""
    used = dict.fromkeys(text for _, texts, _ in transactions.values() for text in texts)
    return ScenarioDescription(
        name,
        "a test",
        "none",
        0.99,
        tuple(
            TransactionDescription(n, w, ("identify", *texts), repeat, any(_writes(t) for t in texts), "read committed")
            for n, (w, texts, repeat) in transactions.items()
        ),
        (
            StatementDescription("identify", "SELECT set_config('app.user_id', $1, true)", False, (), (1, 1)),
            *(StatementDescription(t, TEXTS[t], _writes(t), (), (0, None)) for t in used),
        ),
    )


DASHBOARD = described(
    "dashboard",
    {
        "open": (80.0, ("summary", "goals", "chat"), 1),
        "look": (15.0, ("goals",), 1),
        "save": (5.0, ("progress",), 1),
    },
)
MONTECARLO = described(
    "montecarlo", {"recalculate": (90.0, ("inputs", "store"), 1), "batch": (10.0, ("inputs", "store"), 10)}
)


def profile(
    done: Mapping[str, float],
    *,
    days: float | None = DAYS,
    users: int = USERS,
    synthetic: bool = False,
    others: Mapping[str, float] | None = None,
) -> Profile:
    """Of a server that did so many of each transaction, ``scenario.transaction``."""
    calls: dict[str, float] = {}
    by_name = {f"{s.name}.{t.name}": t for s in (DASHBOARD, MONTECARLO) for t in s.transactions}
    for name, count in done.items():
        for text in by_name[name].statements[1:]:
            calls[TEXTS[text]] = calls.get(TEXTS[text], 0.0) + count * by_name[name].repeat
    calls |= others or {}
    return Profile(
        profiled_on="2026-10-01",
        server=ServerShape(180003, False, synthetic, ()),
        tables=(TableShape("users", users, True, 0, 0, 0, 0, True, 0, (), ()),),
        missing=(),
        others=OtherTables(0, 0),
        fan_outs=None,
        growth=(),
        statements=StatementMix(days, tuple(_statement(sql, n) for sql, n in calls.items()), StatementTotals(0, 0, 0)),
        notes=(),
    )


def _statement(sql: str, calls: float) -> Statement:
    known = normalise(sql)
    assert known is not None
    return Statement(known.text, known.verb, known.writes, round(calls), 0.1, 1.0, 3.0, 0.0)
