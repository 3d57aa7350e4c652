"""Parsers of option values: ``5m``, ``1,2,4,8``, ``p95=100ms``.

Each raises ValueError with what it expected. ``options.ParameterType`` adds the value, and the application the option.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from loadgen.runs.format.access import OwnWrites, Pooler, ReadPolicy
    from loadgen.runs.format.latency import Objective

_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
LONGEST_S: Final = 7 * 24 * 3600.0
"""Longest duration of a load."""
MOST_USERS: Final = 10_000
"""Most users of a load, each with a session."""
MOST_WORKERS: Final = 1_000
MOST_PROCESSES: Final = 64
"""Most processes of a generator: for more, use a second machine."""
MOST_SYNTHETIC_USERS: Final = 100_000_000
FIRST_DAY, LAST_DAY = dt.date(2010, 1, 1), dt.date(2100, 1, 1)
_FACTORS: Final = {"": 1, "k": 1_000, "m": 1_000_000}


def duration(*, least_s: float = 0.0) -> Callable[[str], float]:
    """Parser of ``30s``, ``5m``, ``250ms`` or ``1h`` in seconds, up to ``LONGEST_S``."""

    def parse(text: str) -> float:
        match = _DURATION.fullmatch(text.strip())
        if not match:
            raise ValueError("expected a number and a unit (ms, s, m or h), such as 30s")
        seconds = float(match[1]) * _UNITS_S[match[2]]
        if not least_s <= seconds <= LONGEST_S:
            raise ValueError(f"expected a duration from {duration_text(least_s)} to {duration_text(LONGEST_S)}")
        return seconds

    return parse


def duration_text(seconds: float) -> str:
    """Format a duration as it is typed, in the largest unit that gives a whole number."""
    for unit in ("h", "m", "s"):
        if not seconds % _UNITS_S[unit] and (seconds or unit == "s"):
            return f"{seconds / _UNITS_S[unit]:g}{unit}"
    return f"{seconds * 1000:.12g}ms"


def integer(least: int, most: int) -> Callable[[str], int]:
    """Parser of an integer within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text.strip()) or not least <= int(text) <= most:
            raise ValueError(f"expected an integer from {least} to {most}")
        return int(text)

    return parse


def number(least: float, most: float) -> Callable[[str], float]:
    """Parser of a number within bounds, such as ``0.9``."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]*\.?[0-9]+", text.strip()) or not least <= float(text) <= most:
            raise ValueError(f"expected a number from {least:g} to {most:g}")
        return float(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Parser of one of several words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected {', '.join(choices[:-1])} or {choices[-1]}")
        return text

    return parse


def shares(text: str) -> dict[str, float]:
    """Parse shares by name: ``dashboard=0.9,montecarlo=0.1``."""
    by_name: dict[str, float] = {}
    share = number(0, 1)
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not name:
            raise ValueError("expected NAME=SHARE,NAME=SHARE")
        if name in by_name:
            raise ValueError(f"expected each name once, not {name!r} twice")
        by_name[name] = share(value)
    return by_name


def integers(least: int, most: int, *, most_values: int) -> Callable[[str], tuple[int, ...]]:
    """Parser of distinct integers like ``1,2,4,8``, which it sorts."""
    one = integer(least, most)

    def parse(text: str) -> tuple[int, ...]:
        try:
            values = [one(part) for part in text.split(",")]
        except ValueError as error:
            raise ValueError(f"expected integers from {least} to {most}, such as 1,2,4,8") from error
        if len(set(values)) != len(values):
            raise ValueError("expected each integer once")
        if len(values) > most_values:
            raise ValueError(f"expected at most {most_values} integers, not {len(values)}")
        return tuple(sorted(values))

    return parse


def numbers(*, most_values: int) -> Callable[[str], tuple[float, ...]]:
    """Parser of numbers of 1 or more, like ``48,64.5``."""

    def parse(text: str) -> tuple[float, ...]:
        parts = [part.strip() for part in text.split(",")]
        if not all(re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", part) and float(part) >= 1 for part in parts):
            raise ValueError("expected numbers of 1 or more, such as 48,64")
        if len(parts) > most_values:
            raise ValueError(f"expected at most {most_values} numbers, not {len(parts)}")
        return tuple(float(part) for part in parts)

    return parse


def names(text: str) -> tuple[str, ...]:
    """Parse names like ``a,b``."""
    return tuple(name.strip() for name in text.split(","))


def percentage(text: str) -> float:
    """Parse ``0.5%`` as a share of one."""
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%", text.strip())
    if not match or float(match[1]) > 100:
        raise ValueError("expected a percentage from 0% to 100%, such as 1%")
    return float(match[1]) / 100


def objective(text: str) -> Objective:
    """Parse ``p95=100ms``."""
    from loadgen.runs.format.latency import PERCENTILES, Objective

    match = re.fullmatch(r"p([0-9]+(?:\.[0-9]+)?)\s*(?:<=?|=)\s*(\S+)", text.strip())
    if not match or float(match[1]) not in PERCENTILES:
        known = ", ".join(f"p{p:g}" for p in PERCENTILES)
        raise ValueError(f"expected a percentile ({known}) and a duration, such as p95=100ms")
    response_s = duration(least_s=0.0001)(match[2])
    return Objective(percentile=float(match[1]), response_ms=response_s * 1000)


def objective_text(objective: Objective) -> str:
    """Format an objective as it is typed."""
    return f"p{objective.percentile:g}={objective.response_ms:.12g}ms"


def users(text: str) -> int:
    """Parse a number of synthetic users: ``5000``, ``50k``, ``1.5M``."""
    match = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?([km]?)", text.strip().lower())
    if match:
        scale, decimals = _FACTORS[match[3]], match[2] or ""
        count, rest = divmod(int(match[1] + decimals) * scale, int(10 ** len(decimals)))
        if not rest and 1 <= count <= MOST_SYNTHETIC_USERS:
            return count
    raise ValueError(f"expected a number of users from 1 to {MOST_SYNTHETIC_USERS // 1_000_000}M, such as 5000 or 50k")


def date(text: str) -> dt.date:
    """Parse a date like ``2026-01-31``."""
    try:
        day = dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("expected a date (year-month-day), such as 2026-01-31") from error
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"expected a date from {FIRST_DAY} to {LAST_DAY}")
    return day


def connections(text: str) -> int:
    """Parse a number of connections, or of transactions on one."""
    from loadgen.runs.access_parsing import parse_connections

    return parse_connections(text)


def pooler(text: str) -> Pooler:
    """Parse a kind of pooler."""
    from loadgen.runs.access_parsing import parse_pooler

    return parse_pooler(text)


def read_policy(text: str) -> ReadPolicy:
    """Parse which servers answer read-only transactions: ``replica``, ``round-robin``, ``least-busy``, ``primary``."""
    from loadgen.runs.access_parsing import parse_read_policy

    return parse_read_policy(text)


def own_writes(text: str) -> OwnWrites:
    """Parse ``none``, ``lsn``, ``lsn:100ms`` or ``sticky:2s``."""
    from loadgen.runs.access_parsing import parse_own_writes

    return parse_own_writes(text)
