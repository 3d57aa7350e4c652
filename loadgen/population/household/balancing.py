"""Net worth's median in every stratum: the last stratification, by swapping cash.

Shares and amounts are drawn evenly, but net worth is a sum, and how many of a stratum's households end below its median
is still left to chance. A few of those nearest to it therefore change places: a household just below takes the larger
cash balance of one far above, or the other way about, until as many are below as there should be. A swap leaves the
distribution of cash as it is, and no other amount is touched.
"""

from __future__ import annotations

import numpy as np

from capacity.arrays import Floats, Ints

_LEAST_HOUSEHOLDS = 50
"""In smaller strata too few have the cash to move down, and swaps would only ever move the median up."""


def balanced_cash(cash: Floats, worth: Floats, median: Floats, stratum: Ints, below: Ints) -> Floats:
    """Cash after the swaps.

    ``worth``: net worth before them; ``median``, an entry a stratum: what ``below`` of its households should lie under.
    Where nobody can swap, and in small strata, all stays as it is.
    """
    cash = cash.copy()
    for number, wanted in enumerate(below):
        places = np.flatnonzero(stratum == number)
        gap = worth[places] - median[number]
        surplus = int((gap < 0).sum()) - int(wanted)
        if surplus and len(places) >= _LEAST_HOUSEHOLDS:
            cash[places] = _swapped(cash[places], gap, surplus)
    return cash


def _swapped(cash: Floats, gap: Floats, surplus: int) -> Floats:
    """``gap``: net worth over the median; ``surplus``: how many too many are below, or, if negative, too few."""
    side = 1.0 if surplus > 0 else -1.0
    # How far from the other side: above zero for those who are to move, below for those who can help them and stay.
    short = -side * gap
    crowded = gap < 0 if side > 0 else gap >= 0
    movers, partners = np.flatnonzero(crowded), np.flatnonzero(~crowded)
    movers = movers[np.argsort(short[movers], kind="stable")]
    left = abs(surplus)
    for mover in movers:
        if not left:
            break
        gain = side * (cash[partners] - cash[mover])
        able = np.flatnonzero((gain > short[mover]) & (-short[partners] > gain))
        if not len(able):
            continue
        partner = partners[able[np.argmin(gain[able])]]
        cash[mover], cash[partner] = cash[partner], cash[mover]
        partners = partners[partners != partner]
        left -= 1
    return cash
