"""Times of events: sign-ups along a growth curve, and use by hour of the day, day of the week and month.

All of it is synthetic: no figure here comes from a real application, unless a shape has measured months.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Floats, Ints
from loadgen.population.shape import DEFAULT_SHAPE, Shape
from loadgen.population.streams import Part, Stream

HISTORY_DAYS: Final = 1096
"""Days of history before the day of as-of (UTC), about 36 months, unless a shape has its own months."""

_GROWTH = 9.0  # sign-ups an hour at the end over those at the beginning: assumption
_WEEKLY_NOISE = 0.10  # standard deviation of a week's sign-ups around the curve, of their logarithm: assumption

# Assumptions: use by hour of the day (UTC) and by day of the week, Monday first.
_HOUR = np.array([4, 3, 2, 2, 2, 2, 3, 3, 4, 5, 6, 8, 10, 13, 15, 16, 16, 15, 14, 14, 13, 12, 9, 6], float)
_HOURS = _HOUR / _HOUR.mean()
USE_BY_HOUR: Final[tuple[float, ...]] = tuple(_HOURS.tolist())
"""Use in each hour of a day relative to its mean, from midnight UTC."""
_WEEKDAY = np.array([1.15, 1.12, 1.08, 1.05, 0.95, 0.80, 0.85])
# By month, January first: plans at New Year, tax season in spring, a quiet summer. Assumption.
_MONTH = np.array([1.25, 1.10, 1.12, 1.15, 0.97, 0.92, 0.88, 0.88, 0.95, 0.98, 0.93, 0.87])

US_PER_HOUR: Final = 3_600_000_000
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Calendar:
    """The hours of the history: ``start_us`` in microseconds of the Unix epoch, and two cumulative shares by hour."""

    as_of: dt.date
    start_us: int
    signed_up: Floats
    """Share of all users that signed up before the start of each hour; the last entry is 1."""
    chatted: Floats
    """Share of all chat sessions before the start of each hour: use by hour times the users by then."""

    @property
    def end_us(self) -> int:
        return self.start_us + (len(self.signed_up) - 1) * US_PER_HOUR

    def signup_us(self, shares: Floats) -> Ints:
        """Times at which the given shares of all users had signed up."""
        return self._moment(self.signed_up, shares)

    def chat_us(self, shares: Floats) -> Ints:
        """Times at which the given shares of all chat sessions had begun."""
        return self._moment(self.chatted, shares)

    def share_signed_up(self, moments_us: Ints) -> Floats:
        """Inverse of :meth:`signup_us`."""
        hours = (moments_us - self.start_us) / US_PER_HOUR
        return np.interp(hours, np.arange(len(self.signed_up)), self.signed_up)

    def _moment(self, cumulative: Floats, shares: Floats) -> Ints:
        hours = np.interp(shares, cumulative, np.arange(len(cumulative)))
        return np.minimum(self.start_us + (hours * US_PER_HOUR).astype(np.int64), self.end_us - 1)


def make_calendar(seed: int, as_of: dt.date, shape: Shape = DEFAULT_SHAPE) -> Calendar:
    """Calendar of a population: the shape's months, else exponential growth with noise by week."""
    if shape.sign_ups:
        return _measured_calendar(as_of, shape)
    start = as_of - dt.timedelta(days=HISTORY_DAYS)
    days = np.arange(HISTORY_DAYS)
    month = np.array([(start + dt.timedelta(days=int(day))).month - 1 for day in days])
    rhythm = (_weekdays(start, HISTORY_DAYS) * _MONTH[month])[:, None] * _HOURS

    noise = np.exp(_WEEKLY_NOISE * Stream(seed, Part.CALENDAR).normals(HISTORY_DAYS // 7 + 1))
    trend = _GROWTH ** (days / HISTORY_DAYS) * noise[days // 7]
    signed_up = _cumulative((rhythm * trend[:, None]).ravel())
    chatted = _cumulative(rhythm.ravel() * signed_up[1:])
    return Calendar(as_of, _epoch_us(start), signed_up, chatted)


def _measured_calendar(as_of: dt.date, shape: Shape) -> Calendar:
    """Calendar of the shape's months, the last of them before as-of's month, which continues at the last rate."""
    months = len(shape.sign_ups)
    year, month = divmod(as_of.year * 12 + as_of.month - 1 - months, 12)
    start = dt.date(year, month + 1, 1)
    days = (as_of - start).days
    dates = np.datetime64(start, "D") + np.arange(days)
    number = (dates.astype("datetime64[M]") - np.datetime64(start, "M")).astype(np.int64)
    weekdays = _weekdays(start, days)

    signed_up = _cumulative((_by_day(shape.sign_ups, number, weekdays)[:, None] * _HOURS).ravel())
    if shape.chat_by_month:
        earlier = (0.0,) * (months - len(shape.chat_by_month))
        by_day = _by_day(earlier + shape.chat_by_month, number, weekdays)
        chatted = _cumulative((by_day[:, None] * _HOURS).ravel())
    else:
        season = _MONTH[dates.astype("datetime64[M]").astype(np.int64) % 12]
        chatted = _cumulative(((weekdays * season)[:, None] * _HOURS).ravel() * signed_up[1:])
    return Calendar(as_of, _epoch_us(start), signed_up, chatted)


def _by_day(shares: tuple[float, ...], month_number: Ints, weekdays: Floats) -> Floats:
    """Distribute shares of months over their days, by use on each day of the week."""
    of_month = np.bincount(month_number, weekdays)
    last = len(shares) - 1
    month = np.minimum(month_number, last)
    return np.asarray(np.array(shares)[month] * weekdays / of_month[month])


def _weekdays(start: dt.date, days: int) -> Floats:
    return _WEEKDAY[(start.weekday() + np.arange(days)) % 7]


def _epoch_us(day: dt.date) -> int:
    return (day - _EPOCH).days * 24 * US_PER_HOUR


def _cumulative(weights: Floats) -> Floats:
    shares = np.concatenate([[0.0], np.cumsum(weights)])
    return np.asarray(shares / shares[-1])
