"""The population's rows: the same however they are made, consistent with themselves, on reserved domains."""

import datetime as dt
import re
from collections import Counter
from decimal import Decimal
from functools import cache
from typing import Any, cast

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from scipy import stats

from loadgen.population import vocabulary
from loadgen.population.columns import Kind, Rows
from loadgen.population.fanouts import activity_quantile
from loadgen.population.model import CHUNK_TABLES, ChunkRows, Population, chunk_users_of
from loadgen.population.shape import DEFAULT_SHAPE
from loadgen.population.simulation import LONGEST_YEARS
from loadgen.population.text import solid_lines

AS_OF = dt.date(2026, 3, 1)
AS_OF_US = int(dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
POPULATION = Population(3_000, 11, AS_OF)

Document = dict[str, Any]

DOCUMENTS = {
    "financial_profiles": (
        "basic_info", "financial_data", "calculations", "monte_carlo_results", "optimization_variables",
    ),
    "education_goals": ("costs",),
    "estate_plans": ("plan_data", "documents", "beneficiaries"),
    "user_progress": ("progress_data",),
}  # fmt: skip


@cache
def made() -> list[ChunkRows]:
    first_ids = dict.fromkeys(CHUNK_TABLES, 1)
    found = []
    for chunk in range(POPULATION.chunks):
        found.append(POPULATION.chunk_rows(chunk, dict(first_ids)))
        for table, rows in POPULATION.chunk_counts(chunk).items():
            first_ids[table] += rows
    return found


@cache
def column(table: str, name: str) -> list[Any]:
    """Values of a column; text decoded, documents as their bytes."""
    values: list[Any] = []
    for chunk in made():
        (rows,) = (rows for rows in chunk.tables if rows.table == table)
        (found,) = (column for column in rows.columns if column.name == name)
        listed = found.to_list()
        values.extend([cast(bytes, v).decode() for v in listed] if found.kind is Kind.TEXT else listed)
    return values


def documents(table: str, name: str) -> list[Document | None]:
    return [None if text is None else orjson.loads(text) for text in column(table, name)]


def profiles(name: str) -> list[Document]:
    return cast("list[Document]", documents("financial_profiles", name))


def counts(table: str) -> NDArray[np.int64]:
    return np.bincount(np.array(column(table, "user_id"), dtype=np.int64), minlength=POPULATION.users + 1)[1:]


def test_any_part_can_be_made_alone_and_again() -> None:
    alone = Population(3_000, 11, AS_OF).chunk_rows(2, dict.fromkeys(CHUNK_TABLES, 1))
    again = made()[2]
    for mine, theirs in zip(alone.tables, again.tables, strict=True):
        for a, b in zip(mine.columns, theirs.columns, strict=True):
            assert a.name == "id" or list(a.to_list()) == list(b.to_list())
    other_seed = Population(3_000, 12, AS_OF).chunk_rows(2, dict.fromkeys(CHUNK_TABLES, 1))
    assert list(other_seed.tables[0].columns[1].to_list()) != list(alone.tables[0].columns[1].to_list())


def test_planned_counts_are_the_rows_made_and_ids_are_contiguous() -> None:
    for table in CHUNK_TABLES:
        planned = sum(POPULATION.chunk_counts(chunk)[table] for chunk in range(POPULATION.chunks))
        assert column(table, "id") == list(range(1, planned + 1))
        assert planned > 0


@pytest.mark.parametrize("users", [1, 2, 7, 501])
def test_small_populations_exist(users: int) -> None:
    population = Population(users, 5, AS_OF)
    rows = [population.chunk_rows(chunk, dict.fromkeys(CHUNK_TABLES, 1)) for chunk in range(population.chunks)]
    assert sum(len(chunk.tables[0]) for chunk in rows) == users
    chat = [population.chat_rows(part) for part in population.chat_slices()]
    assert sum(len(part) for part in chat) == population.shape.chat.total_messages(users)


@pytest.mark.parametrize(
    "users, chunk_users", [(1, 1_000), (20_000, 1_000), (24_000, 2_000), (50_000, 4_000), (10**8, 4_000)]
)
def test_larger_loads_have_larger_chunks(users: int, chunk_users: int) -> None:
    assert chunk_users_of(users) == chunk_users


def test_emails_are_unique_and_cannot_receive_mail() -> None:
    emails = column("users", "email")
    assert len(set(emails)) == POPULATION.users
    assert all(re.fullmatch(r"[a-z0-9.'-]+@example\.(com|org|net)", email) for email in emails)


def test_password_hashes_have_the_format_and_match_no_password() -> None:
    hashes = column("users", "password_hash")
    assert len(set(hashes)) == POPULATION.users
    for text in hashes:
        assert re.fullmatch(r"\$2b\$12\$[./A-Za-z0-9]{53}", text)
        # 23 bytes leave two bits of the last character zero in every hash that was computed.
        alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        assert alphabet.index(text[-1]) % 4 != 0


def test_users_sign_up_in_the_order_of_their_ids_along_a_growing_curve() -> None:
    created = column("users", "created_at")
    assert created == sorted(created)
    assert max(created) < AS_OF_US
    assert max(column("users", "updated_at")) <= AS_OF_US
    assert all(a <= b for a, b in zip(created, column("users", "updated_at"), strict=True))
    years = (AS_OF_US - np.array(created)) // (365 * 86_400 * 1_000_000)
    by_year = np.bincount(years, minlength=3)
    assert by_year[0] > by_year[1] > by_year[2] > 0


def test_net_worth_and_cash_flow_follow_from_the_household() -> None:
    below = 0
    for data, calculated in zip(profiles("financial_data"), profiles("calculations"), strict=True):
        assets, debts = (sum(Decimal(str(v)) for v in data[part].values()) for part in ("assets", "debts"))
        assert Decimal(str(calculated["total_assets"])) == assets
        assert Decimal(str(calculated["total_debts"])) == debts
        assert Decimal(str(calculated["net_worth"])) == max(assets - debts, 0)
        below += assets < debts
        assert data["income"]["total"] == pytest.approx(
            sum(v for k, v in data["income"].items() if k != "total"), abs=0.01
        )
        flow, tax = calculated["cash_flow"], calculated["tax"]
        surplus = flow["monthly_income"] - flow["monthly_expenses"] - (tax["federal"] + tax["state"]) / 12
        assert flow["monthly_surplus"] == pytest.approx(surplus, abs=0.03)
    assert below == sum(chunk.below_water for chunk in made()) > 0


def test_allocations_add_up_to_a_hundred() -> None:
    for calculated in profiles("calculations"):
        assert sum(Decimal(str(share)) for share in calculated["allocation"].values()) == 100
        assert min(calculated["allocation"].values()) >= 0


def detail_of(result: Document | None) -> str:
    """Which of the declared sizes a simulation's document has."""
    if result is None:
        return "not_simulated"
    if "sample_paths" in result:
        return "paths"
    return "full" if len(result["bands"]["p50"]) == LONGEST_YEARS + 1 else "summary"


def test_results_follow_the_declared_mix_and_agree_with_the_score() -> None:
    results = documents("financial_profiles", "monte_carlo_results")
    mix = POPULATION.shape.documents
    declared = {"not_simulated": mix.not_simulated, "summary": mix.summary, "full": mix.full, "paths": mix.paths}
    found = Counter(map(detail_of, results))
    assert {name: found[name] / len(results) for name in declared} == pytest.approx(declared, abs=0.01)
    for result, calculated, info in zip(results, profiles("calculations"), profiles("basic_info"), strict=True):
        if result is None:
            continue
        assert calculated["retirement_score"] == round(100 * result["success_probability"])
        bands = np.array([result["bands"][name] for name in ("p10", "p25", "p50", "p75", "p90")])
        assert (np.diff(bands, axis=0) >= 0).all()
        retired = info["employment_status"] == "retired"
        assert (result["retirement_year"] is None) == retired
        assert (result["annual_contribution"] <= 0) if retired else (result["annual_contribution"] >= 0)


def test_documents_are_each_their_own() -> None:
    for table, names in DOCUMENTS.items():
        for name in names:
            texts = [text for text in column(table, name) if text is not None]
            assert len(set(texts)) / len(texts) >= 0.999, name


def test_estate_plans_fit_the_family() -> None:
    info = dict(zip(column("financial_profiles", "user_id"), profiles("basic_info"), strict=True))
    owners = column("estate_plans", "user_id")
    plans = documents("estate_plans", "plan_data")
    beneficiaries = documents("estate_plans", "beneficiaries")
    for owner, plan, heirs in zip(owners, plans, cast("list[list[Document]]", beneficiaries), strict=True):
        assert plan is not None
        assert sum(Decimal(str(heir["share_pct"])) for heir in heirs) == 100
        assert sum(heir["relation"] == "child" for heir in heirs) == len(info[owner]["children"])
        assert any(heir["relation"] == "spouse" for heir in heirs) == (info[owner]["marital_status"] == "married")
        assert (plan["guardian"] is not None) == (info[owner]["dependents"] > 0)


def test_education_goals_are_for_the_households_own_minors() -> None:
    info = dict(zip(column("financial_profiles", "user_id"), profiles("basic_info"), strict=True))
    names = zip(column("education_goals", "user_id"), column("education_goals", "child_name"), strict=True)
    for (owner, child), costs in zip(names, documents("education_goals", "costs"), strict=True):
        assert costs is not None
        minors = {c["name"]: c["age"] for c in info[owner]["children"] if c["age"] < 18}
        assert child in minors
        assert AS_OF.year < costs["start_year"] <= AS_OF.year + 18


def test_goals_fit_the_household() -> None:
    info = dict(zip(column("financial_profiles", "user_id"), profiles("basic_info"), strict=True))
    today = (AS_OF - dt.date(1970, 1, 1)).days
    rows = zip(
        *(column("goals", name) for name in ("user_id", "type", "status", "target_date", "target_amount")), strict=True
    )
    for owner, kind, status, due, amount in rows:
        assert kind != "retirement" or info[owner]["employment_status"] != "retired"
        assert (due > today) if status in ("active", "in_progress") else True
        assert (due <= today) if status == "completed" else True
        assert amount >= 50_000


def test_goals_fit_age_and_wealth() -> None:
    info, data = profiles("basic_info"), profiles("financial_data")
    place = {user: n for n, user in enumerate(column("financial_profiles", "user_id"))}
    goals = list(zip(*(column("goals", name) for name in ("user_id", "type", "target_amount")), strict=True))
    owners = np.array([place[user] for user, _, _ in goals])
    kinds = np.array([kind for _, kind, _ in goals])
    age = np.array([one["age"] for one in info])[owners]
    income = np.array([one["income"]["total"] for one in data])[owners]
    amount = np.array([cents for _, _, cents in goals])
    for kind in ("home_purchase", "vacation", "car"):
        of_kind = kinds == kind
        assert stats.spearmanr(income[of_kind], amount[of_kind]).statistic > 0.5, kind
    assert np.median(age[kinds == "wedding"]) < np.median(age[kinds == "home_improvement"])
    assert (kinds[age >= 60] == "home_purchase").mean() < 0.5 * (kinds[age < 40] == "home_purchase").mean()
    assert (kinds == "pay_down_debt").mean() == pytest.approx(0.21, abs=0.03)
    owes = np.array([sum(one["debts"].values()) > 0 for one in data])[owners]
    assert owes[kinds == "pay_down_debt"].all()


def test_fan_outs_are_skewed_towards_the_active_with_many_empty() -> None:
    activity = activity_quantile(POPULATION.ranks, np.arange(1, POPULATION.users + 1))
    for table in ("goals", "user_achievements", "user_progress"):
        found = counts(table)
        assert (found == 0).mean() >= DEFAULT_SHAPE.dormant
        assert found[activity < 0.1].mean() > 2 * found.mean()
        assert (found[activity >= 1 - DEFAULT_SHAPE.dormant] == 0).all()
    assert (counts("financial_profiles") == 1).all()


def test_achievements_and_sections_are_distinct_per_user() -> None:
    for table, name in (("user_achievements", "achievement_id"), ("user_progress", "section")):
        pairs = list(zip(column(table, "user_id"), column(table, name), strict=True))
        assert len(set(pairs)) == len(pairs)


def chat() -> list[Rows]:
    return [POPULATION.chat_rows(part) for part in POPULATION.chat_slices()]


def test_chat_is_interleaved_by_time_and_nobody_writes_before_signing_up() -> None:
    slices = chat()
    assert len(slices) > 1
    created = np.array(column("users", "created_at"))
    latest = 0
    ids: list[int] = []
    for rows in slices:
        by_name = {c.name: c for c in rows.columns}
        assert by_name["timestamp"].kind is Kind.TIMESTAMPTZ
        moments = np.asarray(by_name["timestamp"].values)
        users = np.asarray(by_name["user_id"].values)
        assert (np.diff(moments) >= 0).all()
        assert moments.max() < AS_OF_US
        assert (moments >= created[users - 1]).mean() > 0.999
        assert len(set(users.tolist())) > 100
        assert moments[len(moments) // 2] > latest
        latest = moments[len(moments) // 2]
        ids.extend(np.asarray(by_name["id"].values).tolist())
    assert ids == list(range(1, POPULATION.shape.chat.total_messages(POPULATION.users) + 1))


def test_chat_and_requests_have_the_same_favourites_and_many_are_silent() -> None:
    users = np.concatenate([np.asarray(rows.columns[1].values) for rows in chat()])
    found = np.bincount(users, minlength=POPULATION.users + 1)[1:]
    activity = activity_quantile(POPULATION.ranks, np.arange(1, POPULATION.users + 1))
    assert (found == 0).mean() > 0.2
    assert found.max() < 0.05 * found.sum()
    assert stats.spearmanr(found, activity).statistic < -0.3


def test_the_packaged_pools_are_what_faker_draws() -> None:
    pools = vocabulary.fill()
    packaged = vocabulary.vocabulary()
    for name, drawn in pools.items():
        assert getattr(packaged, name) == tuple(drawn), f"{name}: run python -m loadgen.population.vocabulary"
        assert len(set(drawn)) == len(drawn)


def test_solid_documents_are_json_with_all_of_their_bytes() -> None:
    solid = [column for rows in made()[0].tables for column in rows.columns if column.solid]
    assert {column.name for column in solid} >= {"basic_info", "financial_data", "calculations", "costs"}
    for found in solid:
        for document in solid_lines(np.asarray(found.values, np.uint8)):
            assert orjson.loads(document)
