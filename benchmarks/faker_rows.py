"""The usual way: Faker for every value, a dictionary a document, ``executemany`` a table.

The same tables, rows a user and documents as seeding makes, as far as values drawn one by one can be: no figure hangs
on another. As people write it: Faker as it comes, amounts as decimals, unique e-mails, into the schema as it is with
its keys and indexes. Tuned, by whoever profiles that: names without weighting (nine times faster), amounts as floats,
and no keys or indexes, during the load or after it. Both in one transaction, five hundred users at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psycopg
from faker import Faker
from psycopg.types.json import Jsonb

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.seeding.finish import drop_keys

_BATCH_USERS: Final = 500
_ASSETS: Final = ("home", "retirement_accounts", "brokerage", "cash", "education_529", "vehicles", "business_other")
_DEBTS: Final = ("mortgage", "student_loans", "credit_cards", "auto_loans")
_SPENDING: Final = ("housing", "food", "transport", "healthcare", "insurance", "other")
_INCOME: Final = ("salary", "spouse_salary", "social_security", "other", "total")
_CASH_FLOW: Final = ("monthly_income", "monthly_expenses", "monthly_surplus")
_CLASSES: Final = ("us_stocks", "international_stocks", "bonds", "cash", "real_estate")
_TAX: Final = ("federal", "state", "effective_rate", "marginal_rate")
_MARITAL: Final = ("single", "divorced", "widowed", "married")
_BANDS: Final = ("p10", "p25", "p50", "p75", "p90")

_INSERTS: Final = {
    "users": "INSERT INTO users (id, email, password_hash, created_at) VALUES (%s, %s, %s, %s)",
    "financial_profiles": (
        "INSERT INTO financial_profiles (user_id, basic_info, financial_data, calculations, monte_carlo_results) "
        "VALUES (%s, %s, %s, %s, %s)"
    ),
    "goals": "INSERT INTO goals (user_id, type, target_amount, target_date, status) VALUES (%s, %s, %s, %s, %s)",
    "chat_messages": "INSERT INTO chat_messages (user_id, message, response, timestamp) VALUES (%s, %s, %s, %s)",
    "user_achievements": "INSERT INTO user_achievements (user_id, achievement_id, earned_at) VALUES (%s, %s, %s)",
    "user_progress": "INSERT INTO user_progress (user_id, section, progress_data) VALUES (%s, %s, %s)",
}
# Rows a user as seeding makes them on average.
_GOALS, _MESSAGES, _ACHIEVEMENTS, _SECTIONS = 1.5, 4, 2, 2


@dataclass(frozen=True, slots=True)
class _Way:
    """How values are drawn: Faker, an amount of money, an e-mail."""

    faker: Faker
    money: Callable[[], float]
    email: Callable[[int], str]


def _usual(faker: Faker) -> _Way:
    return _Way(
        faker,
        lambda: float(faker.pydecimal(left_digits=7, right_digits=2, positive=True)),
        lambda user: str(faker.unique.email()),
    )


def _tuned(faker: Faker) -> _Way:
    return _Way(
        faker,
        lambda: float(faker.pyfloat(min_value=0, max_value=3_000_000, right_digits=2)),
        lambda user: f"{user}.{faker.email()}",
    )


def load(target: Target, users: int, *, tuned: bool) -> tuple[float, int, int]:
    """Fill the database; seconds, users, rows."""
    way = _tuned(Faker("en_US", use_weighting=False)) if tuned else _usual(Faker())
    way.faker.seed_instance(1)
    rows = 0
    began = time.perf_counter()
    with connect(target) as conn:
        if tuned:
            drop_keys(conn)
        for first in range(1, users + 1, _BATCH_USERS):
            rows += _insert(conn, way, range(first, min(first + _BATCH_USERS, users + 1)))
    return time.perf_counter() - began, users, rows


def _insert(conn: psycopg.Connection, way: _Way, ids: range) -> int:
    faker = way.faker
    tables: dict[str, list[tuple[object, ...]]] = {name: [] for name in _INSERTS}
    for user in ids:
        joined = faker.date_time_between("-3y")
        tables["users"].append((user, way.email(user), faker.sha256(), joined))
        tables["financial_profiles"].append(_profile(way, user))
        for _ in range(faker.random_int(1, 2) if user % 2 else int(_GOALS)):
            tables["goals"].append(
                (user, faker.random_element(("retirement", "car", "vacation")), faker.random_int(500, 500_000),
                 faker.date_between("today", "+10y"), faker.random_element(("active", "in_progress", "completed")))
            )  # fmt: skip
        for _ in range(_MESSAGES):
            asked, answered = faker.sentence(12), faker.paragraph(3)
            tables["chat_messages"].append((user, asked, answered, faker.date_time_between("-1y")))
        for nth in range(_ACHIEVEMENTS):
            tables["user_achievements"].append((user, f"achievement_{nth}", faker.date_time_between("-1y")))
        for nth in range(_SECTIONS):
            progress = {"completed": faker.boolean(), "percent": faker.random_int(0, 100), "at": faker.iso8601()}
            tables["user_progress"].append((user, f"section_{nth}", Jsonb(progress)))
    with conn.cursor() as cursor:
        for name, values in tables.items():
            cursor.executemany(_INSERTS[name], values)
    return sum(len(values) for values in tables.values())


def _profile(way: _Way, user: int) -> tuple[object, ...]:
    faker, money = way.faker, way.money

    def amounts(names: tuple[str, ...]) -> dict[str, float]:
        return {name: money() for name in names}

    basic = {
        "first_name": faker.first_name(), "last_name": faker.last_name(), "age": faker.random_int(22, 92),
        "date_of_birth": faker.date_of_birth().isoformat(), "marital_status": faker.random_element(_MARITAL),
        "spouse": {"first_name": faker.first_name(), "age": faker.random_int(22, 92)},
        "children": [{"name": faker.first_name(), "age": faker.random_int(0, 30)}], "state": faker.state_abbr(),
        "occupation": faker.job(), "retirement_age": faker.random_int(50, 75),
        "life_expectancy": faker.random_int(80, 96), "dependents": faker.random_int(0, 3),
    }  # fmt: skip
    data = {
        "income": amounts(_INCOME), "assets": amounts(_ASSETS), "debts": amounts(_DEBTS),
        "expenses": amounts(_SPENDING), "savings_rate": faker.pyfloat(min_value=0, max_value=1, right_digits=3),
    }  # fmt: skip
    calculated = {
        **amounts(("net_worth", "total_assets", "total_debts")), "cash_flow": amounts(_CASH_FLOW),
        "allocation": {name: faker.pyfloat(min_value=0, max_value=100, right_digits=1) for name in _CLASSES},
        "tax": amounts(_TAX), "retirement_score": faker.random_int(0, 100), "updated_at": faker.iso8601(),
    }  # fmt: skip
    bands, paths = _results(faker.random_int(1, 100))
    results = None
    if bands:
        results = {
            "bands": {band: [money() for _ in range(bands)] for band in _BANDS},
            "sample_paths": [[money() for _ in range(bands)] for _ in range(paths)],
            "ran_at": faker.iso8601(),
        }
    return user, Jsonb(basic), Jsonb(data), Jsonb(calculated), None if results is None else Jsonb(results)


def _results(percent: int) -> tuple[int, int]:
    """Years of each band and single paths, in the shares that seeding stores."""
    if percent <= 35:
        return 0, 0
    if percent <= 75:
        return 24, 0
    return (51, 0) if percent <= 95 else (51, 20)
