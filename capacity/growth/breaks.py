"""Detection of outliers and level shifts by robust rules, and their repair before the models are fitted.

A value is an outlier if it differs from the median of its neighbours by six robust standard deviations of that distance
and the series returns at once. A step is a level shift if it differs from the steps around it by eight robust standard
deviations of all steps and by three times the largest of them, and lasts. The last three periods are not judged, since
an outlier looks like the start of a shift there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats

FEWEST = 10
EDGE = 3
"""Periods needed on either side of a break; also the delay after which a back-test may know of it."""
_SIGMA = 1.4826
"""Ratio of the standard deviation to the median absolute deviation, for normal noise."""
_ROUNDING = 1e-9
"""Share of the largest value below which a difference counts as rounding."""


@dataclass(frozen=True, slots=True)
class Breaks:
    """Positions and sizes of breaks; ``repaired`` has outliers replaced by linear interpolation."""

    repaired: Floats
    outliers: tuple[tuple[int, float], ...]
    shifts: tuple[tuple[int, float], ...]

    def known_at(self, values: Floats, origin: int) -> Floats:
        """Return the first ``origin`` values, with the outliers and shifts repaired that were known by then."""
        settled = max(origin - EDGE, 0) if origin < len(values) else origin
        known = np.concatenate([self.repaired[:settled], values[settled:origin]])
        for at, amount in self.shifts:
            if origin < at + EDGE:
                continue
            before = known[at] - amount
            if known.min() > 0 and before > 0:
                known[:at] *= known[at] / before  # in proportion, so that early values stay above 0
            else:
                known[:at] += amount
        return known


def find_breaks(values: Floats) -> Breaks:
    """Find the outliers and level shifts of ``values`` (without season)."""
    count = len(values)
    if count < FEWEST:
        return Breaks(values.copy(), (), ())
    tiny = _ROUNDING * float(np.abs(values).max())
    steps = np.diff(values)
    off = np.array([values[t] - _middle(values, t) for t in range(count)])
    spread = _SIGMA * float(np.median(np.abs(off - np.median(off)))) + tiny
    outliers = tuple(
        (t, float(off[t]))
        for t in range(1, count - EDGE)
        if abs(off[t]) > 6 * spread and steps[t - 1] * steps[t] < 0 and abs(off[t]) > 1.5 * _widest_near(steps, t)
    )
    repaired = values.copy()
    if outliers:
        bad = np.zeros(count, dtype=bool)
        bad[[t for t, _ in outliers]] = True
        repaired[bad] = np.interp(np.flatnonzero(bad), np.flatnonzero(~bad), values[~bad])
    breaks = Breaks(repaired, outliers, _shifts(repaired, tiny))
    # A history of nothing but breaks is left as it is: repaired, it would be constant.
    return breaks if np.ptp(breaks.known_at(values, count)) > tiny else Breaks(values.copy(), (), ())


def _middle(values: Floats, t: int) -> float:
    """Median of the means of the pairs at equal distance from ``t``: exact on a line, whatever its slope."""
    reach = min(t, len(values) - 1 - t, EDGE)
    if not reach:
        return float(values[t])
    return float(np.median([(values[t - j] + values[t + j]) / 2 for j in range(1, reach + 1)]))


def _widest_near(steps: Floats, t: int) -> float:
    """The largest step near value ``t`` that does not touch it."""
    neighbours = np.concatenate([steps[max(0, t - 4) : t - 1], steps[t + 1 : t + 4]])
    return float(np.abs(neighbours).max(initial=0.0))


def _shifts(values: Floats, tiny: float) -> tuple[tuple[int, float], ...]:
    steps = np.diff(values)
    spread = _SIGMA * float(np.median(np.abs(steps - np.median(steps)))) + tiny
    shifts = []
    for t in range(EDGE, len(values) - EDGE):
        neighbours = np.concatenate([steps[max(0, t - 7) : t - 1], steps[t : t + 6]])
        usual = float(np.median(neighbours))
        amount = float(steps[t - 1]) - usual
        if abs(amount) > 8 * spread and abs(amount) > 3 * float(np.abs(neighbours - usual).max()):
            shifts.append((t, amount))
    return tuple(shifts)
