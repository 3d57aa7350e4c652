"""Formatting of numbers for sentences, tables and the page: digits, units, intervals, missing values and plurals.

A value has three significant digits and is never in exponential form; an interval has the digits that its width
supports. Bytes are in PostgreSQL's units, of which each is 1024 times the one before.
"""

from __future__ import annotations

import math

from capacity.values import Interval

MISSING = "–"
"""Text for a value that was not measured or had too few observations."""

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_SECONDS = (("h", 3_600.0), ("min", 60.0), ("s", 1.0))


def count(value: float | None) -> str:
    """Format a whole number with separators of thousands."""
    return MISSING if value is None else f"{value:,.0f}"


def counted(number: int, noun: str) -> str:
    """Format a number with a noun whose plural ends in s: ``1 day``, ``1,200 days``."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def number(value: float | None, digits: int = 3) -> str:
    """Format with ``digits`` significant digits, never in exponential form; a small whole number has no decimals."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return "unbounded"
    return _stepped(value, max(_step_of(value, digits), 1.0 if value == round(value) else 0.0))


def interval(value: Interval | None, unit: str = "") -> str:
    """Format as ``1,240 (1,180–1,310)``, with the digits that the width supports; equal ends are omitted."""
    if value is None:
        return MISSING
    texts = _rounded(value)
    ends = "" if len(set(texts)) == 1 and math.isfinite(value.high) else f" ({interval_range(value)})"
    return f"{texts[1]}{ends}" + (f" {unit}" if unit else "")


def interval_range(value: Interval) -> str:
    """Format the ends of an interval: ``1–3``, or ``at least 1``."""
    low, _, high = _rounded(value)
    return f"at least {low}" if math.isinf(value.high) else f"{low}–{high}"


def seconds(value: float | None) -> str:
    """Format a duration, given in s, in a unit of its size from ms to h."""
    if value is None:
        return MISSING
    for unit, length in _SECONDS:
        if value >= length:
            return f"{number(value / length)} {unit}"
    return f"{number(value * 1_000)} ms" if value else "0 s"


def milliseconds(value: float | None) -> str:
    """Format a duration, given in ms, in a unit of its size from ms to h."""
    return MISSING if value is None else seconds(value / 1_000)


def size(value: float | None) -> str:
    """Format bytes in a unit of their size."""
    if value is None:
        return MISSING
    power = _power(value)
    return f"{number(value / 1_024**power)} {_BYTES[power]}"


def size_interval(value: Interval | None) -> str:
    """Format an interval of bytes, in the unit of its middle."""
    if value is None:
        return MISSING
    power = _power(value.value)
    return interval(value.scaled(1_024.0**-power), _BYTES[power])


def quantity(value: Interval, unit: str) -> str:
    """Format an interval with its unit; bytes in a unit of their size."""
    return size_interval(value) if unit == "bytes" else interval(value, unit)


def share(value: float | None, digits: int = 3) -> str:
    """Format a share of one as a percentage, never as 0% unless it is 0, nor as 100% unless it is 1."""
    if value is None:
        return MISSING
    if 0 < value < 1e-4:
        return "< 0.01%"
    if 0.999 < value < 1:
        return "> 99.9%"
    text = number(round(value * 100, 9), digits)
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def share_interval(value: Interval) -> str:
    """Format an interval of a share as percentages: ``92% (90–95%)``."""
    text = interval(value.scaled(100))
    return f"{text.replace(' ', '% ', 1)[:-1]}%)" if text.endswith(")") else f"{text}%"


def chance(probability: float) -> str:
    """Format a probability rounded down to a tenth of a percent: one below a required value never reads as it."""
    return f"{math.floor(probability * 1_000 + 1e-9) / 10:.3g}%"


def _power(value: float) -> int:
    return min(int(math.log(value, 1_024)), len(_BYTES) - 1) if value >= 1 else 0


def _step_of(value: float, digits: int) -> float:
    """Decimal place of the last of ``digits`` significant digits, after rounding: 99.96 is 100."""
    if not value:
        return 1.0
    rounded = float(f"{abs(value):.{digits - 1}e}")
    return 10.0 ** (math.floor(math.log10(rounded)) - digits + 1)


def _rounded(value: Interval) -> tuple[str, str, str]:
    """Round low, value and high to the same decimal place; the value replaces an infinite ``high``.

    The step is at most a twentieth of the width, and leaves three digits of the value; a count keeps all of its digits.
    """
    ends = (value.low, value.value, value.high if math.isfinite(value.high) else value.value)
    width = ends[2] - ends[0]
    are_whole = all(end == round(end) for end in ends)
    if are_whole and not width:
        step = 1.0
    else:
        steps = [_step_of(value.value, 3) if value.value else 0.0, _step_of(width / 20, 1) if width else 0.0]
        step = max(*steps, 1.0 if are_whole else 0.0) or 1.0
    texts = [_stepped(end, step) for end in ends]
    while "." in texts[0] and all(text[-1] in "0." for text in texts):
        texts = [text[:-1] for text in texts]
    return texts[0], texts[1], texts[2]


def _stepped(value: float, step: float) -> str:
    """Round ``value`` to ``step``, a power of ten."""
    rounded = round(value / step) * step or 0.0
    return f"{rounded:,.{max(0, -round(math.log10(step)))}f}"
