"""Parsing of arrival rates.

``500``                       constant, in transactions per second
``100@30s,200@30s``           steps; the last may have no duration, and lasts until the end
``100@30s,1000@10s,100``      a spike
``100..1000@5m``              a ramp; steps and ramps may follow one another
``daily:50..500@24h``         the rate of a day from its quietest hour to its busiest, over this time, repeated
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from loadgen.cli.quantities import duration

if TYPE_CHECKING:
    from loadgen.runs.format.schedule import Rate, RatePiece

MOST_TPS: Final = 1_000_000.0
_LENGTH: Final = duration(least_s=0.001)
_PIECE = re.compile(r"(?P<from>[^@.,]+(?:\.[0-9]+)?)(?:\.\.(?P<to>[^@]+))?(?:@(?P<time>.+))?")
_FORMS: Final = "expected a rate such as 500, 100@30s,200@30s, 100..1000@5m or daily:50..500@24h"


def rate(text: str) -> Rate:
    """Parse a rate over time. Raises ValueError with the forms that are allowed."""
    from loadgen.runs.format.schedule import Rate

    if text.startswith("daily:"):
        return Rate(text, _daily(text), repeats=True)
    parts = text.split(",")
    pieces = tuple(_piece(part.strip(), last=place == len(parts)) for place, part in enumerate(parts, 1))
    if not any(piece.from_tps or piece.to_tps for piece in pieces):
        raise ValueError(f"{_FORMS}; this one is always 0")
    return Rate(text, pieces)


def _piece(part: str, *, last: bool) -> RatePiece:
    from loadgen.runs.format.schedule import RatePiece

    match = _PIECE.fullmatch(part)
    if not match:
        raise ValueError(f"{_FORMS}; {part!r} is not a rate")
    low = _tps(match["from"])
    high = low if match["to"] is None else _tps(match["to"])
    if match["time"] is not None:
        return RatePiece(_LENGTH(match["time"]), low, high)
    if not last or match["to"] is not None:
        raise ValueError(f"{_FORMS}; {part!r} has no duration")
    return RatePiece(0.0, low, high)


def _daily(text: str) -> tuple[RatePiece, ...]:
    from loadgen.population.calendar import USE_BY_HOUR
    from loadgen.runs.format.schedule import RatePiece

    day = _piece(text.removeprefix("daily:").strip(), last=True)
    if not day.seconds or day.from_tps >= day.to_tps:
        raise ValueError(f"{_FORMS}; a daily rate goes from that of the quietest hour to that of the busiest")
    least, most = min(USE_BY_HOUR), max(USE_BY_HOUR)
    span = (day.to_tps - day.from_tps) / (most - least)
    rates = [day.from_tps + (use - least) * span for use in USE_BY_HOUR]
    hour_s = day.seconds / len(rates)
    return tuple(RatePiece(hour_s, a, b) for a, b in zip(rates, [*rates[1:], rates[0]], strict=True))


def _tps(number: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,6})?", number.strip()):
        raise ValueError(f"{_FORMS}; {number!r} is not a number of transactions per second")
    tps = float(number)
    if tps > MOST_TPS:
        raise ValueError(f"expected at most {MOST_TPS:,.0f} transactions per second")
    return tps
