"""Quantities as people type them: ``5m``, ``1,2,4,8``, ``p95=100ms``. Each refuses in one line that says what fits."""

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
"""Every load is bounded in time."""
MOST_USERS: Final = 10_000
"""One process holds a session for each."""
MOST_WORKERS: Final = 1_000
MOST_PROCESSES: Final = 64
"""More cores than this in one machine deserve a second generator beside it."""


def duration_s(text: str, option: str, *, least_s: float = 0.0) -> float:
    """Seconds of ``30s``, ``5m``, ``250ms``, ``1h``. Raises UsageError that names ``option``."""
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{option} {text!r} is not a duration; write a number and ms, s, m or h, like 30s")
    seconds = float(found[1]) * _SECONDS[found[2]]
    if not least_s <= seconds <= LONGEST_S:
        raise UsageError(f"{option} {text} is out of range; give {least_s:g}s to {LONGEST_S:g}s")
    return seconds


def whole(text: str, option: str, *, most: int, least: int = 1) -> int:
    """A whole number within bounds. Raises UsageError that names ``option``."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text.strip()):
        raise UsageError(f"{option} {text!r} is not a whole number; give {least} to {most}")
    number = int(text)
    if not least <= number <= most:
        raise UsageError(f"{option} {number} is out of range; give {least} to {most}")
    return number


def mode(text: str) -> Mode:
    """``sequential`` or ``pipeline``. Raises UsageError."""
    if text in ("sequential", "pipeline"):
        return cast("Mode", text)
    raise UsageError(f"--mode {text!r} is unknown; give sequential or pipeline")


def on_loss(text: str) -> OnLoss:
    """``stop`` or ``continue``. Raises UsageError."""
    if text in ("stop", "continue"):
        return cast("OnLoss", text)
    raise UsageError(f"--on-worker-loss {text!r} is unknown; give stop or continue")


def processes(text: str, users: int) -> int:
    """How many processes share so many users, or connections. Raises UsageError."""
    found = whole(text, "--processes", most=MOST_PROCESSES)
    if found > users:
        raise UsageError(
            f"--processes {found} would share {users} users; give --users {found} or more, or fewer of them"
        )
    return found


def share(text: str, option: str, *, least: float, most: float) -> float:
    """A share like ``0.9``, within bounds. Raises UsageError."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", text.strip()) or not least <= float(text) <= most:
        raise UsageError(f"{option} {text!r} is out of range; give {least:g} to {most:g}")
    return float(text)


def shares(text: str, option: str) -> dict[str, float]:
    """``dashboard=0.9,montecarlo=0.1``: shares by name. Raises UsageError."""
    found: dict[str, float] = {}
    for part in text.split(","):
        name, given, value = part.strip().partition("=")
        if not given or not name.strip():
            raise UsageError(f"{option} {text!r} is not one; write NAME=SHARE,NAME=SHARE")
        if name.strip() in found:
            raise UsageError(f"{option} {text} names {name.strip()!r} twice")
        found[name.strip()] = share(value, option, least=0, most=1)
    return found


def levels(text: str, *, most_levels: int) -> tuple[int, ...]:
    """Distinct levels of ``1,2,4,8`` in order. Raises UsageError."""
    found = tuple(whole(part, "--levels", most=MOST_USERS) for part in text.split(","))
    if len(set(found)) != len(found):
        raise UsageError(f"--levels {text} names a level twice; repeats are set with --repeats")
    if len(found) > most_levels:
        raise UsageError(f"--levels names {len(found)} levels; give at most {most_levels}")
    return tuple(sorted(found))


def names(text: str | None) -> tuple[str, ...]:
    """``a,b``; nothing for None."""
    return tuple(name.strip() for name in text.split(",")) if text is not None else ()


def max_errors(text: str | None) -> float:
    """``0.5%`` as a share of one; None is the default. Raises UsageError."""
    if text is None:
        return MAX_ERROR_SHARE
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)\s*%", text.strip())
    if not found or float(found[1]) > 100:
        raise UsageError(f"--max-errors {text}: expected a percentage from 0% to 100%, such as 1%")
    return float(found[1]) / 100


def objective(text: str | None) -> Objective:
    """``p95=100ms``; None is the default objective. Raises UsageError."""
    from loadgen.runs.format.latency import PERCENTILES, Objective

    if text is None:
        return Objective()
    known = ", ".join(f"p{p:g}" for p in PERCENTILES)
    found = re.fullmatch(r"p([0-9]+(?:\.[0-9]+)?)\s*(?:<=?|=)\s*(\S+)", text.strip())
    if not found or float(found[1]) not in PERCENTILES:
        raise UsageError(f"--objective {text!r} is not one; write p95=100ms (percentiles: {known})")
    response_s = duration_s(found[2], "--objective", least_s=0.0001)
    return Objective(percentile=float(found[1]), response_ms=response_s * 1000)
