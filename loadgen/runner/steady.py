"""Steady-state check of the measured window, by throughput, which shows a load's own limit, and by service time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.verdict import Reason
from loadgen.runs.histogram import merge
from loadgen.runs.spool import SERVICE, Second
from loadgen.runs.steadiness import beyond_chance, change_of, transient

MOVES: Final = 0.075
"""Largest valid effect of an unsteady part on the window's mean, that of a change by 15 % half-way; assumption."""
SETTLING_SHARE: Final = 1 / 3
"""Longest transient as a share of the window: after a longer one, the rest is not known to be steady; assumption."""


def unsteady(window: Sequence[Second], warmup: Sequence[Second], schedule: Schedule) -> list[Reason]:
    """Find the first reason against steady state: a warm-up that was too short, or a change or drift in the window."""
    for what, before, within in (
        ("throughput", _throughput(warmup), _throughput(window)),
        ("service time (p50)", _service(warmup), _service(window)),
    ):
        reason = _settling(what, before, within, schedule) or _changed(what, within)
        if reason is not None:
            return [reason]
    return []


def _settling(what: str, before: Sequence[float], within: Sequence[float], schedule: Schedule) -> Reason | None:
    """Reason for a transient that lasted into the window and moved its mean."""
    settled = transient([*before, *within]) - len(before)
    if not 0 < settled <= SETTLING_SHARE * len(within):
        return None
    first, rest = within[:settled], within[settled:]
    moved = _mean(within) / _mean(rest) - 1 if _mean(rest) else math.inf
    if abs(moved) <= MOVES or not beyond_chance(first, rest):
        return None
    message = f"{what} settled only {settled} s into the window (MSER-5), which moved its mean by {moved:+.0%}"
    enough_s = 5 * math.ceil((schedule.warmup_s + settled) / 5)
    return Reason("warmup_too_short", message, f"use a longer warm-up: --warmup {enough_s}s")


def _changed(what: str, within: Sequence[float]) -> Reason | None:
    change = change_of(within)
    if change is None:
        return None
    longer = max(within[: change.at], within[change.at :], key=len)
    if _mean(longer) and abs(_mean(within) / _mean(longer) - 1) <= MOVES:
        return None
    message = (
        f"{what} drifted: its mean in the second half of the window was {change.ratio:.2f} of the first's"
        if change.trend
        else f"{what} changed {change.at} s into the window to {change.ratio:.2f} of what it was"
    )
    do = "look for a change in the timeline and the server's samples; use a longer warm-up and window"
    return Reason("not_steady", f"{message}, beyond chance", do)


def _throughput(seconds: Sequence[Second]) -> list[float]:
    return [float(sum(t.ended for t in second.transactions.values())) for second in seconds]


def _service(seconds: Sequence[Second]) -> list[float]:
    """Median service time in µs of each second in which something was answered."""
    histograms = (merge(t.histogram(SERVICE) for t in second.transactions.values()) for second in seconds)
    return [float(histogram.percentile_us(50)) for histogram in histograms if histogram.total]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
