"""Consistency rules within and between the rows of a household, each checked on all rows that it applies to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from loadgen.fidelity.format import Check, Verdict
from loadgen.fidelity.reading import Snapshot
from loadgen.fidelity.shape import JSON_COLUMNS
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.fidelity", "sql/checks.sql")

RULES: Final = {
    "net_worth": "assets and debts add up to their totals, and their difference to the net worth",
    "mortgage": "a mortgage has its home",
    "household": "a household is no smaller than its couple and minors",
    "allocation": "the shares of an allocation add up to 100",
    "bands": "the percentile bands of a projection do not cross",
    "score": "the retirement score is the success probability in percent",
    "simulation": "a simulation starts from its household's balance, horizon and allocation",
    "children": "an education goal is for a child of the family below 18",
    "beneficiaries": "the shares of beneficiaries add up to 100",
    "heirs": "a spouse and children inherit where there are any",
    "goal_dates": "an open goal lies ahead, a completed one does not",
    "goals": "a goal fits the household's debts, home and age",
    "emails": "an address is on a domain that receives no mail",
}
"""Rules by the name of the statement that counts their violations."""

REPEATED_ALLOWED: Final = 0.001
"""Allowed share of documents that equal another one."""


def measure(snapshot: Snapshot) -> tuple[Check, ...]:
    """Check every rule, then count repeated documents in every column."""
    return (*_rules(snapshot), *_distinct(snapshot))


def judged(name: str, rule: str, checked: int, violating: int, allowed: float = 0.0) -> Check:
    """A check with its verdict, which is undecided if the rule applies to no row."""
    verdict: Verdict = "undecided" if not checked else "within" if violating <= allowed * checked else "outside"
    return Check(name, rule, checked, violating, allowed, verdict)


def _rules(snapshot: Snapshot) -> Iterator[Check]:
    for name, rule in RULES.items():
        snapshot.say(f"checks: {rule}")
        ((checked, violating),) = snapshot.rows(_SQL[name], {"as_of": snapshot.mark.as_of})
        yield judged(name, rule, checked, violating)


def _distinct(snapshot: Snapshot) -> Iterator[Check]:
    for table, columns in JSON_COLUMNS.items():
        snapshot.say(f"checks: no two documents of {table} are the same")
        for column in columns:
            names = sql.Identifier(table), sql.Identifier(column)
            ((documents, repeated),) = snapshot.rows(_SQL["distinct_documents"], table=names[0], column=names[1])
            rule = f"{1 - REPEATED_ALLOWED:.1%} of {table}.{column} are distinct"
            yield judged(f"distinct {column}", rule, documents, repeated, REPEATED_ALLOWED)
