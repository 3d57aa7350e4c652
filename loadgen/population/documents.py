"""The five JSONB documents of a financial profile, consistent with the household that they describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from loadgen.population.families import MARITAL_STATUSES, Families
from loadgen.population.finances import ASSET_CLASSES, EMPLOYMENT, RISK_TOLERANCES, SPENDING, Finances
from loadgen.population.households import Households, cents
from loadgen.population.simulation import Detail, Projection, project, within_grid
from loadgen.population.streams import Floats, Part, Stream, choose, stratified

Record = dict[str, object]

DETAIL_MIX: Final = {None: 0.35, Detail.SUMMARY: 0.40, Detail.FULL: 0.20, Detail.PATHS: 0.05}
"""Share of profiles whose ``monte_carlo_results`` are missing or of this detail: assumption. It decides which rows
pass the TOAST threshold of 2 KB: the other documents take 1.9 KB, so profiles without results stay whole in the heap,
and results of nearly every detail and length move out of it."""

OPTIMIZATION_VERSIONS: Final = np.array([0.2, 0.3, 0.5])
"""Share of each optimization_version, from 1: assumption."""

_OPTIMISED_SHARE: Final = 0.45  # of those that were simulated: assumption


@dataclass(frozen=True)
class People:
    """Names and dates of a chunk's users; children's names by user."""

    first_names: Sequence[str]
    last_names: Sequence[str]
    spouse_names: Sequence[str]
    children_names: Sequence[Sequence[str]]
    birth_dates: Sequence[str]
    states: Sequence[str]
    occupations: Sequence[str]
    calculated_at: Sequence[str]
    """When the figures were last calculated, RFC 3339."""
    simulated_at: Sequence[str]
    """When the last simulation ran."""


@dataclass(frozen=True)
class ProfileDocuments:
    """JSON text by column of financial_profiles, an entry a user; None is NULL."""

    basic_info: list[bytes]
    financial_data: list[bytes]
    calculations: list[bytes]
    monte_carlo_results: list[bytes | None]
    optimization_variables: list[bytes | None]


def records(**columns: Sequence[object] | NDArray[np.generic]) -> list[Record]:
    """Rows of named columns, as dictionaries."""
    names = tuple(columns)
    values = (column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values())
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def make_profiles(
    seed: int,
    chunk: int,
    activity: Floats,
    families: Families,
    households: Households,
    finances: Finances,
    people: People,
) -> ProfileDocuments:
    """The documents of a chunk's profiles; ``activity`` is the quantile of each user's rank."""
    stream = Stream(seed, Part.DOCUMENTS, chunk)
    details = _details(stream, activity)
    return ProfileDocuments(
        basic_info=_dump(_basic_info(families, finances, people)),
        financial_data=_dump(_financial_data(households, finances)),
        calculations=_dump(_calculations(households, finances, people)),
        monte_carlo_results=_monte_carlo_results(finances, people, details),
        optimization_variables=_optimization_variables(stream, finances, details),
    )


def _dump(rows: list[Record]) -> list[bytes]:
    return [orjson.dumps(row) for row in rows]


def _details(stream: Stream, activity: Floats) -> list[Detail | None]:
    """Which simulation each profile holds, in the shares of DETAIL_MIX: the active are likelier to have one."""
    users = len(activity)
    everybody = np.zeros(users, np.int64)
    missing = DETAIL_MIX[None]
    simulated = stratified(activity + stream.random(users), stream.random(users), everybody) < 1 - missing
    kinds = [detail for detail in DETAIL_MIX if detail is not None]
    which = choose(
        stratified(stream.random(users), stream.random(users), simulated),
        np.array([DETAIL_MIX[kind] for kind in kinds]),
    )
    return [kinds[kind] if has else None for kind, has in zip(which.tolist(), simulated.tolist(), strict=True)]


def _basic_info(families: Families, finances: Finances, people: People) -> list[Record]:
    married = families.married.tolist()
    spouses = records(first_name=people.spouse_names, age=families.spouse_age)
    children = [
        [{"name": name, "age": age} for name, age in zip(names, ages, strict=False)]
        for names, ages in zip(people.children_names, families.children_ages.tolist(), strict=True)
    ]
    return records(
        first_name=people.first_names,
        last_name=people.last_names,
        age=families.age,
        date_of_birth=people.birth_dates,
        marital_status=[MARITAL_STATUSES[i] for i in families.marital_status.tolist()],
        spouse=[spouse if is_married else None for spouse, is_married in zip(spouses, married, strict=True)],
        children=children,
        state=people.states,
        occupation=people.occupations,
        employment_status=[EMPLOYMENT[i] for i in finances.employment.tolist()],
        retirement_age=finances.retirement_age,
        life_expectancy=finances.life_expectancy,
        risk_tolerance=[RISK_TOLERANCES[i] for i in finances.risk.tolist()],
        dependents=families.minors,
    )


def _financial_data(households: Households, finances: Finances) -> list[Record]:
    h, f = households, finances
    return records(
        income=records(
            salary=f.salary, spouse_salary=f.spouse_salary, social_security=f.social_security, other=f.other_income,
            total=f.total_income,
        ),
        assets=records(
            home=h.home, retirement_accounts=h.retirement_accounts, brokerage=h.brokerage, cash=h.cash,
            education_529=h.education_529, vehicles=h.vehicles, business_other=h.business_other,
        ),
        debts=records(
            mortgage=h.mortgage, student_loans=h.student_loans, credit_cards=h.credit_cards, auto_loans=h.auto_loans
        ),
        expenses=records(**dict(zip(SPENDING, f.spending.T, strict=True)), total=f.total_spending),
        savings_rate=f.savings_rate,
        insurance=records(
            # Assumption: cover in round figures of income; an umbrella policy for those who own much.
            life=np.where(f.retired, 0, np.round(8 * f.salary, -4)),
            disability=np.where(f.retired, 0, np.round(0.6 * f.salary, -3)),
            umbrella=np.where(h.total_assets > 1_500_000, 2_000_000, 0),
        ),
    )  # fmt: skip


def _calculations(households: Households, finances: Finances, people: People) -> list[Record]:
    f, net_worth = finances, households.net_worth
    spending = np.maximum(f.total_spending, 1.0)
    taxes = f.federal_tax + f.state_tax
    return records(
        # The check constraint wants it at or above zero; the true one follows from the totals beside it.
        net_worth=np.maximum(net_worth, 0.0),
        total_assets=households.total_assets,
        total_debts=households.total_debts,
        cash_flow=records(
            monthly_income=cents(f.total_income / 12),
            monthly_expenses=cents(f.total_spending / 12),
            monthly_surplus=cents(f.surplus / 12),
        ),
        allocation=records(**dict(zip(ASSET_CLASSES, f.allocation_pct.T, strict=True))),
        tax=records(
            federal=f.federal_tax,
            state=f.state_tax,
            effective_rate=np.round(taxes / np.maximum(f.total_income, 1.0), 4),
            marginal_rate=f.marginal_rate,
        ),
        retirement_score=_retirement_scores(f),
        emergency_fund_months=np.round(np.minimum(12 * households.cash / spending, 999), 1),
        updated_at=people.calculated_at,
    )


def _retirement_scores(finances: Finances) -> list[int]:
    """Percent of simulated paths that succeed, for those too whose simulation is not stored."""
    f = finances
    inputs = (f.invested, f.annual_contribution, f.stock_share, f.horizon_years, f.retirement_goal)
    return [
        round(100 * Projection.of(balance, contribution, stocks).success_probability(within_grid(horizon), goal))
        for balance, contribution, stocks, horizon, goal in zip(*(column.tolist() for column in inputs), strict=True)
    ]


def _monte_carlo_results(finances: Finances, people: People, details: list[Detail | None]) -> list[bytes | None]:
    f = finances
    inputs = (f.invested, f.annual_contribution, f.horizon_years, f.stock_share, f.retirement_goal, f.retired)
    rows = zip(details, people.simulated_at, *(column.tolist() for column in inputs), strict=True)
    return [
        None
        if detail is None
        else project(
            balance, contribution, horizon, stocks, detail, goal=goal, ran_at=ran_at,
            retirement_year=None if retired else int(ran_at[:4]) + horizon,
        )
        for detail, ran_at, balance, contribution, horizon, stocks, goal, retired in rows
    ]  # fmt: skip


def _optimization_variables(stream: Stream, finances: Finances, details: list[Detail | None]) -> list[bytes | None]:
    """What the optimiser proposes: work longer, save more, rebalance. Some documents are from its older versions."""
    users = len(details)
    u = stream.table(6, users)
    rows = records(
        retirement_age=finances.retirement_age + (3 * u[0]).astype(np.int64),
        savings_rate=np.round(finances.savings_rate + 0.05 * u[1], 3),
        stock_share=np.round(np.clip(finances.stock_share + 0.2 * (u[2] - 0.5), 0, 1), 3),
        social_security_age=62 + (9 * u[3]).astype(np.int64),
        optimization_version=1 + choose(u[4], OPTIMIZATION_VERSIONS),
        objective=["success_probability"] * users,
        evaluations=200 + (800 * u[5]).astype(np.int64),
    )
    optimised = stream.random(users) < _OPTIMISED_SHARE
    present = [detail is not None and chosen for detail, chosen in zip(details, optimised.tolist(), strict=True)]
    return [orjson.dumps(row) if here else None for row, here in zip(rows, present, strict=True)]
