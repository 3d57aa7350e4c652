"""Rows per user, skewed by activity. Cheap to draw, because planning a load sums them to assign ids.

The population's :mod:`shape <loadgen.population.shape>` decides their mean.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.activity import ActivityRanks
from loadgen.population.household.families import ADULT_AGE, MOST_CHILDREN, Families
from loadgen.population.shape import DEFAULT_SHAPE, ByChild, ByWill, Measured, Poisson, Shape
from loadgen.population.streams import Part, Stream, poisson_quantile, stratified

SECTIONS: Final = (
    "welcome", "household", "income", "assets", "debts", "retirement", "education", "estate", "insurance", "review",
)  # fmt: skip
"""Sections of the application's questionnaire in order; a user's progress is a prefix of them."""
ACHIEVEMENTS: Final = (
    "first_login", "profile_complete", "first_goal", "emergency_fund", "debt_free_card", "first_simulation",
    "plan_on_track", "college_started", "will_recorded", "net_worth_up", "five_goals", "saver_10_percent",
    "saver_20_percent", "home_owner", "monthly_review", "quarterly_review", "half_way_there", "goal_completed",
    "three_goals_completed", "insurance_checked", "allocation_reviewed", "tax_reviewed", "one_year", "two_years",
)  # fmt: skip

_BY_WILL: Final = ByWill(0.55, 0.06)  # assumption
_FAVOUR_ACTIVE: Final = 1.0
"""Weight of activity relative to chance in the rank by a measured table's rows (rank correlation 0.7). Assumption."""


@dataclass(frozen=True)
class FanOuts:
    """Rows per user of a chunk by table, each an array with an entry a user."""

    goals: Ints
    education_goals: Ints
    estate_plans: Ints
    user_achievements: Ints
    user_progress: Ints

    def totals(self) -> dict[str, int]:
        """Rows of the chunk by table."""
        return {field.name: int(getattr(self, field.name).sum()) for field in fields(self)}


def names_up_to(names: tuple[str, ...], most: int) -> tuple[str, ...]:
    """``names``, and numbered ones after them where a measured fan-out needs ``most`` of them."""
    return names + tuple(f"{names[n % len(names)]}_{n // len(names) + 1}" for n in range(len(names), most))


def activity_quantile(ranks: ActivityRanks, user_ids: Ints) -> Floats:
    """Quantile of users by activity: near 0 the most active, near 1 the least."""
    return (ranks.rank_of(user_ids) - 0.5) / ranks.users


def draw_fanouts(seed: int, chunk: int, families: Families, activity: Floats, shape: Shape = DEFAULT_SHAPE) -> FanOuts:
    """Draw the fan-outs of a chunk; ``activity`` is from :func:`activity_quantile`."""
    stream = Stream(seed, Part.FANOUTS, chunk)
    active = activity < 1 - shape.dormant
    intensity = _intensity(activity, shape)

    def by_activity(law: Poisson | Measured) -> Ints:
        if isinstance(law, Poisson):
            return poisson_quantile(stream.random(len(activity)), law.mean * intensity, law.most) * active
        return _as_measured(stream, law, _FAVOUR_ACTIVE * activity + stream.random(len(activity)), active)

    goals = by_activity(shape.goals)
    achievements = by_activity(shape.user_achievements)
    sections = by_activity(shape.user_progress)
    return FanOuts(
        goals=goals,
        education_goals=_education_goals(stream, shape.education_goals, families, active),
        estate_plans=_estate_plans(stream, shape.estate_plans, families, active),
        user_achievements=achievements,
        user_progress=sections,
    )


def _intensity(activity: Floats, shape: Shape) -> Floats:
    """Expected rows relative to the mean, ∝ quantile^−skew with mean 1 over users who are not dormant."""
    share = activity / (1 - shape.dormant)
    return np.asarray((1 - shape.activity_skew) * share**-shape.activity_skew)


def _as_measured(stream: Stream, law: Measured, order: Floats, active: Bools) -> Ints:
    """Assign measured fan-outs in ``order``, the most rows first; every chunk has nearly the same distribution."""
    places = stratified(np.where(active, order, np.inf), stream.random(len(order)))
    return law.rows_at(places) * active


def _education_goals(stream: Stream, law: ByChild | Measured, families: Families, active: Bools) -> Ints:
    """At most a row for each child below 18. Measured rows without a child are left out."""
    minors = (families.children_ages >= 0) & (families.children_ages < ADULT_AGE)
    if isinstance(law, ByChild):
        saved_for = minors & (stream.table(*minors.shape) < law.chance)
        return np.asarray(saved_for.sum(axis=1) * active)
    users, children = len(active), np.where(active, families.minors, 0)
    order = stream.random(users)
    counts = np.zeros(users, np.int64)
    # From the most rows down, so that users with one row do not use up the few large families.
    for rows in range(MOST_CHILDREN, 0, -1):
        missing = int(law.share_with(rows) * users + stream.random(1)[0]) - np.count_nonzero(counts)
        able = np.flatnonzero((children >= rows) & (counts == 0))
        counts[able[np.argsort(order[able])[: max(missing, 0)]]] = rows
    return counts


def _estate_plans(stream: Stream, law: ByWill | Measured, families: Families, active: Bools) -> Ints:
    """At most a row a user, likelier with a will; of measured rows by the same ratio as in the model's own shape."""
    users = len(active)
    if isinstance(law, ByWill):
        chance = np.where(families.has_will, law.with_will, law.without_will)
        return np.asarray((stream.random(users) < chance) * active, np.int64)
    weight = np.where(families.has_will, _BY_WILL.with_will, _BY_WILL.without_will)
    # The smallest of exponential times with these rates: sampling by weight without replacement.
    return _as_measured(stream, law, -np.log(stream.random(users)) / weight, active)
