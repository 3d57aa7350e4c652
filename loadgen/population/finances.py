"""Finances derived from a balance sheet: work, income, tax, spending, saving, allocation, retirement.

Retirement ages are EBRI's. Tax brackets and the standard deduction are the federal ones of 2025 (IRS Rev. Proc.
2024-40), with all income taxed as ordinary income. Everything else is an assumption, and marked as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.household import reference
from loadgen.population.household.families import Families
from loadgen.population.household.households import Households, cents
from loadgen.population.streams import Part, Stream, choose, normal_quantile

_RETIREMENT_AGES: Final = (
    ("under 55", 50, 54), ("55-59", 55, 59), ("60-61", 60, 61), ("62-64", 62, 64), ("65", 65, 65), ("66-69", 66, 69),
    ("70 or over", 70, 75),
)  # fmt: skip  # the open ends are assumptions

_RATES: Final = np.array([0.10, 0.12, 0.22, 0.24, 0.32, 0.35, 0.37])
_BRACKETS: Final = np.array(
    [
        [0, 11_925, 48_475, 103_350, 197_300, 250_525, 626_350],
        [0, 23_850, 96_950, 206_700, 394_600, 501_050, 751_600],
    ]
)  # single, married filing jointly
_STANDARD_DEDUCTION: Final = np.array([15_000, 30_000])
_STATE_RATE: Final = 0.044  # assumption: a flat rate where there is one
NO_INCOME_TAX: Final = ("AK", "FL", "NV", "NH", "SD", "TN", "TX", "WA", "WY")

SPENDING: Final = ("housing", "food", "transport", "healthcare", "insurance", "other")
_SPENDING_SHARES: Final = np.array([0.33, 0.13, 0.16, 0.08, 0.12, 0.18])  # assumption, near the usual budget shares

EMPLOYMENT: Final = ("employed", "self_employed", "unemployed", "retired")
RETIRED: Final = 3
RISK_TOLERANCES: Final = ("conservative", "moderate", "growth", "aggressive")
ASSET_CLASSES: Final = ("us_stocks", "international_stocks", "bonds", "cash", "real_estate")

_WITHDRAWAL_RULE: Final = 25.0
"""Retirement goal in years of the spending that savings must cover: the four per cent rule (Bengen 1994)."""


@dataclass(frozen=True)
class Finances:
    """Columns of a chunk's finances, an entry a user, in dollars a year unless stated otherwise."""

    retirement_age: Ints
    employment: Ints
    life_expectancy: Ints
    risk: Ints
    salary: Floats
    spouse_salary: Floats
    social_security: Floats
    other_income: Floats
    federal_tax: Floats
    state_tax: Floats
    marginal_rate: Floats
    spending: Floats
    """Spending, (users, 6) in the order of SPENDING."""
    savings_rate: Floats
    allocation_pct: Floats
    """Allocation in percent, (users, 5) in the order of ASSET_CLASSES; tenths of a percent that sum to 100."""
    stock_share: Floats
    invested: Floats
    """Starting balance of a projection in dollars."""
    annual_contribution: Floats
    """Contribution in dollars a year; below zero it is a withdrawal."""
    horizon_years: Ints
    retirement_goal: Floats
    """Balance needed at the beginning of retirement in dollars; 0 for the retired."""

    @cached_property
    def retired(self) -> Bools:
        return np.asarray(self.employment == RETIRED)

    @cached_property
    def total_income(self) -> Floats:
        return cents(self.salary + self.spouse_salary + self.social_security + self.other_income)

    @cached_property
    def total_spending(self) -> Floats:
        return cents(self.spending.sum(axis=1))

    @cached_property
    def surplus(self) -> Floats:
        return cents(self.total_income - self.federal_tax - self.state_tax - self.total_spending)


def derive_finances(seed: int, chunk: int, families: Families, households: Households, taxed: Bools) -> Finances:
    """Derive the finances of a chunk; ``taxed`` tells whether the household's state taxes income."""
    users = len(families.age)
    u = Stream(seed, Part.PROFILES, chunk).table(16, users)
    married = families.married
    weights = np.array(
        [reference.fact("retirement", f"actual retirement age {name}") for name, _, _ in _RETIREMENT_AGES]
    )
    span = np.array([(low, high - low + 1) for _, low, high in _RETIREMENT_AGES])[choose(u[0], weights)]
    retirement_age = span[:, 0] + (u[1] * span[:, 1]).astype(np.int64)
    retired = families.age >= retirement_age
    employment = np.where(retired, RETIRED, choose(u[2], np.array([0.86, 0.10, 0.04])))  # assumption
    # Assumption: plans are made to an age between 80 and 96.
    life_expectancy = np.maximum(families.age + 2, 80 + (u[3] * 17).astype(np.int64))

    income = households.income
    # Assumption: a benefit around $24,000, more for a couple, never more than three quarters of the income.
    benefit = np.minimum(0.75 * income, 24_000 * (1 + 0.6 * married) * (0.7 + 0.6 * u[4]))
    social_security = np.where(retired & (families.age >= 62), benefit, 0.0)
    # Assumptions: a little income beside wages, and six of ten spouses earn a fifth to half of the wages.
    other_share = np.where(retired, 1.0, 0.08 * u[5] ** 2)
    other_income = (income - social_security) * other_share
    spouse_share = np.where(married & (u[6] < 0.6), 0.2 + 0.35 * u[7], 0.0)
    earned = income - social_security - other_income

    federal, marginal = _federal_tax(income, married)
    state = _STATE_RATE * np.maximum(income - _STANDARD_DEDUCTION[married.astype(int)], 0) * taxed
    # Assumption: those who earn more save a larger share.
    wish = 0.03 + 0.05 * np.log(np.maximum(income, 1) / 45_000) + 0.05 * normal_quantile(u[8])
    after_tax = np.maximum(income - federal - state, 0.0)
    savings_rate = np.round(np.clip(wish, 0.0, 0.45) * ~retired, 3)
    spent = np.maximum(after_tax - savings_rate * income, 0.5 * after_tax)
    # Assumption: each household deviates from the usual shares.
    shares = _SPENDING_SHARES * (0.7 + 0.6 * u[9:15].T)
    spending = cents(spent[:, None] * shares / shares.sum(axis=1, keepdims=True))

    risk, allocation = _allocation(u[15], families.age)
    stock_share = np.round((allocation[:, 0] + allocation[:, 1]) / 100, 3)
    # Assumption: half of the cash is kept for emergencies.
    invested = cents(households.retirement_accounts + households.brokerage + 0.5 * households.cash)
    # Assumption: the retired draw three to seven per cent of what is invested.
    contribution = np.where(retired, -(0.03 + 0.04 * u[8]) * invested, savings_rate * income)
    # Assumption: three quarters of today's spending is needed in retirement, less a benefit as above.
    needed = np.maximum(0.75 * spent - np.minimum(0.35 * income, 24_000 * (1 + 0.6 * married)), 0.1 * spent)
    return Finances(
        retirement_age=retirement_age,
        employment=employment,
        life_expectancy=life_expectancy,
        risk=risk,
        salary=cents(earned * (1 - spouse_share)),
        spouse_salary=cents(earned * spouse_share),
        social_security=cents(social_security),
        other_income=cents(other_income),
        federal_tax=cents(federal),
        state_tax=cents(state),
        marginal_rate=marginal,
        spending=spending,
        savings_rate=savings_rate,
        allocation_pct=allocation,
        stock_share=stock_share,
        invested=invested,
        annual_contribution=cents(contribution),
        horizon_years=np.where(retired, life_expectancy - families.age, retirement_age - families.age),
        retirement_goal=cents(np.where(retired, 0.0, _WITHDRAWAL_RULE * needed)),
    )


def _federal_tax(income: Floats, married: Bools) -> tuple[Floats, Floats]:
    """Tax and marginal rate: the sum over brackets of rate times the income that lies in each."""
    status = married.astype(int)
    taxable = np.maximum(income - _STANDARD_DEDUCTION[status], 0.0)
    lower = _BRACKETS[status]
    upper = np.column_stack([lower[:, 1:], np.full(len(income), np.inf)])
    tax = (np.clip(taxable[:, None] - lower, 0, upper - lower) * _RATES).sum(axis=1)
    marginal = np.where(taxable > 0, _RATES[(taxable[:, None] > lower).sum(axis=1) - 1], 0.0)
    return tax, marginal


def _allocation(u: Floats, age: Ints) -> tuple[Ints, Floats]:
    """Risk tolerance, and shares in tenths of a percent that sum to 100. Assumption: 110 minus age, tilted."""
    risk = choose(u, np.array([0.22, 0.40, 0.26, 0.12]))
    fraction = (u * 997) % 1.0  # the digits of u that the choice of risk did not use
    stocks = np.clip(110 - age + np.array([-22, 0, 12, 25])[risk] + 14 * (fraction - 0.5), 5, 96)
    abroad = stocks * (0.15 + 0.25 * ((fraction * 31) % 1.0))
    other = 100 - stocks
    cash, real_estate = other * 0.15, other * 0.25 * ((fraction * 57) % 1.0)
    tenths = np.floor(10 * np.column_stack([stocks - abroad, abroad, other - cash - real_estate, cash, real_estate]))
    tenths[:, 2] += 1000 - tenths.sum(axis=1)  # the remainder of the rounding goes to bonds
    return risk, tenths / 10
