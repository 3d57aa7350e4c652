"""Numbers in the terminal: three significant digits, the interval behind the value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity.values import Interval


def number(value: float) -> str:
    """``1,240``, ``12.4``, ``0.124``; infinity is ``∞``."""
    if math.isinf(value):
        return "∞"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def interval(found: Interval | None) -> str:
    """``1,240 (1,180–1,310)``; a counted value alone; ``–`` where nothing can be said."""
    if found is None:
        return "–"
    if found.low == found.high:
        return number(found.value)
    if math.isinf(found.high):
        return f"{number(found.value)} (≥ {number(found.low)})"
    return f"{number(found.value)} ({number(found.low)}–{number(found.high)})"
