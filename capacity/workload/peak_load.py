"""Draws of the forecast peak load by date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.growth import DAYS_IN_MONTH, Forecast
from capacity.uncertainty import Draws, at_scores, summary
from capacity.values import LEVEL, Interval
from capacity.workload.block import Event, Workload

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PeakLoad:
    """Users and peak transactions per second: a row per date, from the last observation on; a column per draw.

    A draw keeps its quantile in the forecast's interval from date to date, so fast growth stays fast. Where an event
    begins or ends there is a row for the day before and one for the day itself, interpolated linearly.
    """

    dates: tuple[dt.date, ...]
    users: Floats
    tps: Floats
    past: tuple[tuple[dt.date, float], ...] = ()
    """Users by date before the first of ``dates``."""

    @staticmethod
    def of(
        users: Forecast,
        workload: Workload,
        growth: float = 1.0,
        sample: Draws = Draws(),  # noqa: B008  # frozen
    ) -> PeakLoad:
        """Draw the peak load; ``growth`` multiplies the forecast change of users. Raises ValueError without dates."""
        last = users.history[-1]
        dates = [date for date in (last.date, *(p.date for p in users.forecast)) if date is not None]
        if len(dates) != len(users.forecast) + 1:
            raise ValueError("a plan needs a history with dates")
        if not 0 <= growth <= 100:
            raise ValueError(f"growth: expected a factor from 0 to 100, not {growth:g}")
        ahead = [Interval(p.low, p.point, p.high, users.level) for p in users.forecast]
        score = sample.scores("users")
        rows = np.stack([at_scores(score, interval) for interval in (Interval.exact(last.value), *ahead)])
        rows = np.maximum(last.value + growth * (rows - last.value), 0.0)
        days = _days(dates, workload.events)
        rows = _between(dates, rows, days)
        tps = rows * workload.peak_tps_per_user(sample)
        for event in workload.events:
            during = np.array([event.covers(day) and event.date > dates[0] for day in days])
            if event.days is not None:
                during |= np.array([event.covers(day) for day in days])
            factor = np.where(during[:, None], sample.of(event.factor.name, event.factor.value), 1.0)
            tps = tps * factor
            if event.on == "users":
                rows = rows * factor
        past = tuple((o.date, o.value) for o in users.history[:-1] if o.date is not None)
        return PeakLoad(tuple(days), rows, tps, past)

    def tps_by_date(self) -> tuple[tuple[dt.date, Interval], ...]:
        """Return the peak load's median and central 90 % by date."""
        return tuple((date, summary(row, LEVEL)) for date, row in zip(self.dates, self.tps, strict=True))

    @property
    def months(self) -> Floats:
        """Months from each date to the next; one value fewer than dates."""
        ordinals = np.array([date.toordinal() for date in self.dates], dtype=np.float64)
        return np.diff(ordinals) / DAYS_IN_MONTH


def _days(dates: Sequence[dt.date], events: Sequence[Event]) -> list[dt.date]:
    """Dates of the forecast, and the days before and at the beginning and end of each event."""
    edges = {edge for event in events for edge in (event.date, event.end) if edge is not None}
    event_days = {day for edge in edges if edge > dt.date.min for day in (edge - _DAY, edge)}
    return sorted(set(dates) | {day for day in event_days if dates[0] < day <= dates[-1]})


def _between(dates: Sequence[dt.date], rows: Floats, days: Sequence[dt.date]) -> Floats:
    """Linear interpolation of the rows of ``dates`` at ``days``."""
    if len(days) == len(dates):
        return rows
    known = np.array([date.toordinal() for date in dates])
    queried = np.array([day.toordinal() for day in days])
    above = np.clip(np.searchsorted(known, queried), 1, len(known) - 1)
    part = (queried - known[above - 1]) / (known[above] - known[above - 1])
    return np.asarray(rows[above - 1] + part[:, None] * (rows[above] - rows[above - 1]), dtype=np.float64)
