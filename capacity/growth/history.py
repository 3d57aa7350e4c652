"""Conversion of a history's rows to one value per period: rules for order, duplicates, gaps and irregular dates.

- **Order.** Rows are sorted by their label.
- **Duplicates.** Of several rows with one label the last is kept (a correction), or their mean on request.
- **Gaps.** A NaN counts as no row. Missing periods between rows are interpolated linearly and counted; a history with
  more than a fifth of them is refused.
- **Irregular dates.** Dates without a regular step are resampled: the period is the calendar unit nearest to the median
  step (day, week, month, quarter, year), its ends are counted back from the last date, and values are interpolated
  linearly between rows. An end without a row within half a period is a gap as above.
- **Length.** Only the latest 400 periods are used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from capacity.arrays import Floats, Ints
from capacity.growth.periods import Grid, Labels
from capacity.growth.results import Adjustment
from capacity.values import Refusal

Duplicates = Literal["last", "mean"]

MOST_FILLED = 0.2
"""Largest share of periods to interpolate; with more, too little of the history would be measured."""
MOST_PERIODS = 400
"""Most periods used: a year of days, eight of weeks. Older growth says little about the future, and costs time."""


@dataclass(frozen=True, slots=True)
class Regular:
    """A history with one finite value for each of consecutive periods."""

    values: Floats
    labels: Labels
    adjustments: tuple[Adjustment, ...]


def regular(
    values: Floats, periods: Sequence[int] | None, dates: Sequence[dt.date] | None, duplicates: Duplicates
) -> Regular | Refusal:
    """Apply the rules above. ``values`` may hold NaN; there are as many labels as values, or none (1, 2, …).

    Refuses a history without values, and one with too many gaps.
    """
    notes: list[Adjustment] = []
    marks = _marks(len(values), periods, dates)
    if not (np.diff(marks) >= 0).all():
        notes.append(
            Adjustment("sorted", int(np.sum(np.diff(marks) < 0)), "rows were not in the order of their periods")
        )
    order = np.argsort(marks, kind="stable")
    marks, known = marks[order], values[order]
    marks, known = marks[~np.isnan(known)], known[~np.isnan(known)]
    if not len(known):
        return Refusal("too_few_points", "at least 3 periods of history, 12 for an interval", "collect more periods")
    if double := len(marks) - len(np.unique(marks)):
        notes.append(Adjustment("duplicate", double, f"several rows for one period; {_DUPLICATES[duplicates]}"))
        marks, known = _single(marks, known, duplicates)
    grid = (
        Grid.dates([dt.date.fromordinal(int(m)) for m in marks]) if dates is not None else Grid.numbered(marks.tolist())
    )
    if len(marks) < 3:
        return Regular(known, grid.labels, tuple(notes))
    if grid.count > len(marks) / (1 - MOST_FILLED) and (grid.exact or grid.count > 2 * len(marks)):
        return _gaps(grid, marks)
    at = np.array(grid.marks)
    missing = grid.count - len(marks)
    if not grid.exact:
        missing = _far(at, marks, grid.length_days / 2)
        if missing > MOST_FILLED * grid.count:
            return _gaps(grid, marks)
        notes.append(Adjustment("resampled", len(at), f"irregular dates, interpolated by {grid.labels.period_name}"))
    if missing:
        notes.append(Adjustment("interpolated", missing, "periods without a row, interpolated linearly"))
    filled = np.interp(at, marks, known) if missing or not grid.exact else known
    if len(filled) > MOST_PERIODS:
        notes.append(Adjustment("shortened", len(filled), f"only the latest {MOST_PERIODS} periods are used"))
        return Regular(filled[-MOST_PERIODS:], grid.labels.latest(MOST_PERIODS), tuple(notes))
    return Regular(filled, grid.labels, tuple(notes))


def _marks(count: int, periods: Sequence[int] | None, dates: Sequence[dt.date] | None) -> Ints:
    if dates is not None:
        return np.array([date.toordinal() for date in dates], dtype=np.int64)
    return np.array(range(1, count + 1) if periods is None else periods, dtype=np.int64)


_DUPLICATES = {"last": "the last is used", "mean": "their mean is used"}


def _single(marks: Ints, known: Floats, duplicates: Duplicates) -> tuple[Ints, Floats]:
    unique, first, counts = np.unique(marks, return_index=True, return_counts=True)
    if duplicates == "last":
        return unique, known[first + counts - 1]
    return unique, np.add.reduceat(known, first) / counts


def _far(at: Ints, marks: Ints, reach: float) -> int:
    """Number of period ends with no row within ``reach`` days."""
    right = np.clip(np.searchsorted(marks, at), 0, len(marks) - 1)
    distance = np.minimum(np.abs(at - marks[right]), np.abs(at - marks[np.maximum(right - 1, 0)]))
    return int(np.sum(distance > reach))


def _gaps(grid: Grid, marks: Ints) -> Refusal:
    widest = int(np.argmax(np.diff(marks)))
    ends = [str(dt.date.fromordinal(int(m)) if grid.dated else m) for m in marks[widest : widest + 2]]
    missing = (
        f"rows for at least {1 - MOST_FILLED:.0%} of the periods; {len(marks)} rows for {grid.count} periods "
        f"({grid.labels.period_name}), with the longest gap from {ends[0]} to {ends[1]}"
    )
    return Refusal("irregular", missing, "add the missing rows, or use a longer period")
