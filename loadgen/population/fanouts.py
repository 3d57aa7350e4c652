"""How many rows each user has, skewed by activity and cheap to draw: planning a load sums them to number the rows.

How many there are in all is the business of the population's :mod:`shape <loadgen.population.shape>`.
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
"""Of the application's questionnaire, in its order; progress is a prefix of them."""
ACHIEVEMENTS: Final = (
    "first_login", "profile_complete", "first_goal", "emergency_fund", "debt_free_card", "first_simulation",
    "plan_on_track", "college_started", "will_recorded", "net_worth_up", "five_goals", "saver_10_percent",
    "saver_20_percent", "home_owner", "monthly_review", "quarterly_review", "half_way_there", "goal_completed",
    "three_goals_completed", "insurance_checked", "allocation_reviewed", "tax_reviewed", "one_year", "two_years",
)  # fmt: skip

_BY_WILL: Final = ByWill(0.55, 0.06)  # assumption
_FAVOUR_ACTIVE: Final = 1.0
"""Weight of activity beside chance in who has many of a measured table's rows: correlation of ranks 0.7. Assumption."""


@dataclass(frozen=True)
class FanOuts:
    """Rows per user of a chunk, by table; each an array with an entry a user."""

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
    """Where users stand in activity: near 0 the most active, near 1 the least."""
    return (ranks.rank_of(user_ids) - 0.5) / ranks.users


def draw_fanouts(seed: int, chunk: int, families: Families, activity: Floats, shape: Shape = DEFAULT_SHAPE) -> FanOuts:
    """Fan-outs of a chunk; ``activity`` from :func:`activity_quantile`."""
    stream = Stream(seed, Part.FANOUTS, chunk)
    here = activity < 1 - shape.dormant
    intensity = _intensity(activity, shape)

    def by_activity(law: Poisson | Measured) -> Ints:
        if isinstance(law, Poisson):
            return poisson_quantile(stream.random(len(activity)), law.mean * intensity, law.most) * here
        return _as_measured(stream, law, _FAVOUR_ACTIVE * activity + stream.random(len(activity)), here)

    goals = by_activity(shape.goals)
    achievements = by_activity(shape.user_achievements)
    sections = by_activity(shape.user_progress)
    return FanOuts(
        goals=goals,
        education_goals=_education_goals(stream, shape.education_goals, families, here),
        estate_plans=_estate_plans(stream, shape.estate_plans, families, here),
        user_achievements=achievements,
        user_progress=sections,
    )


def _intensity(activity: Floats, shape: Shape) -> Floats:
    """Expected rows relative to the mean, ∝ quantile^−skew with mean 1 over those who are not dormant."""
    share = activity / (1 - shape.dormant)
    return np.asarray((1 - shape.activity_skew) * share**-shape.activity_skew)


def _as_measured(stream: Stream, law: Measured, order: Floats, here: Bools) -> Ints:
    """Counted rows dealt out in ``order``, the most rows first: every chunk has nearly the same distribution."""
    places = stratified(np.where(here, order, np.inf), stream.random(len(order)))
    return law.rows_at(places) * here


def _education_goals(stream: Stream, law: ByChild | Measured, families: Families, here: Bools) -> Ints:
    """No more than there are children below 18. Of measured rows, those that find no child are left out."""
    minors = (families.children_ages >= 0) & (families.children_ages < ADULT_AGE)
    if isinstance(law, ByChild):
        saved_for = minors & (stream.table(*minors.shape) < law.chance)
        return np.asarray(saved_for.sum(axis=1) * here)
    users, children = len(here), np.where(here, families.minors, 0)
    order = stream.random(users)
    counts = np.zeros(users, np.int64)
    # From the most rows down, so that few large families are not used up by users with one row.
    for rows in range(MOST_CHILDREN, 0, -1):
        wanted = int(law.share_with(rows) * users + stream.random(1)[0]) - np.count_nonzero(counts)
        able = np.flatnonzero((children >= rows) & (counts == 0))
        counts[able[np.argsort(order[able])[: max(wanted, 0)]]] = rows
    return counts


def _estate_plans(stream: Stream, law: ByWill | Measured, families: Families, here: Bools) -> Ints:
    """Those with a will first; of measured rows, as much likelier as in the model's own shape."""
    users = len(here)
    if isinstance(law, ByWill):
        chance = np.where(families.has_will, law.with_will, law.without_will)
        return np.asarray((stream.random(users) < chance) * here, np.int64)
    weight = np.where(families.has_will, _BY_WILL.with_will, _BY_WILL.without_will)
    # The smallest of exponential times with these rates: sampling by weight without replacement.
    return _as_measured(stream, law, -np.log(stream.random(users)) / weight, here)
