"""Outliers and level shifts: found by robust rules, named, and kept from bending the models.

A value is an outlier when it lies off the middle of its neighbours by six robust standard deviations of that distance
and goes there and back. A step is a level shift when it differs from the steps around it by eight robust standard
deviations of all steps and by three times the widest of them, and stays. The last three periods are left alone: an
outlier and the start of a shift look the same there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats

FEWEST = 10
EDGE = 3
"""Periods on either side that a finding needs; also how long after it a back-test may know of it."""
_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for normal noise."""
_ROUNDING = 1e-9
"""Share of the largest value below which a difference is rounding."""


@dataclass(frozen=True, slots=True)
class Breaks:
    """Positions and sizes; ``repaired`` has outliers replaced by the line between their neighbours."""

    repaired: Floats
    outliers: tuple[tuple[int, float], ...]
    shifts: tuple[tuple[int, float], ...]

    def known_at(self, values: Floats, origin: int) -> Floats:
        """The first ``origin`` values as somebody would have repaired them then: shifts levelled, outliers mended."""
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
    """What is no growth in ``values`` (without season)."""
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
    found = Breaks(repaired, outliers, _shifts(repaired, tiny))
    # A history that is nothing but breaks has no growth to protect from them.
    return found if np.ptp(found.known_at(values, count)) > tiny else Breaks(values.copy(), (), ())


def _middle(values: Floats, t: int) -> float:
    """Median of the means of the pairs at equal distance from ``t``: exact on a line, whatever its slope."""
    reach = min(t, len(values) - 1 - t, EDGE)
    if not reach:
        return float(values[t])
    return float(np.median([(values[t - j] + values[t + j]) / 2 for j in range(1, reach + 1)]))


def _widest_near(steps: Floats, t: int) -> float:
    """The largest step near value ``t`` that does not touch it."""
    near = np.concatenate([steps[max(0, t - 4) : t - 1], steps[t + 1 : t + 4]])
    return float(np.abs(near).max(initial=0.0))


def _shifts(values: Floats, tiny: float) -> tuple[tuple[int, float], ...]:
    steps = np.diff(values)
    spread = _SIGMA * float(np.median(np.abs(steps - np.median(steps)))) + tiny
    found = []
    for t in range(EDGE, len(values) - EDGE):
        near = np.concatenate([steps[max(0, t - 7) : t - 1], steps[t : t + 6]])
        usual = float(np.median(near))
        amount = float(steps[t - 1]) - usual
        if abs(amount) > 8 * spread and abs(amount) > 3 * float(np.abs(near - usual).max()):
            found.append((t, amount))
    return tuple(found)
