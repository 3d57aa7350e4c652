"""Balance sheets: income, assets and debts of each household, drawn together.

The law. Two common factors, income and wealth, stand behind every holding and every amount (a Gaussian copula whose
income factor is bent: wealth rises faster at high incomes). By age group a household holds an item with the survey's
share, and holders' amounts have the survey's median and mean: lognormal, with a Pareto tail where wealth concentrates.
A mortgage hangs on its home's value. Net worth is assets minus debts of the same household, always, and so its
mean is right by construction; its median and percentiles, and how it rises with income, are what ``fitting.py`` fits.
The parameters stand in ``data/household_model.json``. Amounts are 2022 dollars brought to today by the price level.

Draws are stratified within a chunk's age groups, and the strata go on from chunk to chunk: holders' amounts are at the
points of one Kronecker sequence, {s + i x}, by the number i of holders before, x the golden ratio; and how many hold is
rounded with what rounding left before. A sample of any size so sits close to the model, and no rounding repeats itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from loadgen.population import reference
from loadgen.population.balancing import balanced_cash
from loadgen.population.families import Families, households_before
from loadgen.population.household_model import HouseholdModel, Item, Loadings, household_model
from loadgen.population.streams import ALL_CHUNKS, Bools, Floats, Ints, Part, Stream, normal_quantile


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
    """Businesses, other real estate, annuities, trusts, life insurance: net of the debts on them."""
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


ITEMS: Final = (
    "home", "mortgage", "retirement_accounts", "brokerage", "business_other", "education_529", "cash", "vehicles",
    "auto_loans", "student_loans", "credit_cards",
)  # fmt: skip
"""In the order drawn."""
DEBTS: Final = ("mortgage", "student_loans", "credit_cards", "auto_loans")
_NEEDS: Final = {"mortgage": "home", "auto_loans": "vehicles"}
"""Held only by those who hold the other."""

NORMALS: Final = 4 + 2 * len(ITEMS)
"""Both factors, whether the year is unusual and how, then each item's holding and amount."""
VARIABLES: Final = 4 + 2 * len(ITEMS)
"""Stratified: both factors, this year's income, each item's holding and amount, and the mortgage a second time."""
_STEP: Final = (np.sqrt(5) - 1) / 2
"""Of the sequences: no other step spreads the first points as evenly, however many they are."""

_LEAST_OWN: Final = 0.05
"""Least share of a latent variable's variance that is its own; where loadings leave less, only ranks matter."""
_BENT_TO: Final = 4.0
_LEAST: Final = 2.0**-33
"""A point of a sequence keeps this distance from 0 and 1, where quantiles end."""


@dataclass(frozen=True)
class Draws:
    """The randomness of households in strata, each an age group of a chunk.

    ``normals`` (NORMALS, households): standard normal. ``stratum``: an entry a household. ``before``, an entry a
    stratum: how many households of its age group earlier chunks have. ``starts`` (VARIABLES, strata): where sequences
    begin, in (0, 1); the same for all strata of an age group.
    """

    normals: Floats
    stratum: Ints
    before: Ints
    starts: Floats


def draw_households(seed: int, chunk: int, families: Families) -> Households:
    """The balance sheets of a chunk's families; earlier chunks are taken to be as large."""
    group = families.age_group
    draws = draw(seed, chunk, group)
    amounts = compose(household_model(), group, families.minors > 0, draws)
    amounts["cash"] = _balanced_cash(amounts, draws)
    to_today = 1000 * reference.dollars_per_2022_dollar()
    return Households(**{name: cents(amount * to_today) for name, amount in amounts.items()})


def draw(seed: int, chunk: int, group: Ints) -> Draws:
    """The randomness of a chunk whose households are of age groups ``group``."""
    normals = normal_quantile(Stream(seed, Part.BALANCES, chunk).table(NORMALS, len(group)))
    before = households_before(seed, np.array([chunk]), len(group))[0]
    return Draws(normals, group, before, Stream(seed, Part.BALANCES, ALL_CHUNKS).table(VARIABLES, len(before)))


def compose(model: HouseholdModel, group: Ints, with_minors: Bools, draws: Draws) -> dict[str, Floats]:
    """Income, assets and debts by name, in thousands of 2022 dollars; ``with_minors``: who may hold college savings."""
    latents = _Latents(model, group, draws)
    amounts = {"income": model.income.at(latents.income_this_year(), group)}
    everybody = np.ones(len(group), bool)
    for name in ITEMS:
        item = model.items[name]
        among = with_minors if name == "education_529" else everybody
        if name in _NEEDS:
            among = amounts[_NEEDS[name]] > 0
        held = latents.held(item, among)
        u = latents.amount(item, held)
        if name == "mortgage":
            home = amounts["home"][held]
            u = latents.in_order_of(np.log(home) + model.loan_own_spread * normal_quantile(u), item, held)
            amount = np.minimum(item.amounts.at(u, group[held]), model.highest_loan_to_value * home)
        else:
            amount = item.amounts.at(u, group[held])
        amounts[name] = np.zeros(len(group))
        amounts[name][held] = amount
    return amounts


def _balanced_cash(amounts: Mapping[str, Floats], draws: Draws) -> Floats:
    """Cash with which half of each stratum is below the published median of net worth; what is odd is carried on."""
    here = np.bincount(draws.stratum, minlength=len(draws.before))
    below = (draws.before + here) // 2 - draws.before // 2
    median = reference.by_age("net_worth_median")
    return balanced_cash(amounts["cash"], net_worth(amounts), median, draws.stratum, below)


class _Latents:
    """The stratified variables, one after the other; each takes its own rows of the draws and its own sequence.

    What is uniform is so within each stratum, an entry for each household that is held, in their order.
    """

    def __init__(self, model: HouseholdModel, group: Ints, draws: Draws) -> None:
        self._model, self._group, self._draws = model, group, draws
        self._normals = iter(draws.normals)
        self._starts = iter(draws.starts)
        self._everybody = np.ones(len(group), bool)
        usual = self._even(next(self._normals), self._everybody, draws.before)
        self._income = normal_quantile(usual)
        self._income_rank = np.sqrt(3) * (2 * usual - 1)
        self._bent_income = _bent(self._income, model.amount_curve)
        rho = model.wealth_on_income
        own = normal_quantile(self._even(next(self._normals), self._everybody, draws.before))
        self._wealth = rho * _bent(self._income, model.wealth_curve) + np.sqrt(1 - rho * rho) * own
        self._wealth_weight = model.wealth_weight[group]

    def income_this_year(self) -> Floats:
        """Uniform: that of the usual income, but for those whose year is unusual."""
        usual = next(self._normals) < normal_quantile(np.array([1 - self._model.unusual_year_share]))
        latent = np.where(usual, self._income, next(self._normals))
        return self._even(latent, self._everybody, self._draws.before)

    def held(self, item: Item, among: Bools) -> Bools:
        """Who of those ``among`` holds it: so many that the strata so far have the item's share of their households.

        Holding hangs on the rank of income, hence levels off at both ends.
        """
        own = next(self._normals)
        own = own * np.exp(self._model.own_tail / 2 * own * own)
        places, stratum, rank, size = self._ranks(self._mix(item.hold, self._income_rank, own)[among], among)
        self._start = next(self._starts)
        here = np.bincount(self._draws.stratum, minlength=len(self._draws.before))
        count = self._holders(item, self._draws.before + here) - self._holders(item, self._draws.before)
        held = np.zeros(len(among), bool)
        held[places] = rank >= size - count[stratum]
        return held

    def amount(self, item: Item, held: Bools) -> Floats:
        """Uniform, in the order of what amounts hang on; for the item of which :meth:`held` was asked last."""
        return self.in_order_of(self._mix(item.amount, self._bent_income, next(self._normals))[held], item, held)

    def in_order_of(self, latent: Floats, item: Item, held: Bools) -> Floats:
        """Uniform, in the order of ``latent``; for the same item."""
        return self._even(latent, held, self._holders(item, self._draws.before))

    def _holders(self, item: Item, households: Ints) -> Ints:
        """Of the first so many households of each stratum's age group."""
        share = np.resize(item.hold_share, len(households))
        return np.asarray(np.floor(households * share + self._start), np.int64)

    def _even(self, latent: Floats, held: Bools, before: Ints) -> Floats:
        """Points of the next sequence from the number ``before`` on, each stratum's given out by rank."""
        places, stratum, rank, _ = self._ranks(latent, held)
        points = (next(self._starts)[stratum] + (before[stratum] + rank) * _STEP) % 1.0
        uniform = np.empty(len(held))
        uniform[places] = points[np.lexsort((points, stratum))]
        return np.clip(uniform[held], _LEAST, 1 - _LEAST)

    def _ranks(self, latent: Floats, among: Bools) -> tuple[Ints, Ints, Ints, Ints]:
        """Of those ``among`` by stratum and ``latent``: places, strata, ranks from 0, and how many each stratum has."""
        places = np.flatnonzero(among)
        places = places[np.lexsort((latent, self._draws.stratum[places]))]
        stratum = self._draws.stratum[places]
        sizes = np.bincount(stratum, minlength=len(self._draws.before))
        firsts = np.cumsum(sizes) - sizes
        return places, stratum, np.arange(len(places)) - firsts[stratum], sizes[stratum]

    def _mix(self, loadings: Loadings, income: Floats, own: Floats) -> Floats:
        on_income, on_wealth = loadings[0], loadings[1] * self._wealth_weight
        own_weight = np.sqrt(np.maximum(1 - on_income**2 - on_wealth**2, _LEAST_OWN))
        return np.asarray(on_income * income + on_wealth * self._wealth + own_weight * own)


def net_worth(amounts: Mapping[str, Floats]) -> Floats:
    """Assets minus debts."""
    signed = (-amount if name in DEBTS else amount for name, amount in amounts.items() if name != "income")
    return np.asarray(np.sum(list(signed), axis=0))


def _bent(normal: Floats, curve: float) -> Floats:
    """Steeper above than below: with the second Hermite polynomial, of mean 0 and variance 1."""
    second = (np.minimum(normal, _BENT_TO) ** 2 - 1) / np.sqrt(2)
    return np.asarray((normal + curve * second) / np.sqrt(1 + curve * curve))


def cents(amounts: Floats) -> Floats:
    """Dollars in whole cents: the last bits of exponentials may differ between machines, cents do not."""
    return np.round(amounts, 2)
