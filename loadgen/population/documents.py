"""The five JSONB documents of a financial profile, consistent with their household."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population import projections
from loadgen.population.columns import Column, Kind
from loadgen.population.finances import ASSET_CLASSES, EMPLOYMENT, RISK_TOLERANCES, SPENDING, Finances
from loadgen.population.household.families import MARITAL_STATUSES, Families
from loadgen.population.household.households import Households
from loadgen.population.projections import DETAILS, Inputs
from loadgen.population.shape import DocumentShape
from loadgen.population.streams import Part, Stream, choose, stratified
from loadgen.population.text import (
    Piece,
    Text,
    booleans,
    dates,
    dollars,
    integers,
    join,
    json_array,
    json_object,
    moments,
    pick,
    quoted,
    quoted_pool,
    rounded,
    where,
)
from loadgen.population.vocabulary import STATES, pools

OPTIMIZATION_VERSIONS: Final = np.array([0.2, 0.3, 0.5])
"""Share of each optimization_version, from 1: assumption."""

_EPOCH_YEAR: Final = 1970


@dataclass(frozen=True)
class People:
    """Names, places and dates of a chunk's users, as indexes into the vocabulary's pools, an entry a user."""

    first_name: Ints
    last_name: Ints
    spouse_name: Ints
    children_names: Ints
    """Names of the children, (users, 4), in the order of their ages."""
    birth_days: Ints
    """Dates of birth in days of the Unix epoch."""
    state: Ints
    occupation: Ints
    calculated_us: Ints
    """Time of the last calculation, in microseconds of the Unix epoch."""
    simulated_us: Ints
    """Time of the last simulation, in microseconds of the Unix epoch."""


def profile_documents(
    seed: int,
    chunk: int,
    activity: Floats,
    families: Families,
    households: Households,
    finances: Finances,
    people: People,
    shape: DocumentShape,
) -> tuple[Column, ...]:
    """Documents of a chunk's profiles; ``activity`` is the quantile of each user's rank."""
    stream = Stream(seed, Part.DOCUMENTS, chunk)
    detail = _details(stream, activity, shape)
    inputs = _inputs(finances, people)
    success = projections.success_percent(inputs)
    optimised = _optimization_variables(stream, finances, people, detail >= 0, shape.optimised)
    users = len(detail)

    def column(name: str, document: Piece, present: Bools | None = None) -> Column:
        return Column(name, Kind.JSONB, join(users, document), present, solid=True)

    return (
        column("basic_info", _basic_info(families, finances, people)),
        column("financial_data", _financial_data(households, finances)),
        column("calculations", _calculations(households, finances, people, success)),
        Column("monte_carlo_results", Kind.JSONB, projections.results(inputs, success, detail)),
        column("optimization_variables", *optimised),
    )


def _details(stream: Stream, activity: Floats, shape: DocumentShape) -> Ints:
    """Detail of each profile's simulation in the shape's shares, −1 for none. Active users are likelier to have one."""
    users = len(activity)
    everybody = np.zeros(users, np.int64)
    simulated = stratified(activity + stream.random(users), stream.random(users), everybody) < 1 - shape.not_simulated
    shares = np.maximum([getattr(shape, detail.value) for detail in DETAILS], 1e-12)  # all zero: nobody is simulated
    which = choose(stratified(stream.random(users), stream.random(users), simulated), shares)
    return np.where(simulated, which, -1)


def _inputs(finances: Finances, people: People) -> Inputs:
    f = finances
    ran_in = _EPOCH_YEAR + people.simulated_us.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64)
    return Inputs(
        balance=f.invested,
        annual_contribution=f.annual_contribution,
        horizon_years=f.horizon_years,
        stock_share=f.stock_share,
        goal=f.retirement_goal,
        retirement_year=np.where(f.retired, 0, ran_in + f.horizon_years),
        ran_us=people.simulated_us,
    )


def _basic_info(families: Families, finances: Finances, people: People) -> Piece:
    first_names = pools().quoted_first_names
    spouse = json_object({"first_name": pick(first_names, people.spouse_name), "age": integers(families.spouse_age)})
    children = []
    for names, ages in zip(people.children_names.T, families.children_ages.T, strict=True):
        child = json_object({"name": pick(first_names, names), "age": integers(np.maximum(ages, 0))})
        children.append((ages >= 0, child))
    return json_object(
        {
            "first_name": pick(first_names, people.first_name),
            "last_name": pick(pools().quoted_last_names, people.last_name),
            "age": integers(families.age),
            "date_of_birth": quoted(dates(people.birth_days)),
            "marital_status": _word(MARITAL_STATUSES, families.marital_status),
            "spouse": where(families.married, spouse, b"null"),
            "children": json_array(children),
            "state": _word(STATES, people.state),
            "occupation": pick(pools().quoted_occupations, people.occupation),
            "employment_status": _word(EMPLOYMENT, finances.employment),
            "retirement_age": integers(finances.retirement_age),
            "life_expectancy": integers(finances.life_expectancy),
            "risk_tolerance": _word(RISK_TOLERANCES, finances.risk),
            "dependents": integers(families.minors),
            "has_will": booleans(families.has_will),
            "has_trust": booleans(families.has_trust),
            "household_size": integers(families.household_size),
        }
    )


def _financial_data(households: Households, finances: Finances) -> Piece:
    h, f = households, finances
    return json_object(
        {
            "income": _amounts(
                salary=f.salary, spouse_salary=f.spouse_salary, social_security=f.social_security,
                other=f.other_income, total=f.total_income,
            ),
            "assets": _amounts(
                home=h.home, retirement_accounts=h.retirement_accounts, brokerage=h.brokerage, cash=h.cash,
                education_529=h.education_529, vehicles=h.vehicles, business_other=h.business_other,
            ),
            "debts": _amounts(
                mortgage=h.mortgage, student_loans=h.student_loans, credit_cards=h.credit_cards,
                auto_loans=h.auto_loans,
            ),
            "expenses": _amounts(**dict(zip(SPENDING, f.spending.T, strict=True)), total=f.total_spending),
            "savings_rate": rounded(f.savings_rate, 3),
            "insurance": _amounts(
                # Assumption: cover in round multiples of income; an umbrella policy for the wealthy.
                life=np.where(f.retired, 0, np.round(8 * f.salary, -4)),
                disability=np.where(f.retired, 0, np.round(0.6 * f.salary, -3)),
                umbrella=np.where(h.total_assets > 1_500_000, 2_000_000.0, 0.0),
            ),
        }
    )  # fmt: skip


def _calculations(households: Households, finances: Finances, people: People, success: Ints) -> Piece:
    f = finances
    spending = np.maximum(f.total_spending, 1.0)
    taxes = f.federal_tax + f.state_tax
    return json_object(
        {
            # The check constraint requires it to be at least zero; the true one follows from the totals beside it.
            "net_worth": dollars(np.maximum(households.net_worth, 0.0)),
            "total_assets": dollars(households.total_assets),
            "total_debts": dollars(households.total_debts),
            "cash_flow": _amounts(
                monthly_income=f.total_income / 12,
                monthly_expenses=f.total_spending / 12,
                monthly_surplus=f.surplus / 12,
            ),
            "allocation": json_object(
                {name: rounded(share, 1) for name, share in zip(ASSET_CLASSES, f.allocation_pct.T, strict=True)}
            ),
            "tax": json_object(
                {
                    "federal": dollars(f.federal_tax),
                    "state": dollars(f.state_tax),
                    "effective_rate": rounded(taxes / np.maximum(f.total_income, 1.0), 4),
                    "marginal_rate": rounded(f.marginal_rate, 2),
                }
            ),
            # Percent of simulated paths that succeed, even if the simulation is not stored.
            "retirement_score": integers(success),
            # Shown up to 999: assumption.
            "emergency_fund_months": rounded(np.minimum(12 * households.cash / spending, 999), 1),
            "updated_at": quoted(moments(people.calculated_us)),
        }
    )


def _optimization_variables(
    stream: Stream, finances: Finances, people: People, simulated: Bools, optimised: float
) -> tuple[Piece, Bools]:
    """Proposals of the optimiser: work longer, save more, rebalance. Some documents are from its older versions.

    Also returns which profiles have one: a share of the simulated ones. The size of proposals is an assumption.
    """
    users = len(simulated)
    u = stream.table(6, users)
    document = json_object(
        {
            "retirement_age": integers(finances.retirement_age + (3 * u[0]).astype(np.int64)),
            "savings_rate": rounded(finances.savings_rate + 0.05 * u[1], 3),
            "stock_share": rounded(np.clip(finances.stock_share + 0.2 * (u[2] - 0.5), 0, 1), 3),
            "social_security_age": integers(62 + (9 * u[3]).astype(np.int64)),
            "optimization_version": integers(1 + choose(u[4], OPTIMIZATION_VERSIONS)),
            "objective": b'"success_probability"',
            "evaluations": integers(200 + (800 * u[5]).astype(np.int64)),
            "ran_at": quoted(moments(people.simulated_us)),
        }
    )
    return document, simulated & (stream.random(users) < optimised)


def _amounts(**amounts: Floats) -> Piece:
    return json_object({name: dollars(values) for name, values in amounts.items()})


def _word(words: Sequence[str], index: Ints) -> Piece:
    return pick(_quoted(tuple(words)), index)


@cache
def _quoted(words: tuple[str, ...]) -> Text:
    return quoted_pool(words)
