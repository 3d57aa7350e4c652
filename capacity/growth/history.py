"""Rows as people have them, made into one value per period: the law for order, doubles, gaps and odd dates.

- **Order.** Rows are sorted by their label.
- **Doubles.** Of several rows with one label the last stands (a correction), or their mean where that is asked for.
- **Missing.** A NaN is no row. Periods without a row between others are interpolated on a line and counted; more than
  a fifth of them is refused.
- **Odd dates.** Dates without a calendar rhythm are resampled: the period is the one nearest to the median step (day,
  week, month, quarter, year), its ends are counted back from the last date, and values are read off the line between
  rows. An end without a row within half a period is a gap as above.
- **Length.** Of a history longer than 400 periods the latest 400 are used.
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

Doubles = Literal["last", "mean"]

MOST_FILLED = 0.2
"""Share of periods that may be interpolated: beyond, the history would be mostly ours."""
MOST_PERIODS = 400
"""A year of days, eight of weeks: older growth says little about the next, and costs time."""


@dataclass(frozen=True, slots=True)
class Regular:
    """One finite value for each of consecutive periods."""

    values: Floats
    labels: Labels
    adjustments: tuple[Adjustment, ...]


def regular(
    values: Floats, periods: Sequence[int] | None, dates: Sequence[dt.date] | None, doubles: Doubles
) -> Regular | Refusal:
    """Apply the law above. ``values`` may hold NaN; labels are as many as values, or absent (1, 2, …).

    Refuses values none of which is known, and dates that no cadence and no grid fits.
    """
    notes: list[Adjustment] = []
    marks = _marks(len(values), periods, dates)
    if not (np.diff(marks) >= 0).all():
        notes.append(Adjustment("sorted", int(np.sum(np.diff(marks) < 0)), "rows were not in order of their periods"))
    order = np.argsort(marks, kind="stable")
    marks, known = marks[order], values[order]
    marks, known = marks[~np.isnan(known)], known[~np.isnan(known)]
    if not len(known):
        return Refusal("too_few_points", "at least 3 periods of history, 12 for an interval", "collect more periods")
    if double := len(marks) - len(np.unique(marks)):
        notes.append(Adjustment("duplicate", double, f"several rows for one period: {_DOUBLES[doubles]}"))
        marks, known = _single(marks, known, doubles)
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
        notes.append(Adjustment("resampled", len(at), f"dates without a rhythm, read off by {grid.labels.period_name}"))
    if missing:
        notes.append(Adjustment("interpolated", missing, "periods without a row, on the line between their neighbours"))
    filled = np.interp(at, marks, known) if missing or not grid.exact else known
    if len(filled) > MOST_PERIODS:
        notes.append(Adjustment("shortened", len(filled), f"only the latest {MOST_PERIODS} periods are used"))
        return Regular(filled[-MOST_PERIODS:], grid.labels.latest(MOST_PERIODS), tuple(notes))
    return Regular(filled, grid.labels, tuple(notes))


def _marks(count: int, periods: Sequence[int] | None, dates: Sequence[dt.date] | None) -> Ints:
    if dates is not None:
        return np.array([date.toordinal() for date in dates], dtype=np.int64)
    return np.array(range(1, count + 1) if periods is None else periods, dtype=np.int64)


_DOUBLES = {"last": "the last stands", "mean": "their mean stands"}


def _single(marks: Ints, known: Floats, doubles: Doubles) -> tuple[Ints, Floats]:
    unique, first, counts = np.unique(marks, return_index=True, return_counts=True)
    if doubles == "last":
        return unique, known[first + counts - 1]
    return unique, np.add.reduceat(known, first) / counts


def _far(at: Ints, marks: Ints, reach: float) -> int:
    """Ends with no row within ``reach`` days."""
    right = np.clip(np.searchsorted(marks, at), 0, len(marks) - 1)
    distance = np.minimum(np.abs(at - marks[right]), np.abs(at - marks[np.maximum(right - 1, 0)]))
    return int(np.sum(distance > reach))


def _gaps(grid: Grid, marks: Ints) -> Refusal:
    widest = int(np.argmax(np.diff(marks)))
    ends = [str(dt.date.fromordinal(int(m)) if grid.dated else m) for m in marks[widest : widest + 2]]
    what = (
        f"a row for at least {1 - MOST_FILLED:.0%} of the periods: there are {len(marks)} for {grid.count} periods "
        f"({grid.labels.period_name}), the widest gap from {ends[0]} to {ends[1]}"
    )
    return Refusal("irregular", what, "add the missing rows, or sum up by a longer period")
