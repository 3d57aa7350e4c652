"""Balance sheets: income, assets and debts of each household, drawn together.

The model, for each age group: a household holds an item with the survey's probability; holders' amounts have the
survey's median and a spread; what hangs together does so through a Gaussian copula with three common factors (income,
wealth, housing). Draws are stratified, so that shares and medians of any sample sit close to the model. Amounts are
2022 dollars brought to today by the price level. Net worth is assets minus debts of the same household, always.

Medians and shares that the survey's table gives are read from it. Everything else here is an assumption, chosen so
that net worth's median and mean by age and the share of households under water come out near the published ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from loadgen.population import reference
from loadgen.population.families import Families
from loadgen.population.streams import Bools, Floats, Ints, Part, Stream, normal_quantile, stratified


@dataclass(frozen=True)
class Households:
    """Columns of a chunk's balance sheets in today's dollars, whole cents; an amount not held is 0."""

    income: Floats
    home: Floats
    retirement_accounts: Floats
    brokerage: Floats
    cash: Floats
    education_529: Floats
    vehicles: Floats
    business_other: Floats
    mortgage: Floats
    student_loans: Floats
    credit_cards: Floats
    auto_loans: Floats

    @cached_property
    def total_assets(self) -> Floats:
        invested = self.retirement_accounts + self.brokerage + self.cash + self.education_529
        return cents(self.home + invested + self.vehicles + self.business_other)

    @cached_property
    def total_debts(self) -> Floats:
        return cents(self.mortgage + self.student_loans + self.credit_cards + self.auto_loans)

    @cached_property
    def net_worth(self) -> Floats:
        """The true one; below zero for a household under water."""
        return cents(self.total_assets - self.total_debts)


Loadings = tuple[float, float, float]
"""Of a latent variable on the common factors income, wealth and housing; the rest of its variance is its own."""


@dataclass(frozen=True)
class _Item:
    """One balance: percent of households that hold it, and how holders' amounts are spread.

    ``median`` is in thousands of 2022 dollars; ``spread`` the standard deviation of the logarithm; with ``tail`` a
    Pareto tail of that exponent replaces the top tenth.
    """

    hold_pct: Floats
    median: Floats
    spread: float
    hold_loadings: Loadings
    amount_loadings: Loadings
    tail: float | None = None


_TAIL_FROM = 0.9
# A sample's mean must not hang on one household, so the Pareto tail ends here: assumption.
_TAIL_TO = 0.9995
_INCOME_SPREAD = 0.9
_INCOME_TAIL = 2.0
# Lenders ask for a deposit; a few homes have lost value since.
_MOST_LOAN_TO_VALUE = 1.02


@cache
def _items() -> dict[str, _Item]:
    """In the order drawn. Six figures stand for the six age groups, and are assumptions."""
    survey = reference.by_age

    def by_group(*figures: float) -> Floats:
        return np.array(figures)

    return {
        "home": _Item(survey("home_hold"), survey("home_cmed"), 0.75, (0.40, 0.45, 0.30), (0.45, 0.40, 0.70)),
        "mortgage": _Item(
            survey("home_debt_hold"), survey("home_debt_cmed"), 0.8, (0.20, -0.25, 0.0), (0.40, -0.10, 0.75)
        ),
        "retirement_accounts": _Item(
            survey("retirement_hold"), survey("retirement_cmed"), 1.45, (0.55, 0.50, 0.0), (0.50, 0.50, 0.0)
        ),
        "student_loans": _Item(
            survey("student_loan_hold"), survey("student_loan_cmed"), 1.0, (0.25, 0.10, 0.0), (0.25, -0.10, 0.0)
        ),
        "credit_cards": _Item(
            survey("card_balance_hold"), survey("card_balance_cmed"), 1.2, (0.0, -0.50, 0.0), (0.30, -0.10, 0.0)
        ),
        "brokerage": _Item(
            by_group(22, 28, 30, 33, 34, 34), by_group(11, 30, 60, 120, 210, 230), 1.75,
            (0.45, 0.55, 0.0), (0.40, 0.65, 0.0), tail=1.35,
        ),
        "cash": _Item(
            by_group(98, 98, 98, 98, 98, 98), by_group(11, 11, 10, 9, 14, 11), 1.35, (0.10, 0.10, 0.0), (0.5, 0.6, 0.0)
        ),
        "vehicles": _Item(
            by_group(86, 90, 90, 90, 90, 82), by_group(23, 26, 27, 26, 24, 18), 0.75,
            (0.25, 0.15, 0.0), (0.50, 0.25, 0.0),
        ),
        "auto_loans": _Item(
            by_group(38, 42, 40, 32, 22, 10), by_group(15, 17, 17, 16, 14, 12), 0.6, (0.1, -0.2, 0.0), (0.4, 0.0, 0.0)
        ),
        "business_other": _Item(
            by_group(12, 19, 22, 23, 22, 18), by_group(95, 310, 500, 830, 980, 1080), 1.6,
            (0.30, 0.60, 0.0), (0.40, 0.65, 0.0), tail=1.5,
        ),
        # College savings plans: among families with minors.
        "education_529": _Item(
            by_group(22, 22, 22, 22, 22, 22), by_group(16, 16, 16, 16, 16, 16), 1.1, (0.5, 0.5, 0.0), (0.4, 0.5, 0.0)
        ),
    }  # fmt: skip


def draw_households(seed: int, chunk: int, families: Families) -> Households:
    """The balance sheets of a chunk's families."""
    group = families.age_group
    users = len(group)
    stream = Stream(seed, Part.BALANCES, chunk)
    factors = normal_quantile(stream.table(3, users))
    own = iter(normal_quantile(stream.table(2 * len(_items()), users)))
    everybody = np.ones(users, bool)

    uniform_income = stratified(factors[0], stream.random(users), group)
    median_income = reference.by_age("income_median")[group]
    amounts = {"income": _amount(uniform_income, median_income, _INCOME_SPREAD, _INCOME_TAIL)}
    for name, item in _items().items():
        among, share = everybody, item.hold_pct[group] / 100
        if name == "mortgage":
            among = amounts["home"] > 0
            share = share / (_items()["home"].hold_pct[group] / 100)
        elif name == "education_529":
            among = families.minors > 0
        amounts[name] = _draw_item(stream, item, (factors, own), group, among, share)
    amounts["mortgage"] = np.minimum(amounts["mortgage"], _MOST_LOAN_TO_VALUE * amounts["home"])

    to_today = 1000 * reference.dollars_per_2022_dollar()
    return Households(**{name: cents(amount * to_today) for name, amount in amounts.items()})


def _draw_item(
    stream: Stream, item: _Item, normals: tuple[Floats, Iterator[Floats]], group: Ints, among: Bools, share: Floats
) -> Floats:
    """Amounts of one item, 0 where not held; only those ``among`` may hold it, each with probability ``share``.

    ``normals``: the common factors, and the items' own shares, of which two are taken.
    """
    users = len(group)
    u = stratified(_latent(item.hold_loadings, *normals), stream.random(users), group, among)
    held = among & (u > 1 - share)
    u = stratified(_latent(item.amount_loadings, *normals), stream.random(users), group, held)
    return np.where(held, _amount(u, item.median[group], item.spread, item.tail), 0.0)


def _latent(loadings: Loadings, factors: Floats, own: Iterator[Floats]) -> Floats:
    own_loading = np.sqrt(1 - np.square(loadings).sum())
    return np.asarray(np.array(loadings) @ factors + own_loading * next(own))


def _amount(u: Floats, median: Floats, spread: float, tail: float | None) -> Floats:
    """Quantile function: lognormal, above _TAIL_FROM continued by a Pareto tail if the item has one."""
    if tail is None:
        return np.asarray(median * np.exp(spread * normal_quantile(u)))
    body = median * np.exp(spread * normal_quantile(np.minimum(u, _TAIL_FROM)))
    above = (1 - np.clip(u, _TAIL_FROM, _TAIL_TO)) / (1 - _TAIL_FROM)
    return np.asarray(body * above ** (-1 / tail))


def cents(amounts: Floats) -> Floats:
    """Dollars in whole cents: the last bits of exponentials may differ between machines, cents do not."""
    return np.round(amounts, 2)
