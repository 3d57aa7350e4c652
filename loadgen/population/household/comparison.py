"""Compare households with every published figure, for the fit and for the tests."""

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
"""Standard errors that a mean may be off by, if more than its tolerance: wealth's tail makes means of samples vary."""

SURVEYED: Final = {
    "home": "home", "mortgage": "home_debt", "retirement_accounts": "retirement", "student_loans": "student_loan",
    "credit_cards": "card_balance",
}  # fmt: skip
"""Columns of a balance sheet; the value is the name in the table by age."""

INCOME_GROUPS: Final = ("0-20", "20-40", "40-60", "60-80", "80-90", "90-100")
WEALTH_GROUPS: Final = ("0-25", "25-50", "50-75", "75-90", "90-100")


@dataclass(frozen=True)
class Comparison:
    """A published figure and the one of simulated households, in percent or thousands of 2022 dollars.

    ``tolerance`` is in points for percent, otherwise in percent of the figure.
    """

    measure: str
    group: str
    published: float
    simulated: float
    in_percent: bool
    tolerance: float

    @property
    def error(self) -> float:
        """Error in points, or in percent of the published figure."""
        return self.simulated - self.published if self.in_percent else 100 * (self.simulated / self.published - 1)

    @property
    def within(self) -> bool:
        return abs(self.error) <= self.tolerance


def compare(amounts: Mapping[str, Floats], group: Ints) -> tuple[Comparison, ...]:
    """Compare all figures, for households of age groups ``group`` with ``amounts`` in thousands of 2022 dollars."""
    worth = net_worth(amounts)
    columns = {**amounts, "net_worth": worth}
    joint = (_joint(figure, columns, group) for figure in reference.joint())
    return (*_table_by_age(columns, group), *joint)


def _table_by_age(columns: Mapping[str, Floats], group: Ints) -> Iterator[Comparison]:
    for place, name in enumerate(reference.AGE_GROUPS):
        members = group == place
        for measure in ("income_median", "net_worth_median"):
            median = float(np.median(columns[measure.removesuffix("_median")][members]))
            published = float(reference.by_age(measure)[place])
            yield Comparison(measure, name, published, median, False, MEDIAN_TOLERANCE_PCT)
        yield _mean("net_worth_mean", name, reference.by_age("net_worth_mean")[place], columns["net_worth"][members])
        for column, surveyed in SURVEYED.items():
            holdings = columns[column][members]
            share, published = 100 * float((holdings > 0).mean()), reference.by_age(f"{surveyed}_hold")[place]
            yield Comparison(f"{column}_hold", name, published, share, True, SHARE_TOLERANCE_POINTS)
            median, published = float(np.median(holdings[holdings > 0])), reference.by_age(f"{surveyed}_cmed")[place]
            yield Comparison(f"{column}_median", name, published, median, False, MEDIAN_TOLERANCE_PCT)


def _mean(
    measure: str, group: str, published: float, values: Floats, least_tolerance_pct: float = MEAN_TOLERANCE_PCT
) -> Comparison:
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    tolerance = max(least_tolerance_pct, MEAN_TOLERANCE_ERRORS * 100 * error / published)
    return Comparison(measure, group, float(published), float(values.mean()), False, tolerance)


def _joint(figure: JointFigure, columns: Mapping[str, Floats], group: Ints) -> Comparison:
    if figure.measure in ("income_mean", "net_worth_mean"):
        among = np.ones(len(group), bool)
        if figure.group != "all":
            among = group == reference.AGE_GROUPS.index(figure.group)
        values = columns[figure.measure.removesuffix("_mean")][among]
        return _mean(figure.measure, figure.group, figure.value, values)
    if figure.measure == "net_worth_mean_by_income":
        values = columns["net_worth"][within_percentiles(columns["income"], figure.group)]
        return _mean(figure.measure, figure.group, figure.value, values, figure.tolerance_pct)
    value = _MEASURES[figure.measure](columns, figure.group)
    return Comparison(figure.measure, figure.group, figure.value, value, figure.unit == "percent", figure.tolerance_pct)


def _percentile(name: str) -> Callable[[Mapping[str, Floats], str], float]:
    return lambda columns, group: float(np.quantile(columns[name], float(group) / 100))


def _share(name: str) -> Callable[[Mapping[str, Floats], str], float]:
    def share(columns: Mapping[str, Floats], group: str) -> float:
        side, percent, _ = group.split()
        ordered = np.sort(columns[name])
        count = round(len(ordered) * float(percent) / 100)
        part = ordered[-count:] if side == "top" else ordered[:count]
        return float(100 * part.sum() / ordered.sum())

    return share


def within_percentiles(values: Floats, group: str) -> Bools:
    """Mask of values between the two percentiles of ``group``, such as "80-90"."""
    low, high = (float(edge) / 100 for edge in group.split("-"))
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    return np.asarray((rank > low) & (rank <= high))


def _held(name: str, by: str) -> Callable[[Mapping[str, Floats], str], float]:
    return lambda columns, group: float(100 * (columns[name] > 0)[within_percentiles(columns[by], group)].mean())


def _median_by_income(columns: Mapping[str, Floats], group: str) -> float:
    return float(np.median(columns["net_worth"][within_percentiles(columns["income"], group)]))


def _equity(columns: Mapping[str, Floats], _: str) -> float:
    owners = columns["home"] > 0
    return float(np.median((columns["home"] - columns["mortgage"])[owners]))


_MEASURES: Final[Mapping[str, Callable[[Mapping[str, Floats], str], float]]] = {
    "income_median": lambda columns, _: float(np.median(columns["income"])),
    "net_worth_median": lambda columns, _: float(np.median(columns["net_worth"])),
    "income_percentile": _percentile("income"),
    "net_worth_percentile": _percentile("net_worth"),
    "income_share": _share("income"),
    "net_worth_share": _share("net_worth"),
    "net_worth_negative": lambda columns, _: float(100 * (columns["net_worth"] < 0).mean()),
    "net_worth_median_by_income": _median_by_income,
    "home_hold_by_income": _held("home", "income"),
    "home_hold_by_net_worth": _held("home", "net_worth"),
    "home_debt_hold_by_income": _held("mortgage", "income"),
    "retirement_hold_by_income": _held("retirement_accounts", "income"),
    "retirement_hold_by_net_worth": _held("retirement_accounts", "net_worth"),
    "home_equity_median": _equity,
}
