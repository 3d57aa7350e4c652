"""Published figures that the stored rows are compared with, in today's dollars, with their tolerances.

Each row of the survey's age table, of the facts and of the joint figures is either here or in ``NOT_STORED`` with the
reason. The survey's items and its medians by income are not: they guide the fit, and are cut finer than what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from loadgen.fidelity.format import Statistic, Topic, Unit
from loadgen.population.household import reference

MEDIAN_TOLERANCE_PCT: Final = 8.0
MEAN_TOLERANCE_PCT: Final = 8.0
"""Tolerance of a mean in percent; three standard errors if that is more."""
SHARE_TOLERANCE_POINTS: Final = 2.0

SURVEY: Final = "Federal Reserve, Survey of Consumer Finances 2022"
ITEMS: Final = {
    "home": "home",
    "home_debt": "mortgage",
    "retirement": "retirement_accounts",
    "student_loan": "student_loans",
    "card_balance": "credit_cards",
}
"""Items by their name in the survey; the value is the name in the document."""

RETIREMENT_AGES: Final = {
    "under 55": (0, 54), "55-59": (55, 59), "60-61": (60, 61), "62-64": (62, 64), "65": (65, 65), "66-69": (66, 69),
    "70 or over": (70, 200),
}  # fmt: skip
WILL_AGES: Final = {"18-29": (18, 29), "30-49": (30, 49), "50-64": (50, 64), "65 and over": (65, 200)}
SCHOOLS: Final = {
    "in-state public full cost": "in_state_public",
    "out-of-state public full cost": "out_of_state_public",
    "private non-profit full cost": "private_non_profit",
    "two-year public tuition": "two_year_public",
}
"""School types of education goals by their name in the published prices."""
MAIN_GOALS: Final = {"pay down debt": "pay_down_debt", "emergency savings": "emergency_savings"}

NOT_STORED: Final = {
    ("wealth", "households with negative net worth"): "judged as the joint figure net_worth_negative",
    (
        "wealth",
        "Pareto exponent of net worth from the 99th to the 99.9th percentile",
    ): "judged by the percentiles and the share of the richest",
    ("college", "in-state public tuition"): "an education goal holds the full cost",
    ("college", "out-of-state public tuition"): "an education goal holds the full cost",
    ("college", "private non-profit tuition"): "an education goal holds the full cost",
    ("price level", "multiplier from 2022 dollars to August 2026"): "brings the figures here to today",
    ("fan-out", "goals per user; messages per user; achievements per user"): "has no published value",
}
"""Rows of the facts file, by topic and item, that are no figure of stored households, with the reason. All of
``market`` are such: they are inputs of simulations."""


@dataclass(frozen=True)
class Published:
    """A figure as published: dollars of today, percent, or persons. ``tolerance`` is percent of it, or points."""

    topic: Topic
    measure: str
    group: str
    statistic: Statistic
    unit: Unit
    value: float
    tolerance: float
    source: str


def figures() -> tuple[Published, ...]:
    """All published figures, in the order of the files."""
    return (*_by_age(), *_households(), *_joint())


def _by_age() -> Iterator[Published]:
    for place, group in enumerate(reference.AGE_GROUPS):

        def column(name: str, place: int = place) -> float:
            return float(reference.by_age(name)[place])

        yield _share("by age", "age_share", group, column("weight_pct"), SURVEY)
        yield _dollars("by age", "income_median", group, "median", column("income_median"), SURVEY)
        yield _dollars("by age", "net_worth_median", group, "median", column("net_worth_median"), SURVEY)
        yield _dollars("by age", "net_worth_mean", group, "mean", column("net_worth_mean"), SURVEY)
        for item in ITEMS:
            yield _share("by age", f"{item}_hold", group, column(f"{item}_hold"), SURVEY)
            yield _dollars("by age", f"{item}_median", group, "median", column(f"{item}_cmed"), SURVEY)


def _households() -> Iterator[Published]:
    fact, source = reference.fact, reference.fact_source
    shares = {
        ("married_couples", "all"): ("marriage", "married-couple households"),
        ("one_person", "all"): ("marriage", "one-person households"),
        ("with_minor", "married couples"): ("children", "married couples with own child under 18"),
        ("living_trust", "all"): ("estate", "has a living trust"),
    }
    shares |= {("will", age): ("estate", f"has a will: age {age}") for age in WILL_AGES}
    shares |= {("retirement_age", age): ("retirement", f"actual retirement age {age}") for age in RETIREMENT_AGES}
    shares |= {("main_goal", goal): ("goals", f"main goal: {goal}") for goal in MAIN_GOALS}
    for (measure, group), row in shares.items():
        yield _share("households", measure, group, fact(*row), source(*row))
    size = ("household", "mean size")
    yield Published("households", "persons", "all", "mean", "persons", fact(*size), MEAN_TOLERANCE_PCT, source(*size))
    for item in SCHOOLS:
        price, of = fact("college", item), source("college", item)
        yield Published("households", "college_price", item, "median", "dollars", price, MEDIAN_TOLERANCE_PCT, of)


def _joint() -> Iterator[Published]:
    for figure in reference.joint():
        in_percent = figure.unit == "percent"
        yield Published(
            topic="joint",
            measure=figure.measure,
            group=figure.group,
            statistic=joint_statistic(figure.measure),
            unit="percent" if in_percent else "dollars",
            value=figure.value if in_percent else _today(figure.value),
            tolerance=figure.tolerance_pct,
            source=figure.source,
        )


def joint_statistic(measure: str) -> Statistic:
    """Statistic of a measure of the joint file, from its name: ``net_worth_median_by_income`` is a median."""
    name = measure.partition("_by_")[0]
    if name.endswith("_percentile"):
        return "percentile"
    if name.endswith("_median"):
        return "median"
    if name.endswith("_mean"):
        return "mean"
    if name.endswith("_share"):
        return "concentration"
    return "share"


def _share(topic: Topic, measure: str, group: str, value: float, source: str) -> Published:
    return Published(topic, measure, group, "share", "percent", value, SHARE_TOLERANCE_POINTS, source)


def _dollars(topic: Topic, measure: str, group: str, statistic: Statistic, thousands: float, source: str) -> Published:
    tolerance = MEAN_TOLERANCE_PCT if statistic == "mean" else MEDIAN_TOLERANCE_PCT
    return Published(topic, measure, group, statistic, "dollars", _today(thousands), tolerance, source)


def _today(thousands_of_2022: float) -> float:
    return 1000 * thousands_of_2022 * reference.dollars_per_2022_dollar()
