"""Families and balance sheets against the published figures."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from loadgen.population import reference
from loadgen.population.families import Families, draw_families
from loadgen.population.households import Households, draw_households

USERS, CHUNK = 20_000, 500
TO_TODAY = 1000 * reference.dollars_per_2022_dollar()

SURVEYED = {
    "home": "home",
    "mortgage": "home_debt",
    "retirement_accounts": "retirement",
    "student_loans": "student_loan",
    "credit_cards": "card_balance",
}


@cache
def chunks() -> list[tuple[Families, Households]]:
    families = [draw_families(1, chunk, CHUNK) for chunk in range(USERS // CHUNK)]
    return [(family, draw_households(1, chunk, family)) for chunk, family in enumerate(families)]


def of_families(name: str) -> NDArray[np.generic]:
    return np.concatenate([getattr(families, name) for families, _ in chunks()])


def of_households(name: str) -> NDArray[np.float64]:
    return np.concatenate([getattr(households, name) for _, households in chunks()])


@pytest.mark.parametrize("group", range(6), ids=reference.AGE_GROUPS)
def test_medians_and_shares_by_age_are_near_the_survey(group: int) -> None:
    mine = of_families("age_group") == group
    assert 100 * mine.mean() == pytest.approx(reference.by_age("weight_pct")[group], abs=0.5)
    for name in ("income", "net_worth"):
        median = np.median(of_households(name)[mine]) / TO_TODAY
        assert median == pytest.approx(reference.by_age(f"{name}_median")[group], rel=0.15), name
    assert of_households("net_worth")[mine].mean() / TO_TODAY == pytest.approx(
        reference.by_age("net_worth_mean")[group], rel=0.25
    )
    for name, column in SURVEYED.items():
        amounts = of_households(name)[mine]
        assert 100 * (amounts > 0).mean() == pytest.approx(reference.by_age(f"{column}_hold")[group], abs=1.5), name
        held = np.median(amounts[amounts > 0]) / TO_TODAY
        assert held == pytest.approx(reference.by_age(f"{column}_cmed")[group], rel=0.2), name


def test_families_are_near_the_census_and_the_polls() -> None:
    married = of_families("married")
    assert 100 * married.mean() == pytest.approx(reference.fact("marriage", "married-couple households"), abs=2)
    with_minors = 100 * (of_families("minors") > 0)[married].mean()
    assert with_minors == pytest.approx(reference.fact("children", "married couples with own child under 18"), abs=5)
    old = of_families("age") >= 65
    wills = of_families("has_will")
    assert 100 * wills[old].mean() == pytest.approx(reference.fact("estate", "has a will: age 65 and over"), abs=2)
    assert 100 * of_families("has_trust").mean() == pytest.approx(reference.fact("estate", "has a living trust"), abs=2)


def test_children_are_younger_than_their_parents_and_spouses_belong_to_the_married() -> None:
    ages, children = of_families("age"), of_families("children_ages")
    assert ((ages[:, None] - children >= 17) | (children < 0)).all()
    assert ((of_families("spouse_age") > 0) == of_families("married")).all()


def test_net_worth_is_assets_minus_debts_and_some_are_under_water() -> None:
    net_worth = of_households("net_worth")
    assert np.allclose(net_worth, of_households("total_assets") - of_households("total_debts"), atol=0.01)
    published = reference.fact("wealth", "households with negative net worth")
    assert 100 * (net_worth < 0).mean() == pytest.approx(published, abs=3)


def test_balances_hang_together() -> None:
    income, net_worth, home = of_households("income"), of_households("net_worth"), of_households("home")
    fifth = np.quantile(income, [0.2, 0.8])
    assert np.median(net_worth[income > fifth[1]]) > 5 * np.median(net_worth[income < fifth[0]])
    assert (of_households("mortgage")[home == 0] == 0).all()
    top = np.sort(net_worth)[-USERS // 100 :].sum() / net_worth.sum()
    assert 0.2 < top < 0.45  # one lognormal would give about a tenth
    with_529 = of_households("education_529") > 0
    assert (of_families("minors")[with_529] > 0).all()


def test_a_small_sample_sits_close_to_the_model() -> None:
    families = draw_families(3, 0, 500)
    weights = np.bincount(families.age_group, minlength=6) / 5
    assert weights == pytest.approx(reference.by_age("weight_pct"), abs=0.3)


def test_facts_are_read_with_their_units() -> None:
    assert reference.market("US large cap") == pytest.approx((0.067, 0.1647))
    assert reference.fact("college", "in-state public tuition") == 11_950
    assert reference.by_age("home_cmed")[0] == 250
