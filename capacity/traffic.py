"""What production does: the peak over the mean from counted requests, transactions from counted statements.

A peak to mean read off counts is that of their resolution: within an hour, or a minute, seconds differ, and the busiest
second is busier than its minute says. So the figure is a lower bound of what the workload law asks for.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from capacity.values import Interval, Refusal

DAY_S = 86_400
LEAST_DAYS = 7
"""Under a week nobody has seen a Monday and a Sunday."""
WHOLE_DAY = 0.9
"""Of a day's buckets that must have been counted for its peak to be that day's."""
COARSEST_S = 3_600
"""Wider buckets hold day and night together."""
LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest bucket over the mean of all; the interval is that of another stretch as long as the one counted."""

    ratio: Interval
    bucket_s: float
    days: int
    mean_per_s: float


def peak_to_mean(start_s: Sequence[float], counts: Sequence[float], level: float = 0.9) -> Peak | Refusal:
    """Peak to mean of requests counted in buckets that begin at ``start_s``, seconds since some midnight.

    Buckets come in any order; NaN is one that was not counted. The value is the busiest that was seen. The busiest of
    as many days to come is above it as often as below: logs of daily peaks have an exponential tail, whose scale is the
    mean excess of the top quarter of days, so the maxima of two stretches differ by a logistic of that scale; the
    interval is its quantiles, widened by 1 + 1/k for a scale from k days. The bucket's length is the commonest step.
    Refuses unusable numbers, buckets over an hour or at irregular steps, under seven whole days, and no traffic.
    Source: E. J. Gumbel, Statistics of Extremes, 1958; mean excess: B. M. Hill, Annals of Statistics 3, 1975.
    """
    answer = _regular(start_s, counts, level)
    if isinstance(answer, Refusal):
        return answer
    bucket_s, by_day, mean = answer
    if len(by_day) < LEAST_DAYS:
        missing = f"{LEAST_DAYS} days counted to {WHOLE_DAY:.0%} or more, there are {len(by_day)}"
        return Refusal("too_few_days", missing, "give a week or more of request counts")
    logs = np.sort(np.log([max(*day, mean) / mean for day in by_day]))
    top = max(len(logs) // 4, 3)
    scale = float(np.mean(logs[-top:] - logs[-top - 1]))
    half = scale * math.log((1 + level) / (1 - level)) * (1 + 1 / top)
    seen = max(max(day) for day in by_day) / mean
    ratio = Interval(max(seen * math.exp(-half), min(seen, 1.0)), seen, seen * math.exp(half), level)
    return Peak(ratio, bucket_s, len(logs), mean / bucket_s)


def _regular(
    start_s: Sequence[float], counts: Sequence[float], level: float
) -> tuple[float, list[list[float]], float] | Refusal:
    """Length of a bucket, counts by whole day, and the mean count of a bucket."""
    seen = _counted(start_s, counts, level)
    if isinstance(seen, Refusal):
        return seen
    times = np.array(sorted(seen))
    steps, often = np.unique(np.round(np.diff(times), 3), return_counts=True)
    bucket_s = float(steps[np.argmax(often)])
    if not 0 < bucket_s <= COARSEST_S:
        return Refusal("too_coarse", f"counts by the hour or finer, not by {bucket_s:g} s", "count by the minute")
    off = np.mod(times - times[0], bucket_s)
    if (np.minimum(off, bucket_s - off) > 0.01 * bucket_s + 1e-3).any():
        return Refusal("irregular_times", f"times that are whole steps of {bucket_s:g} s", "count by the minute")
    days: dict[int, list[float]] = defaultdict(list)
    for at in times:
        days[math.floor(at / DAY_S)].append(seen[float(at)])
    whole = [day for day in days.values() if len(day) >= WHOLE_DAY * DAY_S / bucket_s]
    return bucket_s, whole, float(np.mean(list(seen.values())))


def _counted(start_s: Sequence[float], counts: Sequence[float], level: float) -> dict[float, float] | Refusal:
    """The counts that are there, by time."""
    if not 0 < level < 1 or len(start_s) != len(counts):
        missing = "one count for each time, and a level between 0 and 1"
        return Refusal("bad_measurement", missing, "correct the rows; take the level 0.9")
    seen = {at: count for at, count in zip(start_s, counts, strict=True) if not math.isnan(count)}
    for at, count in seen.items():
        if not (abs(at) < LARGEST and 0 <= count < LARGEST):
            missing = f"finite times and counts of 0 or more, not {count:g} at {at:g} s"
            return Refusal("bad_measurement", missing, "correct the row, or leave its count empty")
    if len(seen) < sum(not math.isnan(count) for count in counts):
        return Refusal("doubled_time", "one row for each time", "sum those of one time up, or drop one")
    if len(seen) < 2:
        return Refusal("too_few_days", f"{LEAST_DAYS} days of counts", "give a week or more of request counts")
    if not sum(seen.values()) > 0:
        return Refusal("no_traffic", "a request", "give counts of a time with traffic")
    return seen


LEAST_EXPLAINED = 0.5
"""Of all calls that known transactions must explain: below it the application is not the one that was described."""


@dataclass(frozen=True, slots=True)
class Transactions:
    """How many transactions of each class the counted statements stand for; ``explained`` of all calls are theirs."""

    count: dict[str, float]
    explained: float


def transactions(calls: Mapping[str, float], makes: Mapping[str, Mapping[str, float]]) -> Transactions | Refusal:
    """Transactions by class from ``calls`` by statement, where one of class c ``makes`` so many of each statement.

    Non-negative least squares of calls = Σ makes·count, errors taken as proportional to the calls. Refuses unusable
    numbers, and statements most of whose calls no class makes.
    """
    from scipy.optimize import nnls

    if not all(0 <= one < LARGEST for one in calls.values()) or not sum(calls.values()) > 0:
        return Refusal("bad_measurement", "calls of 0 or more, and one above 0", "profile again")
    names = sorted(makes)
    known = sorted({text for made in makes.values() for text in made})
    total = sum(calls.values())
    explained = sum(calls.get(text, 0.0) for text in known) / total
    if explained < LEAST_EXPLAINED:
        missing = f"statements of the described transactions: they are {explained:.0%} of the calls"
        return Refusal("other_statements", missing, "describe the application's own transactions in a scenario")
    rows = np.array([[makes[name].get(text, 0.0) for name in names] for text in known])
    aim = np.array([calls.get(text, 0.0) for text in known])
    weight = 1 / np.maximum(aim, 1e-3 * aim.max())
    found, _ = nnls(rows * weight[:, None], aim * weight)
    return Transactions({name: float(one) for name, one in zip(names, found, strict=True)}, explained)
