"""Published figures on which the model is based, as arrays by age group.

Sources are in the files: ``data/scf2022_by_age.csv`` and ``data/scf2022_items.csv`` (Federal Reserve, Survey of
Consumer Finances 2022), ``data/scf2022_joint.csv`` and ``data/household_facts.csv`` (a source in each row).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np

from capacity.arrays import Floats

AGE_GROUPS: Final = ("<35", "35-44", "45-54", "55-64", "65-74", "75+")
OLDEST_IN_GROUP: Final = (34, 44, 54, 64, 74, 92)
"""Last age of each group; the end of the open group is an assumption."""
YOUNGEST: Final = 22
"""Youngest user of the application: assumption."""


@dataclass(frozen=True)
class JointFigure:
    """A published figure across age groups: of all households, at a percentile, or by groups of income or net worth.

    ``group`` is an age group, a percentile, or the two percentiles that bound a group ("80-90" of income for a measure
    that ends in ``_by_income``). ``tolerance_pct`` is percent of the value; for figures in percent, points.
    """

    measure: str
    group: str
    value: float
    unit: str
    tolerance_pct: float
    source: str


@cache
def joint() -> tuple[JointFigure, ...]:
    """The joint figures, in the file's order: thousands of 2022 dollars, or percent."""
    rows = csv.DictReader(_lines("scf2022_joint.csv"))
    return tuple(
        JointFigure(
            row["measure"], row["group"], float(row["value"]), row["unit"], float(row["tolerance_pct"]), row["source"]
        )
        for row in rows
    )


@cache
def item(name: str, column: str) -> Floats:
    """``hold``, ``median`` or ``mean`` of an item of the chartbook, in the order of AGE_GROUPS; NaN: unpublished."""
    rows = [row for row in csv.DictReader(_lines("scf2022_items.csv")) if row["item"] == name]
    cells = (next(row[column] for row in rows if row["age_group"] == group) for group in AGE_GROUPS)
    return np.array([float(cell or "nan") for cell in cells])


GUIDED_AMOUNTS: Final = (
    "home", "mortgage", "retirement_accounts", "vehicles", "student_loans", "credit_cards", "auto_loans"
)  # fmt: skip
"""Columns of a balance sheet whose median :func:`by_income` returns."""
GUIDED_HOLDINGS: Final = ("mortgage", "student_loans", "credit_cards")
"""Columns of a balance sheet whose holders :func:`by_net_worth` returns."""


@cache
def by_income(column: str) -> Floats:
    """Median among holders by percentiles of income (0-20, …, 80-90, 90-100): thousands of 2022 dollars."""
    return np.array([float(row[column]) for row in csv.DictReader(_lines("scf2022_by_income.csv"))])


@cache
def by_net_worth(column: str) -> Floats:
    """Percent that hold the item by percentiles of net worth (0-25, 25-50, 50-75, 75-90, 90-100)."""
    return np.array([float(row[column]) for row in csv.DictReader(_lines("scf2022_by_net_worth.csv"))])


def _lines(name: str) -> list[str]:
    text = resources.files("loadgen.population").joinpath("data", name).read_text("utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@cache
def by_age(column: str) -> Floats:
    """One column of the survey's table, in the order of AGE_GROUPS: percent, or thousands of 2022 dollars."""
    rows = list(csv.DictReader(_lines("scf2022_by_age.csv")))
    return np.array([float(next(row[column] for row in rows if row["age_group"] == group)) for group in AGE_GROUPS])


@cache
def fact(topic: str, item: str) -> float:
    """A figure of the facts file, in the unit stated there."""
    rows = csv.DictReader(_lines("household_facts.csv"))
    return next(float(row["value"]) for row in rows if (row["topic"], row["item"]) == (topic, item))


@cache
def fact_source(topic: str, item: str) -> str:
    """Source and date of a figure of the facts file."""
    rows = csv.DictReader(_lines("household_facts.csv"))
    return next(row["source"] for row in rows if (row["topic"], row["item"]) == (topic, item))


@cache
def market(asset: str) -> tuple[float, float]:
    """Compound return and volatility of an asset class, as shares a year (JPMorgan LTCMA 2026, USD)."""
    rows = csv.DictReader(_lines("household_facts.csv"))
    row = next(row for row in rows if (row["topic"], row["item"]) == ("market", asset))
    return float(row["value"]) / 100, float(row["unit"].rpartition(" ")[2]) / 100


@cache
def dollars_per_2022_dollar() -> float:
    """Today's dollars for one dollar of 2022."""
    return fact("price level", "multiplier from 2022 dollars to August 2026")
