"""Balance sheets: income, assets and debts of households, drawn jointly.

The law. Every holding and every amount depends on two common factors, income and wealth (a Gaussian copula whose
income factor is bent: wealth rises faster at high incomes). By age group a household holds an item with the survey's
share, and holders' amounts have the survey's median and mean: lognormal, with a Pareto tail where wealth concentrates.
A mortgage depends on its home's value. Net worth is assets minus debts of the same household, always, and so its
mean is right by construction; its median and percentiles, and how it rises with income, are what ``fitting.py`` fits.
The parameters are in ``data/household_model.json``. Amounts are 2022 dollars, converted to today's by the price level.

Draws are stratified (``latents.py``); ``balancing.py`` corrects the median of net worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.household import reference
from loadgen.population.household.balancing import balanced_cash
from loadgen.population.household.families import Families
from loadgen.population.household.household_model import HouseholdModel, household_model
from loadgen.population.household.latents import ITEMS, Draws, Latents, draw
from loadgen.population.streams import normal_quantile


@dataclass(frozen=True)
class Households:
    """Columns of a chunk's balance sheets in today's dollars and whole cents; 0 if not held."""

    income: Floats
    home: Floats
    retirement_accounts: Floats
    brokerage: Floats
    cash: Floats
    education_529: Floats
    vehicles: Floats
    business_other: Floats
    """Businesses, other real estate, annuities, trusts and life insurance, net of their debts."""
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
        """True net worth, below zero if debts exceed assets."""
        return cents(self.total_assets - self.total_debts)


DEBTS: Final = ("mortgage", "student_loans", "credit_cards", "auto_loans")
_NEEDS: Final = {"mortgage": "home", "auto_loans": "vehicles"}
"""Debts that only holders of the asset have."""


def draw_households(seed: int, chunk: int, families: Families) -> Households:
    """Draw the balance sheets of a chunk's families, assuming that earlier chunks are as large."""
    group = families.age_group
    draws = draw(seed, chunk, group)
    amounts = compose(household_model(), group, families.minors > 0, draws)
    amounts["cash"] = _balanced_cash(amounts, draws)
    to_today = 1000 * reference.dollars_per_2022_dollar()
    return Households(**{name: cents(amount * to_today) for name, amount in amounts.items()})


def compose(model: HouseholdModel, group: Ints, with_minors: Bools, draws: Draws) -> dict[str, Floats]:
    """Income, assets and debts by name, in thousands of 2022 dollars. Only ``with_minors`` may hold college savings."""
    latents = Latents(model, group, draws)
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
    """Cash with which half of each stratum is below the published median of net worth; odd halves are carried over."""
    households = np.bincount(draws.stratum, minlength=len(draws.before))
    below = (draws.before + households) // 2 - draws.before // 2
    median = reference.by_age("net_worth_median")
    return balanced_cash(amounts["cash"], net_worth(amounts), median, draws.stratum, below)


def net_worth(amounts: Mapping[str, Floats]) -> Floats:
    """Net worth: assets minus debts."""
    signed = (-amount if name in DEBTS else amount for name, amount in amounts.items() if name != "income")
    return np.asarray(np.sum(list(signed), axis=0))


def cents(amounts: Floats) -> Floats:
    """Round dollars to cents: the last bits of exponentials may differ between machines, cents do not."""
    return np.round(amounts, 2)
