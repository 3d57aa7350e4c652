"""Derive a population's shape from a profile, and list what it cannot reproduce."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from capacity.arrays import Floats
from loadgen.errors import UsageError
from loadgen.population.activity import ActivityRanks
from loadgen.population.fanouts import activity_quantile, draw_fanouts
from loadgen.population.household.families import Families, draw_families
from loadgen.population.shape import MOST_MONTHS, Bucket, Measured, Shape, as_shares
from loadgen.profiling.following_chat import chat_shape
from loadgen.profiling.following_documents import document_shape
from loadgen.profiling.format import Growth, Profile

PLANNED: Final = ("goals", "education_goals", "estate_plans", "user_achievements", "user_progress")
MOST_NAMED: Final = 500
"""Most achievements and sections of a user, each of which needs a name of its own."""
_TRIED_USERS, _TRIED_CHUNK, _TRIED_SEED = 20_000, 500, 1
_CLOSE: Final = 0.02
_HALVINGS: Final = 8


def shape_of(profile: Profile) -> tuple[Shape, tuple[str, ...]]:
    """Shape of a profile, and a line for each of its figures that a population of that shape does not reproduce.

    Raises UsageError for figures that no database can have, as in a file changed by hand.
    """
    try:
        return _shape_of(profile)
    except (ValueError, ArithmeticError) as error:
        raise UsageError(f"this profile describes no possible database: {error}; run again: loadgen profile") from error


def _shape_of(profile: Profile) -> tuple[Shape, tuple[str, ...]]:
    lacks: list[str] = []
    shape = Shape(users=profile.users or None, **_fan_outs(profile, lacks))  # type: ignore[arg-type]  # by table
    shape = _with_growth(profile, shape, lacks)
    trial = _Trial.make()
    shape = _with_dormant(profile, shape, trial)
    shape = replace(shape, chat=chat_shape(profile, shape, lacks))
    shape = replace(shape, documents=document_shape(profile, shape, lacks))
    _compare(profile, shape, trial, lacks)
    lacks += [f"{name}: missing there; it is filled as in the model's own shape" for name in profile.missing]
    for table in profile.tables:
        if table.other_columns:
            lacks.append(f"{table.name}: {table.other_columns} columns there are none of the application's schema")
        if table.partitions:
            lacks.append(f"{table.name}: {table.partitions} partitions there, none here")
    return shape, tuple(lacks)


def _fan_outs(profile: Profile, lacks: list[str]) -> dict[str, Measured]:
    """Fan-outs by table as measured in the profile."""
    counted = {fan_out.table: fan_out for fan_out in profile.fan_outs.tables} if profile.fan_outs else {}
    laws: dict[str, Measured] = {}
    for name in PLANNED:
        if name not in counted or not counted[name].buckets:
            lacks.append(f"{name}: rows per user are not in the profile; they are the model's own")
            continue
        law = Measured(counted[name].buckets)
        if name in ("user_achievements", "user_progress") and law.most > MOST_NAMED:
            law = _cut(law)
            lacks.append(f"{name}: at most {MOST_NAMED} per user here, because no two may be the same")
        laws[name] = law
    profiles = counted.get("financial_profiles")
    if profiles is not None and profiles.without > 0:
        lacks.append(f"financial_profiles: {profiles.without:.1%} of users have none there; here every user has one")
    if profiles is not None and profiles.mean > 1:
        lacks.append(f"financial_profiles: {profiles.mean:g} per user there; here every user has one")
    return laws


def _cut(law: Measured) -> Measured:
    """Limit a fan-out to MOST_NAMED rows a user, with the same shares of users."""
    kept = [
        replace(b, most=MOST_NAMED if b.most is None else min(b.most, MOST_NAMED), mean=min(b.mean, MOST_NAMED))
        for b in law.buckets
        if b.least < MOST_NAMED
    ]
    above = sum(b.share for b in law.buckets if b.least >= MOST_NAMED)
    return Measured((*kept, Bucket(MOST_NAMED, MOST_NAMED, above, MOST_NAMED)) if above else tuple(kept))


@dataclass(frozen=True)
class _Trial:
    """Families and activity of a small population, to try a shape on."""

    families: tuple[Families, ...]
    activity: tuple[Floats, ...]

    @staticmethod
    def make() -> _Trial:
        ranks = ActivityRanks(_TRIED_USERS, _TRIED_SEED)
        chunks = range(_TRIED_USERS // _TRIED_CHUNK)
        return _Trial(
            tuple(draw_families(_TRIED_SEED, chunk, _TRIED_CHUNK) for chunk in chunks),
            tuple(activity_quantile(ranks, chunk * _TRIED_CHUNK + np.arange(_TRIED_CHUNK) + 1) for chunk in chunks),
        )

    def draw(self, shape: Shape) -> dict[str, Floats]:
        """Draw the rows of each user by table."""
        fan_outs = [
            draw_fanouts(_TRIED_SEED, chunk, families, activity, shape)
            for chunk, (families, activity) in enumerate(zip(self.families, self.activity, strict=True))
        ]
        return {name: np.concatenate([getattr(chunk, name) for chunk in fan_outs]) for name in PLANNED}


def _with_dormant(profile: Profile, shape: Shape, trial: _Trial) -> Shape:
    """Set the dormant share such that, with users empty by chance, the share of empty users is the profile's."""
    if profile.fan_outs is None:
        return shape
    without = [fan_out.without for fan_out in profile.fan_outs.tables if fan_out.table in PLANNED]
    low, high = 0.0, min([*without, 0.99])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rows_by_table = trial.draw(replace(shape, dormant=middle))
        empty = float(np.all([rows == 0 for rows in rows_by_table.values()], axis=0).mean())
        low, high = (low, middle) if empty > profile.fan_outs.empty_share else (middle, high)
    return replace(shape, dormant=round((low + high) / 2, 4))


def _with_growth(profile: Profile, shape: Shape, lacks: list[str]) -> Shape:
    """Set sign-ups and chat by complete month. Months too small to be named get equal parts of their sum."""
    by_table = {growth.table: growth for growth in profile.growth}
    running = profile.profiled_on[:7]
    sign_ups = _months(by_table.get("users"), running)
    if len(sign_ups) < 2:
        lacks.append("users: fewer than two complete months of sign-ups are in the profile; growth is the model's own")
        return shape
    last = max(sign_ups)
    numbers = range(min(sign_ups), last + 1)
    if len(numbers) > MOST_MONTHS:
        lacks.append(f"users: sign-ups before the last {MOST_MONTHS} months count to the first of them")
    first = max(numbers[0], last - MOST_MONTHS + 1)
    shape = replace(shape, sign_ups=_shares(by_table["users"], sign_ups, range(first, last + 1)))
    chat = _months(by_table.get("chat_messages"), running)
    if not chat:
        lacks.append("chat_messages: no complete month of it is in the profile; it follows the number of users")
        return shape
    return replace(shape, chat_by_month=_shares(by_table["chat_messages"], chat, range(first, last + 1)))


def _months(growth: Growth | None, running: str) -> dict[int, int]:
    """Rows of the complete months, by the month's number."""
    months = growth.months if growth is not None else ()
    return {_number(month.month): month.rows for month in months if month.month < running}


def _number(month: str) -> int:
    day = dt.date.fromisoformat(f"{month}-01")
    return day.year * 12 + day.month


def _shares(growth: Growth, rows: dict[int, int], months: range) -> tuple[float, ...]:
    small = [month for month in months if min(rows) < month < max(rows) and month not in rows]
    by_month = {month: growth.in_small_months / len(small) for month in small}
    for month, number in rows.items():
        clamped = min(max(month, months[0]), months[-1])
        by_month[clamped] = by_month.get(clamped, 0.0) + number
    return as_shares(by_month.get(month, 0.0) for month in months)


def _compare(profile: Profile, shape: Shape, trial: _Trial, lacks: list[str]) -> None:
    """Add a line for each table whose mean differs, because families or names do not allow more rows."""
    if profile.fan_outs is None:
        return
    rows_by_table = trial.draw(shape)
    for fan_out in profile.fan_outs.tables:
        if fan_out.table not in PLANNED or fan_out.mean == 0:
            continue
        mean = float(rows_by_table[fan_out.table].mean())
        if abs(mean / fan_out.mean - 1) > _CLOSE:
            why = ": no more than there are children below 18" if fan_out.table == "education_goals" else ""
            lacks.append(f"{fan_out.table}: {mean:.3g} per user here, {fan_out.mean:g} there{why}")
