"""Periods of observations, dated or numbered: detection of their step, their grid, and future labels."""

from __future__ import annotations

import calendar
import datetime as dt
import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

DAYS_IN_MONTH = 30.436875
"""Mean days in a month of the Gregorian calendar."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A step of ``months`` calendar months or of ``days`` days; one of them is 0.

    With ``month_end`` a date is always the last day of its month; with ``weekdays`` a step of one day skips Saturdays
    and Sundays.
    """

    months: int
    days: int
    anchor_day: int = 1
    month_end: bool = False
    weekdays: bool = False

    def after(self, date: dt.date, steps: int) -> dt.date:
        """Return the date ``steps`` periods later, or earlier. Raises OverflowError outside the years 1 to 9999."""
        if self.weekdays:
            weeks, day = divmod(date.weekday() + steps, 5)
            return date + dt.timedelta(days=7 * weeks + day - date.weekday())
        if not self.months:
            return date + dt.timedelta(days=self.days * steps)
        year, month = divmod(date.year * 12 + date.month - 1 + self.months * steps, 12)
        if not dt.MINYEAR <= year <= dt.MAXYEAR:
            raise OverflowError("date value out of range")
        last = calendar.monthrange(year, month + 1)[1]
        return dt.date(year, month + 1, last if self.month_end else min(self.anchor_day, last))

    @property
    def name(self) -> str:
        """English name of the period, singular."""
        if self.weekdays:
            return "weekday"
        known = {(1, 0): "month", (3, 0): "quarter", (12, 0): "year", (0, 1): "day", (0, 7): "week"}
        if (word := known.get((self.months, self.days))) is not None:
            return word
        return f"{self.months} months" if self.months else f"{self.days} days"

    @property
    def length_days(self) -> float:
        return self.months * DAYS_IN_MONTH or float(self.days)

    @property
    def season(self) -> int | None:
        """Periods in the calendar's cycle (a year, or a week for days); None if there is no cycle."""
        if self.months:
            return 12 // self.months if 12 % self.months == 0 and self.months < 12 else None
        return {(1, False): 7, (1, True): 5, (7, False): 52}.get((self.days, self.weekdays))


def _is_month_end(date: dt.date) -> bool:
    return date.day == calendar.monthrange(date.year, date.month)[1]


@dataclass(frozen=True, slots=True)
class Labels:
    """Periods and dates by position from 1, past and future. Without a cadence there are no dates."""

    first_period: int
    step: int = 1
    last_date: dt.date | None = None
    known: int = 0
    """Position of ``last_date``."""
    cadence: Cadence | None = None

    def period(self, position: int) -> int:
        """Return the number of the period at a position."""
        return self.first_period + (position - 1) * self.step

    def date(self, position: int) -> dt.date | None:
        """Return the date of a position; None where periods have no dates."""
        if self.cadence is None or self.last_date is None:
            return None
        return self.cadence.after(self.last_date, position - self.known)

    def latest(self, count: int) -> Labels:
        """Return the labels of only the latest ``count`` positions, which then count from 1."""
        dropped = self.known - count
        return Labels(self.period(dropped + 1), self.step, self.last_date, count, self.cadence)

    @property
    def period_name(self) -> str:
        return self.cadence.name if self.cadence else "period"


@dataclass(frozen=True, slots=True)
class Grid:
    """The ends of ``count`` periods from the first row to the last.

    The grid is ``exact`` if every row lies on one of them; otherwise values at the ends need interpolation.
    """

    labels: Labels
    count: int
    exact: bool
    dated: bool

    @property
    def marks(self) -> list[int]:
        """Return the ends in order, as days (``date.toordinal``) or period numbers."""
        positions = range(1, self.count + 1)
        if not self.dated:
            return [self.labels.period(position) for position in positions]
        return [date.toordinal() for position in positions if (date := self.labels.date(position)) is not None]

    @property
    def length_days(self) -> float:
        return self.labels.cadence.length_days if self.labels.cadence else 1.0

    @staticmethod
    def numbered(periods: Sequence[int]) -> Grid:
        """Return the grid of ascending numbers, with the commonest step if all others are multiples of it, else 1."""
        step = _commonest([b - a for a, b in itertools.pairwise(periods)])
        step = step if all((p - periods[0]) % step == 0 for p in periods) else 1
        count = (periods[-1] - periods[0]) // step + 1
        return Grid(Labels(int(periods[0]), int(step), known=count), count, exact=True, dated=False)

    @staticmethod
    def dates(dates: Sequence[dt.date]) -> Grid:
        """Return the grid of ascending dates. Months are tried before days; weekends may be absent."""
        first, last = dates[0], dates[-1]
        months = [d.year * 12 + d.month for d in dates]
        month_step = _commonest([b - a for a, b in itertools.pairwise(months)] or [1])
        month_end = all(_is_month_end(d) for d in dates)
        monthly = Cadence(month_step, 0, anchor_day=max(d.day for d in dates), month_end=month_end)
        on_months = month_step > 0 and all(
            (m - months[-1]) % month_step == 0 and monthly.after(last, (m - months[-1]) // month_step) == d
            for m, d in zip(months, dates, strict=True)
        )
        day_step = _commonest([(b - a).days for a, b in itertools.pairwise(dates)])
        if on_months:
            return _grid(monthly, last, (months[-1] - months[0]) // month_step + 1, exact=True)
        if day_step == 1 and all(d.weekday() < 5 for d in dates) and (last - first).days >= 7:
            days = (last - first).days
            count = days // 7 * 5 + (last.weekday() - first.weekday()) % 5 + 1
            return _grid(Cadence(0, 1, weekdays=True), last, count, exact=True)
        if all((last - d).days % day_step == 0 for d in dates):
            return _grid(Cadence(0, day_step), last, (last - first).days // day_step + 1, exact=True)
        return _irregular(dates)


def _irregular(dates: Sequence[dt.date]) -> Grid:
    """Grid of the calendar period nearest to the median step, its ends counted back from the last date."""
    last = dates[-1]
    usual = statistics.median((b - a).days for a, b in itertools.pairwise(dates))
    months = next((m for m in (1, 3, 12) if 0.75 < usual / (m * DAYS_IN_MONTH) < 1.34), 0)
    days = 0 if months else 7 if 5 < usual < 10 else max(round(usual), 1)
    cadence = Cadence(months, days, anchor_day=last.day, month_end=bool(months) and _is_month_end(last))
    # The first end lies at or after the first row, so that no value is extrapolated.
    count = int((last - dates[0]).days / cadence.length_days) + 2
    while count > 1 and _before(cadence, last, 1 - count, dates[0]):
        count -= 1
    return _grid(cadence, last, count, exact=False)


def _before(cadence: Cadence, last: dt.date, steps: int, first: dt.date) -> bool:
    try:
        return cadence.after(last, steps) < first
    except OverflowError:
        return True


def _grid(cadence: Cadence, last: dt.date, count: int, *, exact: bool) -> Grid:
    return Grid(Labels(1, 1, last, count, cadence), count, exact, dated=True)


def _commonest(steps: Sequence[int]) -> int:
    """The commonest step, of ties the smallest; 1 if there are no steps."""
    counts = Counter(steps)
    return min(counts, key=lambda step: (-counts[step], step)) if counts else 1
