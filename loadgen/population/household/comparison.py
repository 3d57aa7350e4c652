"""Households against every published figure: what the fit minimises and the tests hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.household import reference
from loadgen.population.household.households import net_worth
from loadgen.population.household.reference import JointFigure

MEDIAN_TOLERANCE_PCT: Final = 8.0
SHARE_TOLERANCE_POINTS: Final = 2.0
MEAN_TOLERANCE_PCT: Final = 8.0
MEAN_TOLERANCE_ERRORS: Final = 3.0
"""A mean may be off by so many standard errors even where that is more: wealth's tail makes means of samples wild."""

SURVEYED: Final = {
    "home": "home", "mortgage": "home_debt", "retirement_accounts": "retirement", "student_loans": "student_loan",
    "credit_cards": "card_balance",
}  # fmt: skip
"""Columns of a balance sheet, and what they are called in the table by age."""

INCOME_GROUPS: Final = ("0-20", "20-40", "40-60", "60-80", "80-90", "90-100")
WEALTH_GROUPS: Final = ("0-25", "25-50", "50-75", "75-90", "90-100")


@dataclass(frozen=True)
class Comparison:
    """One published figure and the households' own; percent, or thousands of 2022 dollars.

    ``tolerance`` is in points for percent, otherwise in percent of the figure.
    """

    measure: str
    group: str
    published: float
    found: float
    in_percent: bool
    tolerance: float

    @property
    def error(self) -> float:
        """Points, or percent of the published figure."""
        return self.found - self.published if self.in_percent else 100 * (self.found / self.published - 1)

    @property
    def within(self) -> bool:
        return abs(self.error) <= self.tolerance


def compare(amounts: Mapping[str, Floats], group: Ints) -> tuple[Comparison, ...]:
    """All figures for households of age groups ``group``; ``amounts`` in thousands of 2022 dollars, 0 if not held."""
    worth = net_worth(amounts)
    found = {**amounts, "net_worth": worth}
    joint = (_joint(figure, found, group) for figure in reference.joint())
    return (*_table_by_age(found, group), *joint)


def _table_by_age(found: Mapping[str, Floats], group: Ints) -> Iterator[Comparison]:
    for place, name in enumerate(reference.AGE_GROUPS):
        mine = group == place
        for measure in ("income_median", "net_worth_median"):
            median = float(np.median(found[measure.removesuffix("_median")][mine]))
            published = float(reference.by_age(measure)[place])
            yield Comparison(measure, name, published, median, False, MEDIAN_TOLERANCE_PCT)
        yield _mean("net_worth_mean", name, reference.by_age("net_worth_mean")[place], found["net_worth"][mine])
        for column, surveyed in SURVEYED.items():
            held = found[column][mine]
            share, published = 100 * float((held > 0).mean()), reference.by_age(f"{surveyed}_hold")[place]
            yield Comparison(f"{column}_hold", name, published, share, True, SHARE_TOLERANCE_POINTS)
            median, published = float(np.median(held[held > 0])), reference.by_age(f"{surveyed}_cmed")[place]
            yield Comparison(f"{column}_median", name, published, median, False, MEDIAN_TOLERANCE_PCT)


def _mean(
    measure: str, group: str, published: float, values: Floats, least_tolerance_pct: float = MEAN_TOLERANCE_PCT
) -> Comparison:
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    tolerance = max(least_tolerance_pct, MEAN_TOLERANCE_ERRORS * 100 * error / published)
    return Comparison(measure, group, float(published), float(values.mean()), False, tolerance)


def _joint(figure: JointFigure, found: Mapping[str, Floats], group: Ints) -> Comparison:
    if figure.measure in ("income_mean", "net_worth_mean"):
        among = np.ones(len(group), bool)
        if figure.group != "all":
            among = group == reference.AGE_GROUPS.index(figure.group)
        values = found[figure.measure.removesuffix("_mean")][among]
        return _mean(figure.measure, figure.group, figure.value, values)
    if figure.measure == "net_worth_mean_by_income":
        values = found["net_worth"][within_percentiles(found["income"], figure.group)]
        return _mean(figure.measure, figure.group, figure.value, values, figure.tolerance_pct)
    value = _MEASURES[figure.measure](found, figure.group)
    return Comparison(figure.measure, figure.group, figure.value, value, figure.unit == "percent", figure.tolerance_pct)


def _percentile(name: str) -> Callable[[Mapping[str, Floats], str], float]:
    return lambda found, group: float(np.quantile(found[name], float(group) / 100))


def _share(name: str) -> Callable[[Mapping[str, Floats], str], float]:
    def share(found: Mapping[str, Floats], group: str) -> float:
        side, percent, _ = group.split()
        ordered = np.sort(found[name])
        count = round(len(ordered) * float(percent) / 100)
        part = ordered[-count:] if side == "top" else ordered[:count]
        return float(100 * part.sum() / ordered.sum())

    return share


def within_percentiles(values: Floats, group: str) -> Bools:
    """Which lie between the two percentiles of ``group``, "80-90" say."""
    low, high = (float(edge) / 100 for edge in group.split("-"))
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    return np.asarray((rank > low) & (rank <= high))


def _held(name: str, by: str) -> Callable[[Mapping[str, Floats], str], float]:
    return lambda found, group: float(100 * (found[name] > 0)[within_percentiles(found[by], group)].mean())


def _median_by_income(found: Mapping[str, Floats], group: str) -> float:
    return float(np.median(found["net_worth"][within_percentiles(found["income"], group)]))


def _equity(found: Mapping[str, Floats], _: str) -> float:
    owners = found["home"] > 0
    return float(np.median((found["home"] - found["mortgage"])[owners]))


_MEASURES: Final[Mapping[str, Callable[[Mapping[str, Floats], str], float]]] = {
    "income_median": lambda found, _: float(np.median(found["income"])),
    "net_worth_median": lambda found, _: float(np.median(found["net_worth"])),
    "income_percentile": _percentile("income"),
    "net_worth_percentile": _percentile("net_worth"),
    "income_share": _share("income"),
    "net_worth_share": _share("net_worth"),
    "net_worth_negative": lambda found, _: float(100 * (found["net_worth"] < 0).mean()),
    "net_worth_median_by_income": _median_by_income,
    "home_hold_by_income": _held("home", "income"),
    "home_hold_by_net_worth": _held("home", "net_worth"),
    "home_debt_hold_by_income": _held("mortgage", "income"),
    "retirement_hold_by_income": _held("retirement_accounts", "income"),
    "retirement_hold_by_net_worth": _held("retirement_accounts", "net_worth"),
    "home_equity_median": _equity,
}
