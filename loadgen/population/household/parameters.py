"""The households' model from published tables and the free parameters of ``fitting.py``.

Spreads follow from a holder's mean over its median: exp(s²/2) for a lognormal distribution, and with a Pareto tail
above its share b of holders, by :func:`mean_over_median`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from capacity.arrays import Floats
from loadgen.population.household import reference
from loadgen.population.household.reference import AGE_GROUPS, by_age, item

TAIL_EXPONENT: Final = 1.5
"""Pareto exponent of wealth: ln 10 / ln(99.9th / 99th percentile of net worth) is 1.53; see the facts file."""
TAIL_END: Final = 250.0
"""Upper bound of fortunes, some billions, as a multiple of the tail's beginning: assumption, since the survey omits the
400 richest."""

INCOME_TAIL_EXPONENT: Final = 1.4
INCOME_TAIL_END: Final = 150.0
INCOME_TAIL_BEGINS: Final = (0.98, 0.95, 0.95, 0.95, 0.95, 0.95)
"""Assumptions by trial and error: with the published medians and means by age they reproduce the percentiles of all."""

HIGHEST_LOAN_TO_VALUE: Final = 1.05
"""Highest mortgage relative to its home: lenders require a deposit, but some homes lost value. Assumption."""

# College savings plans of families with minors: assumptions.
_PLAN_HOLD, _PLAN_MEDIAN, _PLAN_SPREAD = 0.22, 16.0, 1.1
# Half of those who hold pooled funds hold no stock directly: assumption.
_POOLED_ALONE = 0.5
# Holdings of businesses, other real estate and so on overlap; as many hold any as if they were independent, times
# this: assumption.
_OVERLAP = 0.85

_BROKERAGE: Final = ("bonds", "stocks", "pooled_funds")
_CASH: Final = ("transaction_accounts", "certificates_of_deposit", "savings_bonds")
_OTHER_ASSETS: Final = (
    "business_equity", "other_residential_real_estate", "net_nonresidential_real_estate", "other_nonfinancial",
    "other_financial", "cash_value_life_insurance", "other_managed_assets",
)  # fmt: skip
_OTHER_DEBTS: Final = ("other_residential_debt", "other_lines_of_credit", "other_instalment_loans", "other_debt")


@dataclass(frozen=True)
class Free:
    """A parameter that the fit moves, between bounds."""

    name: str
    low: float
    high: float


_FACTORS: Final = (
    "wealth_on_income", "wealth_curve", "amount_curve", "own_tail", "unusual_year_share", "loan_own_spread"
)  # fmt: skip


def _loadings(*names: str) -> tuple[Free, ...]:
    # Bounds of correlations.
    sides = ("hold.income", "hold.wealth", "amount.income", "amount.wealth")
    return tuple(Free(f"{name}.{side}", -0.9, 0.95) for name in names for side in sides)


# Bounds within which the model is meaningful.
FREE: Final = (
    Free("wealth_on_income", 0.0, 0.95),
    Free("wealth_curve", 0.0, 1.0),
    Free("amount_curve", 0.0, 1.0),
    Free("own_tail", 0.0, 0.6),
    Free("unusual_year_share", 0.0, 0.15),
    Free("loan_own_spread", 0.2, 0.6),
    *(Free(f"wealth_weight.{group}", 0.4, 2.0) for group in AGE_GROUPS),
    *_loadings(
        "home", "mortgage", "retirement_accounts", "brokerage", "business_other", "cash", "vehicles", "student_loans",
        "credit_cards",
    ),
    *(Free(f"{name}.spread", 0.8, 3.0) for name in ("brokerage", "business_other")),
    *(Free(f"{name}.tail_begins", 0.85, 0.99) for name in ("brokerage", "business_other")),
)  # fmt: skip

# Assumptions, since few data exist.
_FIXED: Final = {"auto_loans": ((0.1, -0.2), (0.4, 0.0)), "education_529": ((0.4, 0.4), (0.4, 0.4))}


def document(free: Mapping[str, float], minors_share: Floats) -> dict[str, Any]:
    """Document of the model. ``minors_share`` is the share of households with minors, by age group."""
    plans = minors_share * _PLAN_HOLD * _PLAN_MEDIAN * np.exp(_PLAN_SPREAD**2 / 2)
    # The survey counts the plans among transaction accounts.
    cash = _per_household(*_CASH) - plans
    accounts = _per_household("transaction_accounts")
    business_other = _per_household(*_OTHER_ASSETS) - _per_household(*_OTHER_DEBTS)
    none_of_them = np.prod([1 - item(name, "hold") / 100 for name in _OTHER_ASSETS], axis=0)
    stock, pooled = item("stocks", "hold") / 100, item("pooled_funds", "hold") / 100
    income_mean = np.array([f.value for f in reference.joint() if f.measure == "income_mean" and f.group != "all"])
    tail = {"begins": list(INCOME_TAIL_BEGINS), "exponent": INCOME_TAIL_EXPONENT, "end": INCOME_TAIL_END}
    items = {
        "home": _published("home", "primary_residence"),
        "retirement_accounts": _published("retirement", "retirement_accounts"),
        "mortgage": _published("home_debt", "home_secured_debt"),
        "brokerage": _heavy(free, "brokerage", stock + _POOLED_ALONE * pooled, _per_household(*_BROKERAGE)),
        "business_other": _heavy(free, "business_other", _OVERLAP * (1 - none_of_them), business_other),
        "education_529": {
            "hold_share": _rounded(_PLAN_HOLD * minors_share),
            "amounts": {"median": [_PLAN_MEDIAN] * len(AGE_GROUPS), "spread": [_PLAN_SPREAD] * len(AGE_GROUPS)},
        },
        # The median of all three is not published. Assumption: as far above that of accounts as the root of the means.
        "cash": _lognormal(
            item("transaction_accounts", "hold") / 100,
            item("transaction_accounts", "median") * np.sqrt(np.maximum(cash / accounts, 1.0)),
            cash,
        ),
        "vehicles": _published(None, "vehicles"),
        "auto_loans": _published(None, "vehicle_loans"),
        "student_loans": _published("student_loan", "education_loans"),
        "credit_cards": _published("card_balance", "credit_card_balances"),
    }
    for name, terms in items.items():
        hold, amount = _FIXED.get(name) or _fitted_loadings(free, name)
        terms |= {"hold": list(hold), "amount": list(amount)}
    return {
        "factors": {**{name: free[name] for name in _FACTORS}, "highest_loan_to_value": HIGHEST_LOAN_TO_VALUE},
        "wealth_weight": [free[f"wealth_weight.{group}"] for group in AGE_GROUPS],
        "income": _amounts(by_age("income_median"), income_mean, tail),
        "items": items,
    }


def mean_over_median(spread: Floats, tail: Mapping[str, Any] | None) -> Floats:
    """Mean over median of a lognormal distribution whose top is a bounded Pareto tail."""
    from scipy.special import ndtr, ndtri

    if tail is None:
        return np.exp(spread**2 / 2)
    a, end = tail["exponent"], tail["end"]
    in_tail = a / (a - 1) * (1 - end ** (1 - a)) / (1 - end**-a)
    begins = np.array(tail["begins"])
    edge = ndtri(begins)
    return np.asarray(np.exp(spread**2 / 2) * ndtr(edge - spread) + (1 - begins) * np.exp(spread * edge) * in_tail)


def _per_household(*names: str) -> Floats:
    """Mean of the sum of these columns over all households, holders or not."""
    return np.asarray(sum(item(name, "hold") / 100 * np.nan_to_num(item(name, "mean")) for name in names))


def _published(table_name: str | None, name: str) -> dict[str, Any]:
    """An item whose share and median are in the table by age, or only in the chartbook."""
    if table_name is None:
        hold, median = item(name, "hold") / 100, item(name, "median")
    else:
        hold, median = by_age(f"{table_name}_hold") / 100, by_age(f"{table_name}_cmed")
    return _lognormal(hold, median, hold * item(name, "mean"))


def _lognormal(hold: Floats, median: Floats, per_household: Floats) -> dict[str, Any]:
    return {"hold_share": _rounded(hold), "amounts": _amounts(median, per_household / hold, None)}


def _heavy(free: Mapping[str, float], name: str, hold: Floats, per_household: Floats) -> dict[str, Any]:
    """An item of which only the mean is published: its spread is free, and its median follows."""
    spread = np.full(len(AGE_GROUPS), free[f"{name}.spread"])
    begins = [free[f"{name}.tail_begins"]] * len(AGE_GROUPS)
    tail = {"begins": begins, "exponent": TAIL_EXPONENT, "end": TAIL_END}
    median = per_household / hold / mean_over_median(spread, tail)
    return {
        "hold_share": _rounded(hold),
        "amounts": {"median": _rounded(median), "spread": _rounded(spread), "tail": tail},
    }


def _amounts(median: Floats, mean: Floats, tail: Mapping[str, Any] | None) -> dict[str, Any]:
    """Amounts of this median and mean; finds the spread by bisection."""
    low, high = np.full(len(AGE_GROUPS), 0.01), np.full(len(AGE_GROUPS), 4.0)
    for _ in range(60):
        middle = (low + high) / 2
        above = mean_over_median(middle, tail) > mean / median
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    amounts = {"median": _rounded(median), "spread": _rounded(low)}
    return amounts if tail is None else {**amounts, "tail": tail}


def _fitted_loadings(free: Mapping[str, float], name: str) -> Sequence[tuple[float, float]]:
    of = partial("{}.{}.{}".format, name)
    return [(free[of(side, "income")], free[of(side, "wealth")]) for side in ("hold", "amount")]


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]
