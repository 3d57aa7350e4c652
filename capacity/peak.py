"""The peak load to come, date by date, as draws; and when a need reaches an amount."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.growth import Forecast
from capacity.plan import Due
from capacity.uncertainty import Floats, at_scores, scores, summary
from capacity.values import Interval
from capacity.workload import Workload

LEVEL = 0.9
"""Of every interval in a plan; dates are read at its lower edge, middle and upper edge."""


@dataclass(frozen=True, slots=True)
class PeakLoad:
    """Users and peak transactions a second: a row per date, the last observation first; a column per draw.

    A draw keeps its place in the forecast's interval from date to date: growth that is fast stays fast.
    """

    dates: tuple[dt.date, ...]
    users: Floats
    tps: Floats

    @staticmethod
    def of(users: Forecast, workload: Workload) -> PeakLoad:
        """Raises ValueError for a forecast whose periods have no dates."""
        last = users.history[-1]
        dates = [last.date, *(p.date for p in users.forecast)]
        if any(date is None for date in dates):
            raise ValueError("a plan needs a history with dates")
        ahead = [Interval(p.low, p.point, p.high, users.level) for p in users.forecast]
        score = scores("users")
        rows = np.stack([at_scores(score, interval) for interval in (Interval.exact(last.value), *ahead)])
        rows = np.maximum(rows, 0.0)
        return PeakLoad(tuple(d for d in dates if d is not None), rows, rows * workload.peak_tps_per_user())

    def tps_by_date(self) -> tuple[tuple[dt.date, Interval], ...]:
        return tuple((date, summary(row, LEVEL)) for date, row in zip(self.dates, self.tps, strict=True))

    def users_at(self, index: int) -> Interval:
        return summary(self.users[index], LEVEL)


def due(dates: Sequence[dt.date], needed: Floats, amount: float) -> Due:
    """The first dates at which 5, 50 and 95 % of the draws of ``needed`` (a row per date) are at least ``amount``."""
    reached = np.mean(needed >= amount, axis=1)

    def first(share: float) -> dt.date | None:
        return next((date for date, r in zip(dates, reached, strict=True) if r >= share), None)

    edge = (1 - LEVEL) / 2
    return Due(earliest=first(edge), expected=first(0.5), latest=first(1 - edge))
