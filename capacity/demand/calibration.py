"""Calibration of a target against the measured server.

Both run the same statements, cached, on one connection: the ratio of the times is that of their CPUs' speed on this
work. Commits wait for a disk and round trips for a network, which do not follow from the CPU, so they are timed
separately. Without a calibration the ratio is an assumption with a range, and marked as one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from capacity.values import LEVEL, Interval, Origin, Refusal

LEAST_STATEMENTS = 3
"""Fewest statements timed on both machines; fewer would not show how much the ratio varies between statements."""
ASSUMED_RATIO = Interval(0.5, 1.0, 2.0)
"""CPU time on another kind of server over that on the measured one, without calibration.

Assumption: single-thread benchmarks of server CPUs sold between 2018 and 2026 differ by up to about a factor of two,
and a virtual CPU is a thread of a core that another tenant may share.
"""
LONGEST_S = 1e6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Times of one server in s, for statements run alone and cached; None where not measured."""

    statement_s: Mapping[str, Interval]
    round_trip_s: Interval | None
    commit_s: Interval | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """CPU time of a statement on the target over that on the measured server, and its origin."""

    value: Interval
    origin: Origin
    source: str


def assumed_ratio(level: float = LEVEL) -> Ratio:
    """Return the ratio of servers that were not both calibrated. Raises ValueError for a level outside 0 to 1."""
    return Ratio(
        Interval(ASSUMED_RATIO.low, ASSUMED_RATIO.value, ASSUMED_RATIO.high, level),
        Origin.ASSUMPTION,
        "no calibration of both servers: run `loadgen calibrate` against each",
    )


def cpu_time_ratio(measured_on: Calibration, target: Calibration, level: float = LEVEL) -> Ratio | Refusal:
    """Estimate CPU time on ``target`` over that on ``measured_on`` from the statements that both ran.

    It is the geometric mean of the ratios with equal weights. Statements differ in how they use a CPU, so the interval
    is that of a further statement (prediction, Student's t), widened by the errors of the times. Refuses fewer than
    three common statements, and unusable times.
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"use {LEVEL:g}")
    names = sorted(set(measured_on.statement_s) & set(target.statement_s))
    if len(names) < LEAST_STATEMENTS:
        missing = f"at least {LEAST_STATEMENTS} statements timed on both servers; {len(names)} given"
        return Refusal("too_few_statements", missing, "calibrate both with the same scenarios")
    logs, variance = [], 0.0
    for name in names:
        source_s, target_s = measured_on.statement_s[name], target.statement_s[name]
        for time_s in (source_s, target_s):
            if not 0 < time_s.low <= time_s.high < LONGEST_S:
                return Refusal("bad_measurement", f"times of {name!r} above 0 s", "calibrate again")
        logs.append(math.log(target_s.value / source_s.value))
        variance += (_spread(source_s) ** 2 + _spread(target_s) ** 2) / len(names)
    mean = math.fsum(logs) / len(logs)
    scatter = math.fsum((log - mean) ** 2 for log in logs) / (len(logs) - 1)
    t = float(stdtrit(len(logs) - 1, (1 + level) / 2))
    half = t * math.sqrt(scatter * (1 + 1 / len(logs)) + variance / len(logs))
    value = Interval(math.exp(mean - half), math.exp(mean), math.exp(mean + half), level)
    return Ratio(value, Origin.MEASURED, f"{len(names)} statements timed on both servers")


def change_of_waits(
    measured_on: Calibration, target: Calibration, round_trips: float, commits: float
) -> Interval | Refusal:
    """Estimate how many seconds longer a transaction waits on the target, for its round trips and commits.

    Refuses numbers below 0, and a time that is needed but was not measured on both servers.
    """
    low = value = high = 0.0
    level = LEVEL
    for count, source_s, target_s, name in (
        (round_trips, measured_on.round_trip_s, target.round_trip_s, "the round trip"),
        (commits, measured_on.commit_s, target.commit_s, "the commit"),
    ):
        if not 0 <= count < LONGEST_S:
            return Refusal("bad_measurement", f"a number of 0 or more for {name}, not {count:g}", "correct it")
        if count == 0:
            continue
        if source_s is None or target_s is None:
            missing = f"{name} of both servers"
            return Refusal("not_calibrated", missing, "calibrate a database that `loadgen init` marked on each")
        low += count * (target_s.low - source_s.high)
        value += count * (target_s.value - source_s.value)
        high += count * (target_s.high - source_s.low)
        level = source_s.level
    return Interval(low, value, high, level)


def times(first: Interval, second: Interval) -> Interval:
    """Return the product of two quantities with independent errors, whose half-widths add as squares."""
    value = first.value * second.value
    if first.low > 0 and second.low > 0:
        down = math.hypot(math.log(first.value / first.low), math.log(second.value / second.low))
        up = math.hypot(_log_up(first), _log_up(second))
        return Interval(value * math.exp(-down), value, value * math.exp(up), first.level)
    down = math.hypot((first.value - first.low) * second.value, (second.value - second.low) * first.value)
    up = math.hypot((first.high - first.value) * second.value, (second.high - second.value) * first.value)
    return Interval(max(value - down, 0.0), value, value + up, first.level)


def _log_up(interval: Interval) -> float:
    return math.log(interval.high / interval.value)


def _spread(interval: Interval) -> float:
    """Standard deviation of the logarithm, for a log-normal quantity with this central interval."""
    from scipy.special import ndtri

    return math.log(interval.high / interval.low) / (2 * float(ndtri((1 + interval.level) / 2)))
