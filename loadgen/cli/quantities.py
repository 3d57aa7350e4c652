"""Parsing of quantities as typed: ``5m``, ``1,2,4,8``, ``p95=100ms``. Errors say in one line what is expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from loadgen.errors import UsageError
from loadgen.runs.format.verdict import MAX_ERROR_SHARE

if TYPE_CHECKING:
    from loadgen.runner.parts import OnLoss
    from loadgen.runs.format.latency import Objective
    from loadgen.runs.format.schedule import Mode

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
LONGEST_S: Final = 7 * 24 * 3600.0
"""Longest duration of a load."""
MOST_USERS: Final = 10_000
"""Most users of a load, each with a session."""
MOST_WORKERS: Final = 1_000
MOST_PROCESSES: Final = 64
"""Most processes of a generator: for more, use a second machine."""


def duration_s(text: str, option: str, *, least_s: float = 0.0) -> float:
    """Parse ``30s``, ``5m``, ``250ms``, ``1h`` as seconds. Raises UsageError that names ``option``."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{option} {text!r} is not a duration; write a number and ms, s, m or h, like 30s")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if not least_s <= seconds <= LONGEST_S:
        raise UsageError(f"{option} {text} is out of range; give {least_s:g}s to {LONGEST_S:g}s")
    return seconds


def whole(text: str, option: str, *, most: int, least: int = 1) -> int:
    """Parse a whole number within bounds. Raises UsageError that names ``option``."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise UsageError(f"{option} {text!r} is not a whole number; give {least} to {most}")
    number = int(text)
    if not least <= number <= most:
        raise UsageError(f"{option} {number} is out of range; give {least} to {most}")
    return number


def mode(text: str) -> Mode:
    """Parse ``sequential`` or ``pipeline``. Raises UsageError."""
    if text in ("sequential", "pipeline"):
        return cast("Mode", text)
    raise UsageError(f"--mode {text!r} is unknown; give sequential or pipeline")


def on_loss(text: str) -> OnLoss:
    """Parse ``stop`` or ``continue``. Raises UsageError."""
    if text in ("stop", "continue"):
        return cast("OnLoss", text)
    raise UsageError(f"--on-worker-loss {text!r} is unknown; give stop or continue")


def processes(text: str, users: int) -> int:
    """Parse the number of processes that share ``users``. Raises UsageError."""
    count = whole(text, "--processes", most=MOST_PROCESSES)
    if count > users:
        raise UsageError(
            f"--processes {count} would share {users} users; give --users {count} or more, or fewer of them"
        )
    return count


def share(text: str, option: str, *, least: float, most: float) -> float:
    """Parse a share like ``0.9``, within bounds. Raises UsageError."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", text.strip()) or not least <= float(text) <= most:
        raise UsageError(f"{option} {text!r} is out of range; give {least:g} to {most:g}")
    return float(text)


def shares(text: str, option: str) -> dict[str, float]:
    """Parse shares by name: ``dashboard=0.9,montecarlo=0.1``. Raises UsageError."""
    by_name: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{option} {text!r} is not one; write NAME=SHARE,NAME=SHARE")
        if name.strip() in by_name:
            raise UsageError(f"{option} {text} names {name.strip()!r} twice")
        by_name[name.strip()] = share(value, option, least=0, most=1)
    return by_name


def levels(text: str, *, most_levels: int) -> tuple[int, ...]:
    """Parse distinct levels like ``1,2,4,8``, in order. Raises UsageError."""
    numbers = tuple(whole(part, "--levels", most=MOST_USERS) for part in text.split(","))
    if len(set(numbers)) != len(numbers):
        raise UsageError(f"--levels {text} names a level twice; repeats are set with --repeats")
    if len(numbers) > most_levels:
        raise UsageError(f"--levels names {len(numbers)} levels; give at most {most_levels}")
    return tuple(sorted(numbers))


def names(text: str | None) -> tuple[str, ...]:
    """Parse names like ``a,b``; none for None."""
    return tuple(name.strip() for name in text.split(",")) if text is not None else ()


def max_errors(text: str | None) -> float:
    """Parse ``0.5%`` as a share of one; None is the default. Raises UsageError."""
    if text is None:
        return MAX_ERROR_SHARE
    match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%", text.strip())
    if not match or float(match[1]) > 100:
        raise UsageError(f"--max-errors {text}: expected a percentage from 0% to 100%, such as 1%")
    return float(match[1]) / 100


def objective(text: str | None) -> Objective:
    """Parse ``p95=100ms``; None is the default objective. Raises UsageError."""
    from loadgen.runs.format.latency import PERCENTILES, Objective

    if text is None:
        return Objective()
    known = ", ".join(f"p{p:g}" for p in PERCENTILES)
    match = re.fullmatch(r"p([0-9]+(?:\.[0-9]+)?)\s*(?:<=?|=)\s*(\S+)", text.strip())
    if not match or float(match[1]) not in PERCENTILES:
        raise UsageError(f"--objective {text!r} is not one; write p95=100ms (percentiles: {known})")
    response_s = duration_s(match[2], "--objective", least_s=0.0001)
    return Objective(percentile=float(match[1]), response_ms=response_s * 1000)
