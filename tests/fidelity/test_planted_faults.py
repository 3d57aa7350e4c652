"""Faults planted in a copy of a seeded database are found, and named."""

from __future__ import annotations

import json

import psycopg
import pytest
from conftest import Loadgen
from fidelity_samples import check, figure, measured

from loadgen.database.target import Target
from loadgen.fidelity import checks
from loadgen.fidelity.format import FidelityRecord
from loadgen.fidelity.reading import Snapshot
from loadgen.population.household import reference

DEARER_HOMES = """
UPDATE financial_profiles
SET financial_data = jsonb_set(
    financial_data, '{assets,home}', to_jsonb(round((financial_data #>> '{assets,home}')::numeric * 1.6, 2))
)
"""


def test_a_share_that_is_off_is_named(
    spoilt_people: psycopg.Connection, people: Target, people_record: FidelityRecord
) -> None:
    before = figure(people_record, "card_balance_hold", "<35")
    spoilt_people.execute(
        "UPDATE financial_profiles SET financial_data = jsonb_set(financial_data, '{debts,credit_cards}', '0')"
        " WHERE (basic_info ->> 'age')::int < 35 AND user_id % 2 = 0"
    )
    after = measured(people.with_database(spoilt_people.info.dbname))
    changed = figure(after, "card_balance_hold", "<35")
    assert before.stored is not None
    assert changed.stored == pytest.approx(before.stored / 2, rel=0.15)
    assert changed.verdict == "outside"
    assert "card_balance_hold <35" in after.outside
    assert check(after, "net_worth").verdict == "outside", "the totals no longer add up"


def test_a_median_that_is_off_is_named(
    spoilt_people: psycopg.Connection, people: Target, people_record: FidelityRecord, loadgen: Loadgen
) -> None:
    spoilt_people.execute(DEARER_HOMES)
    done = loadgen("fidelity", "--json", target=people.with_database(spoilt_people.info.dbname))
    assert done.returncode == 1
    assert "outside tolerance: " in done.stderr.splitlines()[-1]
    verdicts = {(f["measure"], f["group"]): f["verdict"] for f in json.loads(done.stdout)["figures"]}
    assert verdicts["home_median", "55-64"] == "outside"
    after = measured(people.with_database(spoilt_people.info.dbname))
    for age in reference.AGE_GROUPS:
        before, changed = figure(people_record, "home_median", age), figure(after, "home_median", age)
        assert before.stored is not None
        assert changed.stored == pytest.approx(1.6 * before.stored)
    assert figure(after, "home_median", "55-64").verdict == "outside"
    assert figure(after, "home_hold", "55-64") == figure(people_record, "home_hold", "55-64")


FAULTS = {
    "net_worth": (
        "UPDATE financial_profiles SET calculations = jsonb_set(calculations, '{net_worth}', '1') WHERE user_id = 7", 1
    ),
    "allocation": (
        "UPDATE financial_profiles SET calculations = jsonb_set(calculations, '{allocation,cash}', '99.5')"
        " WHERE user_id IN (3, 4)", 2
    ),
    "bands": (
        "UPDATE financial_profiles SET monte_carlo_results = jsonb_set(monte_carlo_results, '{bands,p25,1}', '9e12')"
        " WHERE id = (SELECT min(id) FROM financial_profiles WHERE monte_carlo_results IS NOT NULL)", 1
    ),
    "score": (
        "UPDATE financial_profiles SET calculations = jsonb_set(calculations, '{retirement_score}', '101')"
        " WHERE id = (SELECT max(id) FROM financial_profiles WHERE monte_carlo_results IS NOT NULL)", 1
    ),
    "simulation": (
        "UPDATE financial_profiles SET monte_carlo_results = jsonb_set(monte_carlo_results, '{start_balance}', '9e12')"
        " WHERE id = (SELECT max(id) FROM financial_profiles WHERE monte_carlo_results IS NOT NULL)", 1
    ),
    "mortgage": (
        "UPDATE financial_profiles SET financial_data = jsonb_set(financial_data, '{assets,home}', '0')"
        " WHERE id = (SELECT min(id) FROM financial_profiles"
        " WHERE (financial_data #>> '{debts,mortgage}')::numeric > 0)", 1
    ),
    "household": (
        "UPDATE financial_profiles SET basic_info = basic_info || '{\"household_size\": 0}' WHERE id IN (50, 51)", 2
    ),
    "children": ("UPDATE education_goals SET child_name = 'Nobody Known' WHERE id <= 3", 3),
    "beneficiaries": (
        "UPDATE estate_plans SET beneficiaries = jsonb_set(beneficiaries, '{0,share_pct}', '0.5')"
        " WHERE id = (SELECT max(id) FROM estate_plans)", 1
    ),
    "heirs": ("UPDATE estate_plans SET beneficiaries = '[{\"relation\": \"child\", \"share_pct\": 100}]'"
              " WHERE user_id = (SELECT min(p.user_id) FROM financial_profiles AS p JOIN estate_plans USING (user_id)"
              " WHERE basic_info -> 'children' = '[]')", 1),
    "goal_dates": ("UPDATE goals SET target_date = '2001-01-01', status = 'active' WHERE id <= 5", 5),
    "goals": ("UPDATE goals SET type = 'home_improvement' WHERE id = (SELECT min(g.id) FROM goals AS g"
              " JOIN financial_profiles AS p USING (user_id)"
              " WHERE (financial_data #>> '{assets,home}')::numeric = 0)", 1),
    "emails": ("UPDATE users SET email = 'somebody@gmail.com' WHERE id = 9", 1),
    "distinct basic_info": (
        "UPDATE financial_profiles SET basic_info = (SELECT basic_info FROM financial_profiles WHERE id = 1)"
        " WHERE id <= 40", 39
    ),
}  # fmt: skip


def test_every_rule_can_be_broken(spoilt_people: psycopg.Connection, people: Target) -> None:
    """One fault after another: each rule counts at least the rows that were spoilt for it."""
    assert set(checks.RULES) <= set(FAULTS)
    for statement, _ in FAULTS.values():
        spoilt_people.execute(statement.encode())
    with Snapshot(people.with_database(spoilt_people.info.dbname), lambda line: None) as snapshot:
        broken = {c.name: c for c in checks.measure(snapshot)}
    for name, (_, rows) in FAULTS.items():
        assert broken[name].verdict == "outside", name
        assert broken[name].violating >= rows, name
    exact = ("household", "score", "emails", "bands", "beneficiaries", "allocation")
    assert all(broken[name].violating == FAULTS[name][1] for name in exact)
