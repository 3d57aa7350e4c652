"""Carrying service demand from the machine that was measured to another.

The same statements, cached, on one connection are timed on both: the ratio of their times is that of the CPUs' speeds
on this work. A commit waits for a disk and a round trip for a network, and neither follows from the CPU: they are
measured for themselves. Where nothing was measured the ratio is an assumption with a range, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from capacity.demand.service_demand import Demand
from capacity.values import LEVEL, Interval, Origin, Refusal

LEAST_STATEMENTS = 3
"""Statements timed on both machines: fewer tell nothing of how differently machines run different work."""
ASSUMED_RATIO = Interval(0.5, 1.0, 2.0)
"""CPU time on a server of another kind over that on the measured one, where neither was calibrated.

Assumption: single-thread benchmarks of server CPUs sold between 2018 and 2026 lie within about two of each other, and a
virtual CPU is a thread of a core that another tenant may share.
"""
LONGEST_S = 1e6


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one target does: seconds by statement, one at a time and cached; None where it could not be measured."""

    statement_s: Mapping[str, Interval]
    round_trip_s: Interval | None
    commit_s: Interval | None


@dataclass(frozen=True, slots=True)
class Ratio:
    """CPU time of a statement on the target over that on the measured server, and where that comes from."""

    value: Interval
    origin: Origin
    source: str


def assumed_ratio(level: float = LEVEL) -> Ratio:
    """The ratio of servers that were not both calibrated. Raises ValueError for a level that is none."""
    return Ratio(
        Interval(ASSUMED_RATIO.low, ASSUMED_RATIO.value, ASSUMED_RATIO.high, level),
        Origin.ASSUMPTION,
        "no calibration of both servers: run `loadgen calibrate` against each",
    )


def cpu_time_ratio(measured_on: Calibration, target: Calibration, level: float = LEVEL) -> Ratio | Refusal:
    """CPU time on ``target`` over that on ``measured_on``, from the statements that both ran.

    The geometric mean of ratios, each weighing the same; statements differ in how much of a CPU's features they use, so
    their scatter is what another statement would show, and the interval is that of a further one (prediction, Student's
    t) widened by how well each was timed. Refuses fewer than three common statements, and times that are none.
    """
    from scipy.special import stdtrit

    if not 0 < level < 1:
        return Refusal("bad_level", f"a level between 0 and 1, not {level:g}", f"take {LEVEL:g}")
    names = sorted(set(measured_on.statement_s) & set(target.statement_s))
    if len(names) < LEAST_STATEMENTS:
        missing = f"at least {LEAST_STATEMENTS} statements timed on both servers, there are {len(names)}"
        return Refusal("too_few_statements", missing, "calibrate both with the same scenarios")
    logs, variance = [], 0.0
    for name in names:
        ours, theirs = measured_on.statement_s[name], target.statement_s[name]
        for one in (ours, theirs):
            if not 0 < one.low <= one.high < LONGEST_S:
                return Refusal("bad_measurement", f"times of {name!r} above 0 s", "calibrate again")
        logs.append(math.log(theirs.value / ours.value))
        variance += (_spread(ours) ** 2 + _spread(theirs) ** 2) / len(names)
    mean = math.fsum(logs) / len(logs)
    scatter = math.fsum((one - mean) ** 2 for one in logs) / (len(logs) - 1)
    t = float(stdtrit(len(logs) - 1, (1 + level) / 2))
    half = t * math.sqrt(scatter * (1 + 1 / len(logs)) + variance / len(logs))
    value = Interval(math.exp(mean - half), math.exp(mean), math.exp(mean + half), level)
    return Ratio(value, Origin.MEASURED, f"{len(names)} statements timed on both servers")


def carried(demand: Demand, ratio: Ratio, waits_s: Interval | None = None) -> Demand:
    """The demand on the other machine: CPU times the ratio; WAL and block reads are those of the work, and stay.

    Time on a connection grows by what the CPU part grows, and by ``waits_s``, the change of round trips and commits
    within a transaction (see :func:`change_of_waits`); it cannot fall below the CPU part. It is None without CPU time.
    """
    if demand.cpu_s is None:
        return replace(demand, connection_hold_s=None)
    cpu = times(demand.cpu_s, ratio.value)
    hold = demand.connection_hold_s
    if hold is not None:
        extra = waits_s or Interval.exact(0.0)
        # The ends of CPU and waits at once: wider than their joint error, since the two were measured apart.
        low = hold.low + (cpu.low - demand.cpu_s.value) + extra.low
        value = hold.value + (cpu.value - demand.cpu_s.value) + extra.value
        high = hold.high + (cpu.high - demand.cpu_s.value) + extra.high
        value = max(value, cpu.value)
        hold = Interval(min(max(low, cpu.low), value), value, max(high, value), hold.level)
    return replace(demand, cpu_s=cpu, connection_hold_s=hold)


def change_of_waits(
    measured_on: Calibration, target: Calibration, round_trips: float, commits: float
) -> Interval | Refusal:
    """Seconds that a transaction waits longer (or shorter) on the target: round trips and commits times their change.

    Refuses what was not measured on both, where a transaction has any of it, and numbers below 0.
    """
    low = value = high = 0.0
    level = LEVEL
    for count, ours, theirs, what in (
        (round_trips, measured_on.round_trip_s, target.round_trip_s, "the round trip"),
        (commits, measured_on.commit_s, target.commit_s, "the commit"),
    ):
        if not 0 <= count < LONGEST_S:
            return Refusal("bad_measurement", f"a number of 0 or more for {what}, not {count:g}", "correct it")
        if count == 0:
            continue
        if ours is None or theirs is None:
            missing = f"{what} of both servers"
            return Refusal("not_calibrated", missing, "calibrate a database that `loadgen init` marked on each")
        low += count * (theirs.low - ours.high)
        value += count * (theirs.value - ours.value)
        high += count * (theirs.high - ours.low)
        level = ours.level
    return Interval(low, value, high, level)


def times(one: Interval, other: Interval) -> Interval:
    """The product of two quantities of independent error: half-widths add as squares, of logs where all is above 0."""
    value = one.value * other.value
    if one.low > 0 and other.low > 0:
        down = math.hypot(math.log(one.value / one.low), math.log(other.value / other.low))
        up = math.hypot(_log_up(one), _log_up(other))
        return Interval(value * math.exp(-down), value, value * math.exp(up), one.level)
    down = math.hypot((one.value - one.low) * other.value, (other.value - other.low) * one.value)
    up = math.hypot((one.high - one.value) * other.value, (other.high - other.value) * one.value)
    return Interval(max(value - down, 0.0), value, value + up, one.level)


def _log_up(interval: Interval) -> float:
    return math.log(interval.high / interval.value)


def _spread(interval: Interval) -> float:
    """Standard deviation of the log that a normal of this central interval has."""
    from scipy.special import ndtri

    return math.log(interval.high / interval.low) / (2 * float(ndtri((1 + interval.level) / 2)))
