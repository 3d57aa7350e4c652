"""Arrival rates as people type them.

``500``                       transactions a second, throughout
``100@30s,200@30s``           steps; the last may stand without a time and holds
``100@30s,1000@10s,100``      a spike
``100..1000@5m``              a ramp; steps and ramps may follow one another
``daily:50..500@24h``         the use of a day from its quietest hour to its busiest, over this time, again and again
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from loadgen.cli.quantities import duration_s
from loadgen.errors import UsageError

if TYPE_CHECKING:
    from loadgen.runs.format.schedule import Rate, RatePiece

MOST_TPS: Final = 1_000_000.0
_PIECE = re.compile(r"(?P<from>[^@.,]+(?:\.[0-9]+)?)(?:\.\.(?P<to>[^@]+))?(?:@(?P<time>.+))?")
_FORMS: Final = "write 500, 100@30s,200@30s, 100..1000@5m or daily:50..500@24h"


def rate(text: str) -> Rate:
    """Parse a rate over time. Raises UsageError with the forms that are allowed."""
    from loadgen.runs.format.schedule import Rate

    if text.startswith("daily:"):
        return Rate(text, _daily(text), repeats=True)
    parts = text.split(",")
    pieces = tuple(_piece(part.strip(), text, last=place == len(parts)) for place, part in enumerate(parts, 1))
    if not any(piece.from_tps or piece.to_tps for piece in pieces):
        raise UsageError(f"--rate {text!r} sends nothing; {_FORMS}")
    return Rate(text, pieces)


def _piece(part: str, text: str, *, last: bool) -> RatePiece:
    from loadgen.runs.format.schedule import RatePiece

    match = _PIECE.fullmatch(part)
    if not match:
        raise UsageError(f"--rate {text!r} has {part!r}, which is no rate; {_FORMS}")
    low = _tps(match["from"], text)
    high = low if match["to"] is None else _tps(match["to"], text)
    if match["time"] is not None:
        return RatePiece(duration_s(match["time"], "--rate", least_s=0.001), low, high)
    if not last or match["to"] is not None:
        raise UsageError(f"--rate {text!r} does not say for how long {part!r} lasts; {_FORMS}")
    return RatePiece(0.0, low, high)


def _daily(text: str) -> tuple[RatePiece, ...]:
    from loadgen.population.calendar import USE_BY_HOUR
    from loadgen.runs.format.schedule import RatePiece

    day = _piece(text.removeprefix("daily:").strip(), text, last=True)
    if not day.seconds or day.from_tps >= day.to_tps:
        raise UsageError(f"--rate {text!r} is no day from its quietest hour to its busiest; {_FORMS}")
    least, most = min(USE_BY_HOUR), max(USE_BY_HOUR)
    span = (day.to_tps - day.from_tps) / (most - least)
    rates = [day.from_tps + (use - least) * span for use in USE_BY_HOUR]
    hour_s = day.seconds / len(rates)
    return tuple(RatePiece(hour_s, a, b) for a, b in zip(rates, [*rates[1:], rates[0]], strict=True))


def _tps(number: str, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,6})?", number.strip()):
        raise UsageError(f"--rate {text!r} has {number!r}, which is no number of transactions a second; {_FORMS}")
    tps = float(number)
    if tps > MOST_TPS:
        raise UsageError(f"--rate {text!r} is out of range; give at most {MOST_TPS:,.0f} a second")
    return tps
