"""Formatting of numbers for page and terminal: digits, units, intervals, dates, and unbounded or missing values."""

from __future__ import annotations

import datetime as dt
import math

from capacity.due import Due
from capacity.plan import Metric
from capacity.values import Interval
from loadgen.runs.format.latency import Latency

MISSING = "–"
"""Text for a value that was not measured or had too few observations."""

BEYOND = "not within the horizon"

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def count(value: float | None) -> str:
    """Format a whole number with separators of thousands."""
    return MISSING if value is None else f"{value:,.0f}"


def number(value: float | None, digits: int = 3) -> str:
    """Format with ``digits`` significant digits, never in exponential form; a small whole number has no decimals."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return "unbounded"
    return _stepped(value, max(_step_of(value, digits), 1.0 if value == round(value) else 0.0))


def interval(value: Interval | None, unit: str = "") -> str:
    """Format as ``1,240 (1,180–1,310)``, with as many digits as the width supports; a count has no brackets."""
    if value is None:
        return MISSING
    centre = _rounded(value)[1]
    ends = "" if value.low == value.value == value.high else f" ({interval_range(value)})"
    return f"{centre}{ends}" + (f" {unit}" if unit else "")


def percentile(latency: Latency, which: float) -> str:
    """Format a percentile in ms with its interval; ``≥ 2,010`` where it is a lower bound."""
    value = latency.percentile_ms(which)
    if value is not None and latency.is_bound(value.value):
        return f"≥ {number(value.value)}"
    return interval(value)


def interval_range(value: Interval) -> str:
    """Format the ends of an interval: ``1–3``, or ``at least 1``."""
    low, _, high = _rounded(value)
    return f"at least {low}" if math.isinf(value.high) else f"{low}–{high}"


def milliseconds(value: float | None) -> str:
    """Format a duration, given in ms, in a unit of its size."""
    if value is None:
        return MISSING
    return f"{number(value / 1_000)} s" if value >= 1_000 else f"{number(value)} ms"


def size(value: float | None) -> str:
    """Format bytes in binary units."""
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


def share(value: float | None) -> str:
    """Format a share of one as a percentage, never as 0% unless it is 0."""
    if value is None:
        return MISSING
    if 0 < value < 1e-4:
        return "< 0.01%"
    if 0.999 < value < 1:
        return "> 99.9%"
    return f"{number(value * 100)}%"


def seconds(value: float) -> str:
    """Format a duration, given in s, in a unit of its size."""
    for unit, length in (("h", 3_600), ("min", 60)):
        if value >= length:
            return f"{number(value / length)} {unit}"
    return f"{number(value)} s"


def threshold(metric: Metric, value: float) -> str:
    """Format the threshold of a metric in its unit."""
    if metric in (Metric.CONNECTIONS, Metric.READS):
        return share(value)
    if metric in (Metric.TABLE_BYTES, Metric.DATABASE_BYTES):
        return size(value)
    if metric is Metric.WAL:
        return f"{size(value)}/s"
    return {Metric.TRANSACTIONS: f"{number(value)}/s", Metric.REPLAY_LAG: seconds(value)}.get(metric, number(value))


def date(value: dt.date | None) -> str:
    """Format a day, independent of the locale."""
    return f"{value.day} {value:%b %Y}" if value else BEYOND


def month(value: dt.date | None) -> str:
    """Format the month of a forecast, for which a day would be too precise."""
    return f"{value:%b %Y}" if value else BEYOND


def due(value: Due) -> str:
    """Format a central date with its range: ``Apr 2027 (Jan 2027 to Nov 2027)``."""
    if value.earliest is None:
        return BEYOND
    if value.expected is None:
        return f"{BEYOND}; {month(value.earliest)} at the earliest"
    if value.earliest == value.expected == value.latest:
        return month(value.expected)
    latest = month(value.latest) if value.latest else "beyond the horizon"
    return f"{month(value.expected)} ({month(value.earliest)} to {latest})"


def moment(value: str) -> str:
    """Format an ISO time for people; return other text unchanged."""
    try:
        parsed = dt.datetime.fromisoformat(value)
    except ValueError:
        return value
    zone = " UTC" if parsed.utcoffset() == dt.timedelta(0) else f" {parsed:%Z}".rstrip()
    return f"{parsed.day} {parsed:%b %Y, %H:%M}{zone}"


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
