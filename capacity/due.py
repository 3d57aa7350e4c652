"""When a need reaches an amount: dates by which a tenth, half and nine tenths of the draws have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Bools, Floats

DUE_SHARES = (0.1, 0.5, 0.9)
"""Of the draws that have crossed a threshold by the three dates of a step."""


@dataclass(frozen=True, slots=True)
class Due:
    """The dates by which 10, 50 and 90 % of the simulated futures have crossed a threshold. None: beyond the plan."""

    earliest: dt.date | None
    expected: dt.date | None
    latest: dt.date | None
    planned: dt.date | None = None
    """When a plan has the step in place, so that the objective is met as surely as wanted: before most futures need it.
    None: nothing is planned by date."""


def due(dates: Sequence[dt.date], needed: Floats, amount: float) -> Due:
    """The first dates at which 10, 50 and 90 % of the draws of ``needed`` (a row per date) are at least ``amount``."""
    return due_when(dates, needed >= amount)


def due_when(dates: Sequence[dt.date], crossed: Bools) -> Due:
    """The first dates by which 10, 50 and 90 % of the draws have ``crossed`` (a row per date) at least once."""
    reached = np.mean(np.logical_or.accumulate(crossed, axis=0), axis=1)
    found = [next((date for date, r in zip(dates, reached, strict=True) if r >= share), None) for share in DUE_SHARES]
    return Due(earliest=found[0], expected=found[1], latest=found[2])


def when(due: Due, start: dt.date) -> str:
    """``now``, ``by DATE (DATE at the earliest)``, or that it is not within the horizon.

    A step that is planned although most futures do not need it is ``by DATE, to be sure enough``.
    """
    if due.planned is not None and due.expected is None:
        planned = "now" if due.planned <= start else f"by {due.planned}"
        return f"{planned}, to be sure enough: not expected to be needed within the horizon"
    if due.expected is not None:
        expected = "now" if due.expected <= start else f"by {due.expected}"
        return expected + (f" ({due.earliest} at the earliest)" if due.earliest != due.expected else "")
    if due.earliest is not None:
        early = "now" if due.earliest <= start else f"by {due.earliest}"
        return f"not expected within the horizon, {early} at the upper edge of the load"
    return "not within the horizon"
