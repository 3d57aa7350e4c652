"""Workload block: the load per user, its mix of scenarios, and events.

Peak transactions per second = users × daily-active share × sessions per active day × transactions per session ×
peak-to-mean ÷ 86,400. A mix splits them between scenarios. Each quantity has its interval and origin. A server counts
the product of the middle three, transactions per user and day, which may replace them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from capacity.arrays import Floats
from capacity.uncertainty import DRAWS, Draws
from capacity.values import Input, Interval

SECONDS_A_DAY = 86_400

UNITS = {
    "daily_active_share": "share of users a day",
    "sessions_per_active_day": "sessions per active user a day",
    "transactions_per_session": "transactions per session",
    "transactions_per_user_day": "transactions per user a day",
    "peak_to_mean": "peak second over mean second",
}
"""Units of the law's factors, as workload files state them."""


@dataclass(frozen=True, slots=True)
class MixShare:
    """One scenario's share of all transactions."""

    scenario: str
    share: Input
    read_share: Input | None = None
    """Share of its transactions in production that only read; None for the share in the scenario's own mix."""


@dataclass(frozen=True, slots=True)
class Event:
    """A launch or a campaign: from ``date`` on, users or the peak are multiplied by ``factor``.

    It lasts ``days``, or for good if that is None. Raises ValueError for impossible values.
    """

    name: str
    date: dt.date
    factor: Input
    on: Literal["users", "peak"]
    days: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.factor.value.low <= self.factor.value.high <= 1000:
            raise ValueError(f"event {self.name!r} needs a factor above 0 and at most 1000")
        if self.days is not None and not 1 <= self.days <= 36_500:
            raise ValueError(f"event {self.name!r} needs 1 to 36500 days, not {self.days}")

    @property
    def end(self) -> dt.date | None:
        """First day after the event; None if it lasts for good."""
        return None if self.days is None else self.date + dt.timedelta(days=self.days)

    def covers(self, date: dt.date) -> bool:
        """Return whether the event lasts on a date."""
        return self.date <= date and (self.end is None or date < self.end)


@dataclass(frozen=True, slots=True)
class Workload:
    """Load of one user on the database, and its mix. Raises ValueError for impossible values."""

    daily_active_share: Input
    sessions_per_active_day: Input
    transactions_per_session: Input
    peak_to_mean: Input
    mix: tuple[MixShare, ...]
    events: tuple[Event, ...] = ()
    transactions_per_user_day: Input | None = None
    """Product of the three factors above, used in their place; None to use them."""

    def __post_init__(self) -> None:
        if len({event.name for event in self.events}) != len(self.events):
            raise ValueError("every event needs a name of its own")
        for factor in self.factors:
            if factor.value.low < 0 or not math.isfinite(factor.value.high):
                raise ValueError(f"{factor.name} must be 0 or more and finite")
        if self.daily_active_share.value.high > 1:
            raise ValueError("daily_active_share must not exceed 1")
        if self.peak_to_mean.value.low < 1:
            raise ValueError("peak_to_mean must be at least 1: a peak is not below its mean")
        if not self.mix or any(not 0 <= m.share.value.low <= m.share.value.high <= 1 for m in self.mix):
            raise ValueError("mix needs at least one scenario, each with a share from 0 to 1")
        reads = [m.read_share.value for m in self.mix if m.read_share is not None]
        if any(not 0 <= share.low <= share.high <= 1 for share in reads):
            raise ValueError("a read share must be from 0 to 1")
        if not math.isclose(total := sum(m.share.value.value for m in self.mix), 1.0, abs_tol=1e-6):
            raise ValueError(f"the shares of mix must sum to 1, not {total:g}")

    @property
    def factors(self) -> tuple[Input, ...]:
        """Factors of the law, in its order."""
        if self.transactions_per_user_day is not None:
            return (self.transactions_per_user_day, self.peak_to_mean)
        return (
            self.daily_active_share,
            self.sessions_per_active_day,
            self.transactions_per_session,
            self.peak_to_mean,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All quantities of the workload."""
        reads = tuple(m.read_share for m in self.mix if m.read_share is not None)
        return self.factors + tuple(m.share for m in self.mix) + reads + tuple(event.factor for event in self.events)

    @property
    def read_shares(self) -> Mapping[str, Input]:
        """Stated read shares by scenario."""
        return {m.scenario: m.read_share for m in self.mix if m.read_share is not None}

    def peak_tps(self, users: Interval) -> Interval:
        """Return the peak load with all factors at their low, middle and high ends: wider than the planner's interval.

        The planner draws the factors (:meth:`peak_tps_per_user`), since all at their worst at once is unlikely.
        """
        low, value, high = users.low, users.value, users.high
        for factor in self.factors:
            low, value, high = low * factor.value.low, value * factor.value.value, high * factor.value.high
        return Interval(low, value, high, users.level).scaled(1 / SECONDS_A_DAY)

    def peak_tps_per_user(self, sample: Draws = Draws()) -> Floats:  # noqa: B008  # frozen
        """Draw the peak load of one user in transactions per second, with independent factors."""
        peak = sample.of(self.peak_to_mean.name, self.peak_to_mean.value)
        return self.transactions_per_user(sample) * peak / SECONDS_A_DAY

    def transactions_per_user(self, sample: Draws = Draws()) -> Floats:  # noqa: B008  # frozen
        """Draw the transactions of one user on an average day."""
        product = np.ones(DRAWS)
        for factor in self.factors:
            if factor is not self.peak_to_mean:
                drawn = sample.of(factor.name, factor.value)
                product = product * (drawn.clip(0, 1) if factor is self.daily_active_share else drawn)
        return product

    def shares(self, sample: Draws = Draws()) -> dict[str, Floats]:  # noqa: B008  # frozen
        """Draw each scenario's share, normalised to a sum of 1."""
        drawn = {m.scenario: sample.of(m.share.name, m.share.value).clip(0, 1) for m in self.mix}
        total = sum(drawn.values(), start=np.zeros(DRAWS))
        return {scenario: share / np.where(total > 0, total, 1.0) for scenario, share in drawn.items()}
