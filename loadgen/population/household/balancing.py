"""Bring the median of net worth in every stratum to the published one, by swapping cash.

Shares and amounts are stratified, but net worth is a sum, so the number of a stratum's households below its median is
still random. So a household just below takes the larger cash balance of one far above, or the reverse, until the right
number is below. A swap does not change the distribution of cash, nor any other amount.
"""

from __future__ import annotations

import numpy as np

from capacity.arrays import Floats, Ints

_LEAST_HOUSEHOLDS = 50
"""Least households of a stratum: in smaller ones too few have cash to move down, so swaps only raise the median."""


def balanced_cash(cash: Floats, worth: Floats, median: Floats, stratum: Ints, below: Ints) -> Floats:
    """Cash balances after the swaps.

    ``worth`` is net worth before them; ``below`` is how many households of each stratum should be under its ``median``.
    Small strata, and those in which no household can swap, do not change.
    """
    cash = cash.copy()
    for number, target in enumerate(below):
        places = np.flatnonzero(stratum == number)
        gap = worth[places] - median[number]
        surplus = int((gap < 0).sum()) - int(target)
        if surplus and len(places) >= _LEAST_HOUSEHOLDS:
            cash[places] = _swapped(cash[places], gap, surplus)
    return cash


def _swapped(cash: Floats, gap: Floats, surplus: int) -> Floats:
    """Swap cash in one stratum. ``gap`` is net worth minus the median, ``surplus`` how many too many are below."""
    side = 1.0 if surplus > 0 else -1.0
    # Distance from the other side: positive for households that should move, negative for their partners.
    short = -side * gap
    crowded = gap < 0 if side > 0 else gap >= 0
    movers, partners = np.flatnonzero(crowded), np.flatnonzero(~crowded)
    movers = movers[np.argsort(short[movers], kind="stable")]
    swaps_left = abs(surplus)
    for mover in movers:
        if not swaps_left:
            break
        gain = side * (cash[partners] - cash[mover])
        able = np.flatnonzero((gain > short[mover]) & (-short[partners] > gain))
        if not len(able):
            continue
        partner = partners[able[np.argmin(gain[able])]]
        cash[mover], cash[partner] = cash[partner], cash[mover]
        partners = partners[partners != partner]
        swaps_left -= 1
    return cash
