"""Which pools a sweep showed to be as good as the best.

A pool of N is as good when its throughput X(N) is not lower by more than 5 %, and the 99th percentile with waiting not
longer by more than 15 %: with M clients it is p99(N) + (M − N)/X(N), the wait for one of N connections by Little's law,
M the most that were measured.

Runs scatter, so a level just inside a margin may in truth be outside: beside the least level that is good by the means
stand the least that may be, and the least that surely is, by the interval of a ratio of two levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.measured import SweptScenario
from capacity.repeats import POOL_MARGIN, PooledLogs, pool_range
from capacity.values import Refusal

P99_MARGIN = 0.15
"""A pool is as good as the best when its p99, waiting included, is not longer by more than this share."""
LEVEL = 0.9


@dataclass(frozen=True, slots=True)
class MeasuredPool:
    """Levels of one scenario. ``above``: the true least pool is larger than this; 0 when no level says so."""

    above: int
    least: int
    surely: int
    most: int


def measured_pool(scenario: SweptScenario) -> MeasuredPool | Refusal:
    """Refuses a sweep with think time, without valid runs, or one that does not bracket the best pool."""
    if not scenario.busy:
        return Refusal(
            "pool_needs_busy_connections",
            f"a sweep of {scenario.name!r} in which every connection is busy: with think time a level counts users",
            f"run `loadgen sweep {scenario.name}` without think time",
        )
    if not scenario.repeats:
        return Refusal(
            "no_valid_runs", f"a valid run of {scenario.name!r}", f"run `loadgen sweep {scenario.name}` again"
        )
    found = pool_range({level: tps for level in scenario.levels if (tps := scenario.mean_tps(level)) is not None})
    if found is None:
        top = max(scenario.levels)
        return Refusal(
            "pool_not_bracketed",
            f"the pool at which {scenario.name!r} stops gaining throughput: it still gained up to the highest level, "
            f"{top}, or too few levels are valid",
            f"run `loadgen sweep {scenario.name}` with at least three levels, up to {4 * top}",
        )
    waits = p99_with_waiting_ms(scenario)
    best = min(waits.values())
    good = [n for n in scenario.levels if found[0] <= n <= found[1] and waits[n] <= (1 + P99_MARGIN) * best]
    least, most = (good[0], good[-1]) if good else found
    maybe, surely = _told(scenario, waits)
    unlikely = [n for n in scenario.levels if n < least and n not in maybe]
    return MeasuredPool(
        above=max(unlikely, default=0),
        least=least,
        surely=min((n for n in surely if n >= least), default=max(most, min(scenario.levels[-1], 2 * least))),
        most=most,
    )


def p99_with_waiting_ms(scenario: SweptScenario) -> dict[int, float]:
    """By pool, with as many clients as the highest level. The objective's percentile stands in for a missing p99."""
    clients = max(scenario.levels)
    whole = all(level in scenario.p99_ms for level in scenario.levels)
    waits = {}
    for level in scenario.levels:
        inside = scenario.p99_ms[level] if whole else scenario.mean_response_ms(level)
        tps = scenario.mean_tps(level)
        if inside is not None and tps is not None:
            waits[level] = inside + 1000 * (clients - level) / tps
    return waits


def _told(scenario: SweptScenario, waits: dict[int, float]) -> tuple[set[int], set[int]]:
    """Levels that may be as good as the best by what the scatter of runs leaves open, and those that surely are."""
    from scipy.stats import t as student

    levels = scenario.levels
    tps = PooledLogs.of([[r.throughput_tps for r in scenario.repeats if r.level == n] for n in levels])
    if tps.df < 1:
        return set(levels), set()
    response = PooledLogs.of([[r.response_ms for r in scenario.repeats if r.level == n] for n in levels])
    quantile = float(student.ppf((1 + LEVEL) / 2, tps.df))
    best = max(range(len(levels)), key=lambda i: tps.means[i])
    quickest = min(range(len(levels)), key=lambda i: waits[levels[i]])
    maybe, surely = set(), set()
    for i, level in enumerate(levels):
        low, _, high = tps.ratio(i, best, quantile)
        spread = quantile * response.sd * math.sqrt(1 / response.counts[i] + 1 / response.counts[quickest])
        longer = math.log(waits[level] / waits[levels[quickest]])
        allowed = math.log1p(P99_MARGIN)
        if high >= 1 - POOL_MARGIN and longer - spread <= allowed:
            maybe.add(level)
        if (i == best or low >= 1 - POOL_MARGIN) and (i == quickest or longer + spread <= allowed):
            surely.add(level)
    return maybe, surely
