"""The stored figures of households, each by the name and group under which it was published.

The server aggregates: this process receives a few thousand numbers, whatever the number of users.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from loadgen.fidelity import published, sampling
from loadgen.fidelity.reading import Snapshot
from loadgen.fidelity.sampling import GRID, Lorenz, Measured
from loadgen.population.household import reference
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.fidelity", "sql/households.sql")

Figures = dict[tuple[str, str], Measured]
"""Measured figures by measure and group."""

_ITEMS: Final = tuple(published.ITEMS)
Quantiles = list[float] | None


@dataclass(frozen=True)
class _Group:
    """A row of ``samples``: all households where the three groups are None, else those of one group, from 1."""

    age_group: int | None
    income_group: int | None
    worth_group: int | None
    households: int
    under_water: int
    income_mean: float | None
    income_deviation: float | None
    income: Quantiles
    net_worth_mean: float | None
    net_worth_deviation: float | None
    net_worth: Quantiles
    home_equity: Quantiles
    home_holders: int
    home: Quantiles
    home_debt_holders: int
    home_debt: Quantiles
    retirement_holders: int
    retirement: Quantiles
    student_loan_holders: int
    student_loan: Quantiles
    card_balance_holders: int
    card_balance: Quantiles


@dataclass(frozen=True)
class _Moments(Lorenz):
    """A row of ``concentration``: the moments of one series at one quantile."""

    series: str


@dataclass(frozen=True)
class _Families:
    """A row of ``families``: households of one age and retirement age."""

    age: int | None
    retirement_age: int | None
    households: int
    married: int
    married_with_minor: int
    one_person: int
    persons: float
    persons_squared: float
    will_known: int
    will: int
    trust_known: int
    trust: int


@dataclass(frozen=True)
class Households:
    """Figures of all stored households, and the number of those with a true net worth below zero."""

    figures: Figures
    households: int
    under_water: int


def measure(snapshot: Snapshot) -> Households:
    """Measure every figure that the reference files publish."""
    household = sql.SQL(_SQL["households"])
    snapshot.say("households: balances by age, income and net worth")
    groups = snapshot.values(_Group, _SQL["samples"], _parameters(), households=household)
    snapshot.say("households: how concentrated wealth and income are")
    cuts = sorted({_edge(group) for _, group in _concentrations()})
    moments = snapshot.values(_Moments, _SQL["concentration"], {"cuts": cuts}, households=household)
    snapshot.say("households: families, main goals, college prices")
    families = snapshot.values(_Families, _SQL["families"])
    figures: Figures = {}
    for group in groups:
        figures |= _group_figures(group)
    figures |= _concentration_figures(moments)
    figures |= _family_figures(families)
    figures |= _goal_figures(snapshot)
    whole = next(group for group in groups if group.age_group == group.income_group == group.worth_group is None)
    for place, age in enumerate(reference.AGE_GROUPS, 1):
        of_age = sum(group.households for group in groups if group.age_group == place)
        figures["age_share", age] = sampling.share(of_age, whole.households)
    return Households(figures, whole.households, whole.under_water)


def edges(suffix: str) -> tuple[float, ...]:
    """Percentiles that bound the groups of the joint measures with that suffix, 0 and 100 included."""
    groups = {figure.group for figure in reference.joint() if figure.measure.endswith(suffix)}
    return tuple(sorted({0.0, 100.0} | {float(edge) for group in groups for edge in group.split("-")}))


def _parameters() -> dict[str, object]:
    first = [0, *(oldest + 1 for oldest in reference.OLDEST_IN_GROUP[:-1])]
    return {
        "age_from": first,
        "income_cuts": [edge / 100 for edge in edges("_by_income")[1:-1]],
        "worth_cuts": [edge / 100 for edge in edges("_by_net_worth")[1:-1]],
        "grid": list(GRID),
    }


def _group_figures(group: _Group) -> Figures:
    """Figures of one group; their names end in the variable that groups households."""
    if group.age_group is not None:
        name, suffix = reference.AGE_GROUPS[group.age_group - 1], ""
    elif group.income_group is not None:
        name, suffix = _between(edges("_by_income"), group.income_group), "_by_income"
    elif group.worth_group is not None:
        name, suffix = _between(edges("_by_net_worth"), group.worth_group), "_by_net_worth"
    else:
        name, suffix = "all", ""
    n = group.households
    figures: Figures = {
        (f"income_mean{suffix}", name): sampling.mean(group.income_mean, group.income_deviation, n),
        (f"income_median{suffix}", name): sampling.quantile(0.5, group.income, n),
        (f"net_worth_mean{suffix}", name): sampling.mean(group.net_worth_mean, group.net_worth_deviation, n),
        (f"net_worth_median{suffix}", name): sampling.quantile(0.5, group.net_worth, n),
        (f"net_worth_negative{suffix}", name): sampling.share(group.under_water, n),
        (f"home_equity_median{suffix}", name): sampling.quantile(0.5, group.home_equity, group.home_holders),
    }
    for item in _ITEMS:
        holders = getattr(group, f"{item}_holders")
        figures[f"{item}_hold{suffix}", name] = sampling.share(holders, n)
        figures[f"{item}_median{suffix}", name] = sampling.quantile(0.5, getattr(group, item), holders)
    if name == "all":
        for series in ("income", "net_worth"):
            for percentile in (f.group for f in reference.joint() if f.measure == f"{series}_percentile"):
                values = getattr(group, series)
                figures[f"{series}_percentile", percentile] = sampling.quantile(float(percentile) / 100, values, n)
    return figures


def _between(bounds: tuple[float, ...], group: int) -> str:
    return f"{bounds[group - 1]:g}-{bounds[group]:g}"


def _concentrations() -> Iterator[tuple[str, str]]:
    for figure in reference.joint():
        if published.joint_statistic(figure.measure) == "concentration":
            yield figure.measure, figure.group


def _edge(group: str) -> float:
    """Probability at which ``top 10 %`` begins or ``bottom 50 %`` ends."""
    side, percent, _ = group.split()
    share = float(percent) / 100
    return round(1 - share if side == "top" else share, 6)


def _concentration_figures(moments: list[_Moments]) -> Figures:
    figures: Figures = {}
    for measure_name, group in _concentrations():
        series = measure_name.removesuffix("_share")
        row = next((m for m in moments if m.series == series and math.isclose(m.p, _edge(group))), None)
        if row is not None:
            figures[measure_name, group] = sampling.concentration(row, top=group.startswith("top"))
    return figures


def _family_figures(rows: list[_Families]) -> Figures:
    households = sum(row.households for row in rows)
    married = sum(row.married for row in rows)
    persons, squared = sum(row.persons for row in rows), sum(row.persons_squared for row in rows)
    figures: Figures = {
        ("married_couples", "all"): sampling.share(married, households),
        ("one_person", "all"): sampling.share(sum(row.one_person for row in rows), households),
        ("with_minor", "married couples"): sampling.share(sum(row.married_with_minor for row in rows), married),
        ("living_trust", "all"): sampling.share(sum(r.trust for r in rows), sum(r.trust_known for r in rows)),
    }
    if households > 1:
        deviation = math.sqrt(max(squared - persons**2 / households, 0.0) / (households - 1))
        figures["persons", "all"] = sampling.mean(persons / households, deviation, households)
    planning = [row for row in rows if row.retirement_age is not None]
    for name, (first, last) in published.RETIREMENT_AGES.items():
        count = sum(row.households for row in planning if first <= (row.retirement_age or 0) <= last)
        figures["retirement_age", name] = sampling.share(count, sum(row.households for row in planning))
    for name, (first, last) in published.WILL_AGES.items():
        of_age = [row for row in rows if row.age is not None and first <= row.age <= last]
        figures["will", name] = sampling.share(sum(r.will for r in of_age), sum(r.will_known for r in of_age))
    return figures


def _goal_figures(snapshot: Snapshot) -> Figures:
    goals = {str(kind): int(count) for kind, count in snapshot.rows(_SQL["main_goals"])}
    figures: Figures = {
        ("main_goal", name): sampling.share(goals.get(kind, 0), sum(goals.values()))
        for name, kind in published.MAIN_GOALS.items()
    }
    prices = {str(row[0]): row[1:] for row in snapshot.rows(_SQL["college_prices"], {"grid": list(GRID)})}
    for name, school in published.SCHOOLS.items():
        count, values = prices.get(school, (0, None))
        figures["college_price", name] = sampling.quantile(0.5, values, count)
    return figures
