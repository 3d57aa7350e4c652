"""A shape is kept as one spelling, and a population that follows one has what it says."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.arrays import Floats
from loadgen.errors import UsageError
from loadgen.population.activity import ActivityRanks
from loadgen.population.calendar import US_PER_HOUR, make_calendar
from loadgen.population.fanouts import FanOuts, activity_quantile, draw_fanouts, names_up_to
from loadgen.population.household.families import draw_families
from loadgen.population.model import Population
from loadgen.population.shape import (
    DEFAULT_SHAPE,
    Bucket,
    ChatShape,
    DocumentShape,
    Measured,
    Notes,
    Poisson,
    Shape,
    as_shares,
)

USERS, CHUNK = 10_000, 500
GOALS = Measured((Bucket(0, 0, 0.4, 0), Bucket(1, 1, 0.3, 1), Bucket(2, 2, 0.2, 2), Bucket(3, 12, 0.1, 4.5)))
COLLEGE = Measured((Bucket(0, 0, 0.9, 0), Bucket(1, 1, 0.07, 1), Bucket(2, 2, 0.03, 2)))
ESTATES = Measured((Bucket(0, 0, 0.75, 0), Bucket(1, 1, 0.25, 1)))
FOLLOWED = Shape(
    users=5_000,
    dormant=0.25,
    goals=GOALS,
    user_progress=Poisson(1.0, 10),
    education_goals=COLLEGE,
    estate_plans=ESTATES,
    chat=ChatShape(2.5, 0.8, 0.3, 0.05),
    documents=DocumentShape(0.5, 0.2, 0.2, 0.1, 0.4, (Notes("goals", "status", 7),)),
    sign_ups=as_shares([1, 2, 3, 4, 0, 10]),
    chat_by_month=as_shares([5, 5, 10]),
)


def drawn(shape: Shape) -> tuple[dict[str, Floats], Floats]:
    """Rows of every user by table, and the users' activity."""
    ranks = ActivityRanks(USERS, 3)
    chunks: list[FanOuts] = []
    activity = [activity_quantile(ranks, first + np.arange(CHUNK) + 1) for first in range(0, USERS, CHUNK)]
    for chunk, here in enumerate(activity):
        chunks.append(draw_fanouts(3, chunk, draw_families(3, chunk, CHUNK), here, shape))
    return {name: np.concatenate([getattr(c, name) for c in chunks]) for name in chunks[0].totals()}, np.concatenate(
        activity
    )


@pytest.mark.parametrize("shape", [DEFAULT_SHAPE, FOLLOWED])
def test_one_spelling(shape: Shape) -> None:
    again = Shape.from_json(shape.to_json())
    assert again == shape
    assert hash(again) == hash(shape)
    assert again.to_json() == shape.to_json()
    assert again.sha256 == shape.sha256
    assert replace(shape, users=77).sha256 != shape.sha256


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "profile.json"),
        ('{"dormant": 2}', "dormant share"),
        ('{"dormant": "NaN"}', "dormant"),
        ('{"goals": {"kind": "measured", "buckets": []}}', "goals"),
        ('{"chat": {"skew": -1}}', "chat"),
        ('{"sign_ups": [0.5, 0.1]}', "months"),
    ],
)
def test_what_is_no_shape_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Shape.from_json(text, "profile.json")
    assert "\n" not in str(caught.value)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_a_measured_fan_out_keeps_its_buckets(steps: list[tuple[int, float, float]]) -> None:
    buckets, least = [], 0
    whole = sum(share for _, share, _ in steps)
    for width, share, place in steps:
        buckets.append(Bucket(least, least + width, share / whole, least + place * width))
        least += width + 1
    law = Measured(tuple(buckets))
    rows = law.rows_at((np.arange(50_000) + 0.5) / 50_000)
    assert (np.diff(rows) <= 0).all()
    assert rows.mean() == pytest.approx(law.mean, rel=0.02, abs=0.01)
    for bucket in buckets:
        inside = (rows >= bucket.least) & (rows <= (bucket.most or 0))
        assert inside.mean() == pytest.approx(bucket.share, abs=2e-4)


def test_an_open_end_keeps_its_mean() -> None:
    law = Measured((Bucket(0, 0, 0.9, 0), Bucket(31, None, 0.1, 95)))
    rows = law.rows_at((np.arange(50_000) + 0.5) / 50_000)
    assert rows[rows > 0].mean() == pytest.approx(95, rel=0.01)
    assert rows[rows > 0].min() == 31
    assert law.most > 200


def test_the_built_in_shape_is_the_default_and_survives_its_spelling() -> None:
    plain, _ = drawn(Shape.from_json(DEFAULT_SHAPE.to_json()))
    families, activity = draw_families(3, 0, CHUNK), activity_quantile(ActivityRanks(USERS, 3), np.arange(CHUNK) + 1)
    first = draw_fanouts(3, 0, families, activity)
    for name in first.totals():
        assert (plain[name][:CHUNK] == getattr(first, name)).all()
    as_of = dt.date(2026, 3, 1)
    assert (make_calendar(1, as_of).chatted == make_calendar(1, as_of, DEFAULT_SHAPE).chatted).all()


def test_rows_per_user_follow_what_was_counted() -> None:
    rows, activity = drawn(FOLLOWED)
    for name, law in (("goals", GOALS), ("education_goals", COLLEGE), ("estate_plans", ESTATES)):
        assert rows[name].mean() == pytest.approx(law.mean, rel=0.02)
        for n in range(5):
            assert (rows[name] >= n).mean() == pytest.approx(law.share_with(n), abs=0.005)
    dormant = activity >= 1 - FOLLOWED.dormant
    assert all(not of_table[dormant].any() for of_table in rows.values())
    assert rows["goals"][activity < 0.1].mean() > 1.5 * rows["goals"].mean(), "the active have more"


def test_education_needs_children_and_estate_plans_favour_wills() -> None:
    rows, _ = drawn(FOLLOWED)
    families = [draw_families(3, chunk, CHUNK) for chunk in range(USERS // CHUNK)]
    assert (rows["education_goals"] <= np.concatenate([f.minors for f in families])).all()
    wills = np.concatenate([f.has_will for f in families])
    assert rows["estate_plans"][wills].mean() > 3 * rows["estate_plans"][~wills].mean() > 0

    greedy = replace(FOLLOWED, education_goals=Measured((Bucket(1, 1, 0.5, 1), Bucket(4, 4, 0.5, 4))))
    rows, _ = drawn(greedy)
    assert (rows["education_goals"] <= np.concatenate([f.minors for f in families])).all()


def test_months_of_sign_ups_and_chat_follow_what_was_counted() -> None:
    as_of = dt.date(2026, 3, 11)
    calendar = make_calendar(1, as_of, FOLLOWED)
    starts = [dt.date(2025, month, 1) for month in (9, 10, 11, 12)] + [dt.date(2026, month, 1) for month in (1, 2, 3)]
    assert calendar.start_us == int(dt.datetime(2025, 9, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
    hours = [(day - starts[0]).days * 24 for day in starts]
    assert calendar.end_us == calendar.start_us + ((as_of - starts[0]).days * 24) * US_PER_HOUR
    signed_up = np.diff(calendar.signed_up[hours])
    assert signed_up / signed_up.sum() == pytest.approx(FOLLOWED.sign_ups, abs=1e-6)
    chatted = np.diff(calendar.chatted[hours])
    assert chatted / chatted.sum() == pytest.approx((0, 0, 0, *FOLLOWED.chat_by_month), abs=1e-6)
    running = (1 - calendar.signed_up[hours[-1]]) / signed_up[-1]
    assert running == pytest.approx(10 / 28, rel=0.1), "the running month goes on at the last rate"


def test_more_achievements_and_sections_than_the_application_names() -> None:
    assert names_up_to(("a", "b"), 1) == ("a", "b")
    assert names_up_to(("a", "b"), 5) == ("a", "b", "a_2", "b_2", "a_3")
    many = Measured((Bucket(0, 0, 0.5, 0), Bucket(40, 40, 0.5, 40)))
    population = Population(50, 1, dt.date(2026, 3, 1), shape=Shape(user_achievements=many, user_progress=many))
    first_ids = dict.fromkeys(population.chunk_counts(0), 1)
    for table in population.chunk_rows(0, first_ids).tables:
        if table.table in ("user_achievements", "user_progress"):
            users, names = (table.columns[n].to_list() for n in (1, 2))
            assert len(set(zip(users, names, strict=True))) == len(table) > 500


def test_two_chunk_sizes_are_two_populations_of_one_shape() -> None:
    counts = []
    for chunk_users in (100, 500):
        population = Population(5_000, 1, dt.date(2026, 3, 1), chunk_users, FOLLOWED)
        counts.append(sum(population.chunk_counts(c)["goals"] for c in range(population.chunks)))
    assert counts[0] == pytest.approx(counts[1], rel=0.02)
