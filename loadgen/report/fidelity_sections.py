"""Sections of a fidelity record's page, each a function of the record."""

from __future__ import annotations

import shlex

from capacity import formatting
from loadgen.fidelity.format import FidelityRecord, Figure
from loadgen.report.charts import fidelity as charts
from loadgen.report.section import Section, section
from loadgen.report.shared import reproduce_section, storage_section

NAMES = {
    "age_share": "households of this age",
    "income_median": "income, median",
    "net_worth_median": "net worth, median",
    "net_worth_mean": "net worth, mean",
    "home": "home",
    "home_debt": "home-secured debt",
    "retirement": "retirement accounts",
    "student_loan": "student loans",
    "card_balance": "card balances",
}
"""Titles of measures; others are spelt out from their name."""


def verdict(record: FidelityRecord) -> Section:
    """Number of figures and rules that hold, and the worst of those that do not."""
    return section(
        "verdict",
        "Verdict",
        "Is it true to what was published?",
        "fidelity/verdict",
        record=record,
        outside=_worst_first(record, "outside"),
        broken=[check for check in record.checks if check.verdict == "outside"],
        say=say,
        amount=amount,
        error=error,
    )


def by_age(record: FidelityRecord) -> Section | None:
    """Published and stored figures by age."""
    figures = charts.by_age(record.figures)
    if not figures:
        return None
    title = "Published and stored, by age"
    return section("age", "By age", title, "fidelity/by_age", figures=figures, keys=charts.keys())


def figures(record: FidelityRecord) -> Section:
    """Every figure, worst first in each verdict."""
    groups = [(name, _worst_first(record, name)) for name in ("outside", "undecided", "within")]
    return section(
        "figures",
        "Figures",
        "Every published figure",
        "fidelity/figures",
        groups=[(name, found) for name, found in groups if found],
        errors=charts.errors(record.figures),
        say=say,
        amount=amount,
        error=error,
    )


def rules(record: FidelityRecord) -> Section:
    """Rules for rows, and the rows that break them."""
    return section("rules", "Rules", "Rules that rows keep", "fidelity/rules", checks=record.checks)


def shape(record: FidelityRecord) -> Section:
    """Rows per user, documents in line and in TOAST, and traces of use."""
    return section("shape", "Shape", "What a load meets", "fidelity/shape", record=record)


def estimates(record: FidelityRecord) -> Section | None:
    """The planner's estimates beside actual rows."""
    if not record.estimates:
        return None
    ordered = sorted(record.estimates, key=lambda e: -((e.worst.q_error if e.worst else None) or 0.0))
    return section(
        "planner", "Planner", "What the planner expects, and what comes", "fidelity/estimates", estimates=ordered
    )


def storage(record: FidelityRecord) -> Section | None:
    """Bytes on disk by table."""
    return storage_section([table.size for table in record.tables], record.database)


def facts(record: FidelityRecord) -> Section:
    """The server and the data."""
    return section("facts", "Facts", "Server and data", "facts", database=record.database, client=None)


def reproduce(record: FidelityRecord) -> Section:
    """Commands that reproduce this page."""
    data = record.database.fingerprint
    seed = ["loadgen", "seed", "--users", str(data.users), "--seed", str(data.seed), "--as-of", str(data.as_of)]
    commands = (shlex.join(seed), "loadgen fidelity", shlex.join(["loadgen", "report", record.id]))
    return reproduce_section(commands)


def say(figure: Figure) -> str:
    """Title of a figure: ``home, share who have it``."""
    if figure.measure in NAMES:
        return NAMES[figure.measure]
    item, _, kind = figure.measure.rpartition("_")
    if item in NAMES:
        return f"{NAMES[item]}, {'share who have them' if kind == 'hold' else 'median of those who have them'}"
    return (
        figure.measure.replace("_by_net_worth", " by net worth").replace("_by_income", " by income").replace("_", " ")
    )


def amount(figure: Figure, value: float | None) -> str:
    """Value of a figure in its unit."""
    if value is None:
        return formatting.MISSING
    if figure.unit == "dollars":
        return f"${value:,.0f}"
    return f"{value:.1f}%" if figure.unit == "percent" else f"{value:.2f}"


def error(figure: Figure) -> str:
    """Error of a figure in percent, or points."""
    if figure.error is None:
        return "not stored"
    return f"{figure.error:+.1f}{' points' if figure.unit == 'percent' else '%'}"


def _worst_first(record: FidelityRecord, verdict_name: str) -> list[Figure]:
    return sorted((f for f in record.figures if f.verdict == verdict_name), key=lambda f: -f.strain)
