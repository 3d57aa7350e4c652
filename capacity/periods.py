"""The rhythm of dated observations: find it, carry it on."""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cadence:
    """A step of ``months`` calendar months or of ``days`` days, one of them 0. ``month_end``: always the last day."""

    months: int
    days: int
    anchor_day: int = 1
    month_end: bool = False

    def after(self, date: dt.date, steps: int) -> dt.date:
        """The date ``steps`` periods later. Raises OverflowError past the year 9999."""
        if not self.months:
            return date + dt.timedelta(days=self.days * steps)
        year, month = divmod(date.year * 12 + date.month - 1 + self.months * steps, 12)
        if year > dt.MAXYEAR:
            raise OverflowError("date value out of range")
        last = calendar.monthrange(year, month + 1)[1]
        return dt.date(year, month + 1, last if self.month_end else min(self.anchor_day, last))

    @property
    def name(self) -> str:
        """The period in words, singular."""
        known = {(1, 0): "month", (3, 0): "quarter", (12, 0): "year", (0, 1): "day", (0, 7): "week"}
        if (word := known.get((self.months, self.days))) is not None:
            return word
        return f"{self.months} months" if self.months else f"{self.days} days"


def cadence_of(dates: Sequence[dt.date]) -> Cadence | None:
    """The constant step of at least two ascending dates; None when there is none (a gap, or no rhythm).

    Calendar months are tried first, since their length in days varies; the 31st of a month continues on the last day
    of a shorter one.
    """
    months = [d.year * 12 + d.month for d in dates]
    month_steps = {b - a for a, b in itertools.pairwise(months)}
    if len(month_steps) == 1 and (step := month_steps.pop()) > 0:
        anchor = max(d.day for d in dates)
        month_end = all(_is_month_end(d) for d in dates)
        last_days = (calendar.monthrange(d.year, d.month)[1] for d in dates)
        if month_end or all(d.day == min(anchor, last) for d, last in zip(dates, last_days, strict=True)):
            return Cadence(months=step, days=0, anchor_day=anchor, month_end=month_end)
    day_steps = {(b - a).days for a, b in itertools.pairwise(dates)}
    if len(day_steps) == 1 and (step := day_steps.pop()) > 0:
        return Cadence(months=0, days=step)
    return None


def _is_month_end(date: dt.date) -> bool:
    return date.day == calendar.monthrange(date.year, date.month)[1]


def break_in(dates: Sequence[dt.date]) -> tuple[dt.date, dt.date]:
    """Of at least two dates, the neighbours whose step differs most from the middle one: where to look for a gap."""
    pairs = list(itertools.pairwise(dates))
    usual = sorted((b - a).days for a, b in pairs)[len(pairs) // 2]
    return max(pairs, key=lambda pair: abs((pair[1] - pair[0]).days - usual))


@dataclass(frozen=True, slots=True)
class Labels:
    """Periods and dates by position from 1, known and to come."""

    first_period: int
    dates: tuple[dt.date, ...]
    cadence: Cadence | None

    @staticmethod
    def of(periods: Sequence[int] | None, dates: Sequence[dt.date] | None) -> Labels:
        return Labels(int(periods[0]) if periods else 1, tuple(dates or ()), cadence_of(dates) if dates else None)

    def period(self, position: int) -> int:
        return self.first_period + position - 1

    def date(self, position: int) -> dt.date | None:
        if self.cadence is None:
            return None
        if position <= len(self.dates):
            return self.dates[position - 1]
        return self.cadence.after(self.dates[-1], position - len(self.dates))
