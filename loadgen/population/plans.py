"""Rows of users: goals, education goals, achievements, progress."""

from __future__ import annotations

from typing import Final

import numpy as np

from capacity.arrays import Floats
from loadgen.population.chunk import Chunk, place_within
from loadgen.population.columns import Column, Kind, Rows
from loadgen.population.fanouts import ACHIEVEMENTS, SECTIONS, names_up_to
from loadgen.population.household import reference
from loadgen.population.household.families import ADULT_AGE
from loadgen.population.streams import Part, Stream, choose
from loadgen.population.text import booleans, dollars, integers, join, json_object, moments, pick, pool, quoted, rounded
from loadgen.population.vocabulary import pools

DAYS_PER_YEAR: Final = 365.25

GOAL_TYPES: Final = (
    "pay_down_debt", "emergency_savings", "retirement", "home_purchase", "vacation", "car", "home_improvement",
    "start_business", "wedding", "charity",
)  # fmt: skip
GOAL_STATUSES: Final = ("active", "in_progress", "completed", "paused", "abandoned")
_STATUS_WEIGHTS: Final = np.array([0.34, 0.26, 0.22, 0.10, 0.08])  # assumption
_GOAL_INCOMES: Final = np.array([0.0, 0.3, 0.0, 0.8, 0.07, 0.35, 0.25, 0.6, 0.3, 0.1])
"""Usual target in years of income; debt and retirement take the household's own figures. Assumption."""
_MOST_DOLLARS: Final = 9e9  # largest target that the column holds
_GOAL_YEARS: Final = np.array([4, 2, 15, 5, 1.2, 2.5, 2, 4, 1.5, 6])  # assumption

SCHOOL_TYPES: Final = ("in_state_public", "out_of_state_public", "private_non_profit", "two_year_public")
_SCHOOL_WEIGHTS: Final = np.array([0.48, 0.12, 0.22, 0.18])  # assumption
_YEARS_OF_SCHOOL: Final = np.array([4, 4, 4, 2])
_COLLEGE_INFLATION: Final = 0.035  # assumption


def goals(chunk: Chunk) -> Rows:
    """Goals that fit age and wealth; targets follow income."""
    owners = chunk.owners("goals")
    u = Stream(chunk.seed, Part.GOALS, chunk.number).table(5, len(owners))
    h, f = chunk.households, chunk.finances
    kind = choose(u[0], _goal_weights(chunk)[owners])
    targets = _GOAL_INCOMES[kind] * h.income[owners]
    unsecured = h.student_loans + h.credit_cards + h.auto_loans
    # Assumption: those with no debt but a mortgage plan to pay down a tenth of it.
    targets = np.where(kind == 0, np.maximum(unsecured, 0.1 * h.total_debts)[owners], targets)
    targets = np.where(kind == 2, np.maximum(f.retirement_goal, 12 * f.invested / 10)[owners], targets)
    # Round figures around the usual ones, as people choose them: assumption.
    targets = np.maximum(np.round(targets * (0.6 + 0.8 * u[1]), -2), 500.0)

    status = choose(u[2], _STATUS_WEIGHTS)
    begun_days = chunk.moments_us(owners, u[3]) // 86_400_000_000
    years = _GOAL_YEARS[kind] * (0.5 + u[4])
    years = np.where((kind == 2) & ~f.retired[owners], f.horizon_years[owners], years)
    due = begun_days + (DAYS_PER_YEAR * years).astype(np.int64)
    # Open goals lie ahead, completed ones do not. How far is an assumption.
    is_open = status <= 1
    due = np.where(is_open, np.maximum(due, chunk.today + 30 + (300 * u[4]).astype(np.int64)), due)
    due = np.where(status == 2, np.minimum(due, chunk.today - (60 * u[4]).astype(np.int64)), due)
    return Rows(
        "goals",
        (
            *chunk.keys("goals", owners),
            Column("type", Kind.TEXT, pick(pool(GOAL_TYPES), kind)),
            Column("target_amount", Kind.CENTS, np.minimum(targets, _MOST_DOLLARS).astype(np.int64) * 100),
            Column("target_date", Kind.DATE, due),
            Column("status", Kind.TEXT, pick(pool(GOAL_STATUSES), status)),
        ),
    )


def _goal_weights(chunk: Chunk) -> Floats:
    """Percent of each goal type for each user: the first two are Bankrate's for all users, the rest assumptions by age.

    Only households with debts pay them down, with a weight that makes them 21 % of all.
    """
    age, h = chunk.families.age[:, None], chunk.households
    by_age = np.where(
        age < 40,
        np.array([12, 20, 10, 9, 4, 4, 6, 2], float),
        np.where(age >= 60, np.array([22, 3, 18, 7, 10, 1, 0.5, 6], float),
                 np.array([24, 9, 12, 8, 9, 3, 1, 3], float)),
    )  # fmt: skip
    by_age[:, 0] *= ~chunk.finances.retired
    by_age[:, 1] *= np.where(h.home > 0, 0.3, 1.5)
    by_age[:, 4] *= h.home > 0
    pay_down, emergency = (
        reference.fact("goals", f"main goal: {name}") for name in ("pay down debt", "emergency savings")
    )
    owes = h.total_debts > 0
    for_all = np.column_stack([owes * pay_down / max(owes.mean(), 0.5), np.full(len(owes), emergency)])
    remainder = 100.0 - for_all.sum(axis=1, keepdims=True)
    return np.concatenate([for_all, by_age * remainder / by_age.sum(axis=1, keepdims=True)], axis=1)


def education_goals(chunk: Chunk) -> Rows:
    """Education goals: college for children below 18, at College Board's prices; the youngest come last."""
    owners = chunk.owners("education_goals")
    u = Stream(chunk.seed, Part.EDUCATION, chunk.number).table(4, len(owners))
    counts = chunk.fanouts.education_goals
    nth = place_within(counts)
    ages = chunk.families.children_ages
    # Children are stored oldest first, so the minors are the last of them.
    child = (chunk.families.children - chunk.families.minors)[owners] + nth
    child_age = ages[owners, child]
    school = choose(u[0], _SCHOOL_WEIGHTS)
    yearly = _college_prices()[school]
    start_in = ADULT_AGE - child_age
    total = yearly * _YEARS_OF_SCHOOL[school] * (1 + _COLLEGE_INFLATION) ** start_in
    # Assumptions: the share that the family plans to pay, and the aid that they expect.
    cover = np.round(0.3 + 0.7 * u[1], 2)
    saved = np.minimum((chunk.households.education_529 / np.maximum(counts, 1))[owners], total)
    months = np.maximum(12 * start_in, 6)
    aid = np.rint(0.0025 * u[2] * yearly).astype(np.int64) * 100
    costs = json_object(
        {
            "yearly_cost": dollars(yearly),
            "years": integers(_YEARS_OF_SCHOOL[school]),
            "start_year": integers(chunk.as_of.year + start_in),
            "inflation": b"%g" % _COLLEGE_INFLATION,
            "projected_total": dollars(total),
            "cover_share": rounded(cover, 2),
            "saved": dollars(saved),
            "monthly_saving": dollars(np.maximum(total * cover - saved, 0) / months),
            "financial_aid": integers(aid),
            "updated_at": quoted(moments(chunk.moments_us(owners, u[3]))),
        }
    )
    return Rows(
        "education_goals",
        (
            *chunk.keys("education_goals", owners),
            Column("child_name", Kind.TEXT, pick(pools().first_names, chunk.people.children_names[owners, child])),
            Column("school_type", Kind.TEXT, pick(pool(SCHOOL_TYPES), school)),
            Column("costs", Kind.JSONB, join(len(owners), costs), solid=True),
        ),
    )


def _college_prices() -> Floats:
    """Price of a year in dollars by school type: full cost, but tuition alone at two-year colleges (College Board)."""
    items = ("in-state public full cost", "out-of-state public full cost", "private non-profit full cost")
    return np.array([reference.fact("college", item) for item in (*items, "two-year public tuition")])


def achievements(chunk: Chunk) -> Rows:
    """Distinct achievements of each user: the first ones are common to all, later ones differ."""
    owners = chunk.owners("user_achievements")
    counts = chunk.fanouts.user_achievements
    names = names_up_to(ACHIEVEMENTS, int(counts.max(initial=0)))
    users, kinds = len(chunk.user_ids), len(names)
    stream = Stream(chunk.seed, Part.ACHIEVEMENTS, chunk.number)
    # How much they differ is an assumption.
    order = np.argsort(np.arange(kinds) + 6 * stream.table(users, kinds), axis=1)
    nth = place_within(counts)
    share = (nth + stream.random(len(owners))) / counts[owners]
    return Rows(
        "user_achievements",
        (
            *chunk.keys("user_achievements", owners),
            Column("achievement_id", Kind.TEXT, pick(pool(names), order[owners, nth])),
            Column("earned_at", Kind.TIMESTAMPTZ, chunk.moments_us(owners, share)),
        ),
    )


def progress(chunk: Chunk) -> Rows:
    """Progress in each section of the questionnaire: all but the user's last one are complete.

    The number of steps of a section and the time that one takes are assumptions.
    """
    owners = chunk.owners("user_progress")
    stream = Stream(chunk.seed, Part.PROGRESS, chunk.number)
    counts = chunk.fanouts.user_progress
    nth = place_within(counts)
    last = nth == counts[owners] - 1
    steps = 4 + stream.integers(8, len(owners))
    steps_done = np.where(last, (steps * stream.random(len(owners))).astype(np.int64), steps)
    updated_us = chunk.moments_us(owners, (nth + stream.random(len(owners))) / counts[owners])
    data = json_object(
        {
            "completed": booleans(steps_done == steps),
            "steps_done": integers(steps_done),
            "steps_total": integers(steps),
            "percent": rounded(100 * steps_done / steps, 1),
            "seconds_spent": integers(30 + (steps * 55 * stream.random(len(owners))).astype(np.int64)),
            "updated_at": quoted(moments(updated_us)),
        }
    )
    return Rows(
        "user_progress",
        (
            *chunk.keys("user_progress", owners),
            Column("section", Kind.TEXT, pick(pool(names_up_to(SECTIONS, int(counts.max(initial=0)))), nth)),
            Column("progress_data", Kind.JSONB, join(len(owners), data), solid=True),
        ),
    )
