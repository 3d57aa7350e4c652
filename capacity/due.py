"""Due dates: when 10, 50 and 90 % of the simulated futures have crossed a threshold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Bools, Floats

DUE_SHARES = (0.1, 0.5, 0.9)
"""Shares of the draws that have crossed the threshold by the three dates of a :class:`Due`."""


@dataclass(frozen=True, slots=True)
class Due:
    """Dates by which 10, 50 and 90 % of the simulated futures have crossed a threshold; None after the horizon."""

    earliest: dt.date | None
    expected: dt.date | None
    latest: dt.date | None
    planned: dt.date | None = None
    """Date on which the plan takes the step, so that the objective is met with the required probability: earlier than
    most futures need it. None where no step is planned by date."""


def due(dates: Sequence[dt.date], needed: Floats, amount: float) -> Due:
    """Return the first dates at which 10, 50 and 90 % of the draws of ``needed`` (a row per date) reach ``amount``."""
    return due_when(dates, needed >= amount)


def due_when(dates: Sequence[dt.date], crossed: Bools) -> Due:
    """Return the first dates by which 10, 50 and 90 % of the draws have ``crossed`` (a row per date) at least once."""
    reached = np.mean(np.logical_or.accumulate(crossed, axis=0), axis=1)
    first_dates = [
        next((date for date, r in zip(dates, reached, strict=True) if r >= share), None) for share in DUE_SHARES
    ]
    return Due(earliest=first_dates[0], expected=first_dates[1], latest=first_dates[2])


def when(due: Due, start: dt.date) -> str:
    """Describe a due date: ``now``, ``by DATE (DATE at the earliest)`` or ``not within the horizon``.

    A step that is planned although most futures do not need it is planned "for the required probability".
    """
    if due.planned is not None and due.expected is None:
        planned = "now" if due.planned <= start else f"by {due.planned}"
        return f"{planned} for the required probability; most futures do not need it within the horizon"
    if due.expected is not None:
        expected = "now" if due.expected <= start else f"by {due.expected}"
        return expected + (f" ({due.earliest} at the earliest)" if due.earliest != due.expected else "")
    if due.earliest is not None:
        early = "now" if due.earliest <= start else f"by {due.earliest}"
        return f"not expected within the horizon; {early} at the upper end of the load's interval"
    return "not within the horizon"
