"""How many rows each user has, skewed by activity and cheap to draw: planning a load sums them to number the rows.

There is no published source for any fan-out here: every figure is an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from loadgen.population.activity import ActivityRanks
from loadgen.population.families import ADULT_AGE, Families
from loadgen.population.streams import Floats, Ints, Part, Stream, poisson_quantile

DORMANT: Final = 0.30
"""The least active users, who signed up, filled in their profile and left: they have nothing else."""
ACTIVITY_SKEW: Final = 0.5
"""Rows per user fall with rank^−0.5: flatter than requests, because rows end (a plan is made) and visits do not."""

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

_GOALS_MEAN, MOST_GOALS = 2.2, 12
_ACHIEVEMENTS_MEAN = 3.0
_SECTIONS_MEAN = 3.5
_MINOR_HAS_GOAL = 0.45
_WILL_IS_RECORDED, _DRAFT_WITHOUT_WILL = 0.55, 0.06


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


def activity_quantile(ranks: ActivityRanks, user_ids: Ints) -> Floats:
    """Where users stand in activity: near 0 the most active, near 1 the least."""
    return (ranks.rank_of(user_ids) - 0.5) / ranks.users


def draw_fanouts(seed: int, chunk: int, families: Families, activity: Floats) -> FanOuts:
    """Fan-outs of a chunk; ``activity`` from :func:`activity_quantile`."""
    users = len(activity)
    stream = Stream(seed, Part.FANOUTS, chunk)
    here = activity < 1 - DORMANT
    intensity = _intensity(activity)

    goals = poisson_quantile(stream.random(users), _GOALS_MEAN * intensity, MOST_GOALS)
    achievements = poisson_quantile(stream.random(users), _ACHIEVEMENTS_MEAN * intensity, len(ACHIEVEMENTS))
    sections = poisson_quantile(stream.random(users), _SECTIONS_MEAN * intensity, len(SECTIONS))
    minors = (families.children_ages >= 0) & (families.children_ages < ADULT_AGE)
    saved_for = minors & (stream.table(*minors.shape) < _MINOR_HAS_GOAL)
    recorded = stream.random(users) < np.where(families.has_will, _WILL_IS_RECORDED, _DRAFT_WITHOUT_WILL)
    return FanOuts(
        goals=goals * here,
        education_goals=saved_for.sum(axis=1) * here,
        estate_plans=recorded.astype(np.int64) * here,
        user_achievements=achievements * here,
        user_progress=sections * here,
    )


def _intensity(activity: Floats) -> Floats:
    """Expected rows relative to the mean, ∝ quantile^−ACTIVITY_SKEW with mean 1 over those who are not dormant."""
    share = activity / (1 - DORMANT)
    return np.asarray((1 - ACTIVITY_SKEW) * share**-ACTIVITY_SKEW)
