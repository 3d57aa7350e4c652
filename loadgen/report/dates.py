"""Formatting of dates for page and terminal, independent of the locale."""

from __future__ import annotations

import datetime as dt

from capacity.due import Due

BEYOND = "not within the horizon"


def date(value: dt.date | None) -> str:
    """Format a day."""
    return f"{value.day} {value:%b %Y}" if value else BEYOND


def month(value: dt.date | None) -> str:
    """Format the month of a forecast, for which a day would be too precise."""
    return f"{value:%b %Y}" if value else BEYOND


def due(value: Due) -> str:
    """Format a central date with its range: ``Apr 2027 (Jan 2027 to Nov 2027)``."""
    if value.earliest is None:
        return BEYOND
    if value.expected is None:
        return f"{BEYOND}; {month(value.earliest)} at the earliest"
    if value.earliest == value.expected == value.latest:
        return month(value.expected)
    latest = month(value.latest) if value.latest else "beyond the horizon"
    return f"{month(value.expected)} ({month(value.earliest)} to {latest})"


def moment(value: str) -> str:
    """Format an ISO time for people; return other text unchanged."""
    try:
        parsed = dt.datetime.fromisoformat(value)
    except ValueError:
        return value
    zone = " UTC" if parsed.utcoffset() == dt.timedelta(0) else f" {parsed:%Z}".rstrip()
    return f"{parsed.day} {parsed:%b %Y, %H:%M}{zone}"
