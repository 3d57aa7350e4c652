"""Peak-to-mean ratio of production's load, from request counts.

Counts show the peak at their own resolution only: within an hour or a minute, seconds differ, and the busiest second is
busier than the mean of its minute. A lower bound of the difference follows from independent arrivals, for which the
seconds of a bucket are Poisson around its mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.growth import LARGEST_VALUE
from capacity.values import LEVEL, Interval, Refusal
from capacity.workload.block import SECONDS_A_DAY

LEAST_DAYS = 7
"""Least days of counts: a week, which has every weekday."""
WHOLE_DAY = 0.9
"""Share of a day's buckets that must have counts for the day to be used."""
COARSEST_S = 3_600
"""Longest bucket in s; longer ones mix day and night."""
FINEST_S = 1
"""Shortest bucket in s: the workload's peak is that of a second."""

_SMOOTH = 1e9
"""Arrivals per second above which the seconds of a bucket differ by less than a ten-thousandth."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Peak over mean load; intervals are predictions for another period as long as the counted one."""

    ratio: Interval
    """Busiest bucket over the mean."""
    second: Interval
    """Busiest second over the mean, for independent arrivals in a bucket; ``ratio`` if buckets are seconds."""
    bucket_s: float
    days: int
    """Whole days, from which mean and peak are taken."""
    left_out_days: int
    """Days left out because less than WHOLE_DAY of them has counts."""
    mean_per_s: float
    first_day: int
    """Number of the first whole day, from the midnight that times are relative to."""
    last_day: int


def peak_to_mean(start_s: Sequence[float], counts: Sequence[float], level: float = LEVEL) -> Peak | Refusal:
    """Estimate peak to mean from requests counted in buckets that begin at ``start_s``, in s from some midnight.

    Buckets come in any order; NaN is a missing count. The value is the observed maximum. The maximum of as many future
    days is as likely above it as below: logs of daily peaks have an exponential tail, whose scale is the mean excess of
    the top quarter of days, so the difference of two periods' maxima is logistic with that scale; the interval is its
    quantiles, widened by 1 + 1/k for a scale from k days. The length of a bucket is the commonest step. Days without
    almost all counts are left out. For the busiest second the interval is widened by the spread of the greatest of as
    many Poisson counts. Refuses unusable numbers, buckets over an hour, under a second or at irregular steps, fewer
    than seven whole days, and no traffic.
    Source: E. J. Gumbel, Statistics of Extremes, 1958; mean excess: B. M. Hill, Annals of Statistics 3, 1975.
    """
    counted_days = _regular(start_s, counts, level)
    if isinstance(counted_days, Refusal):
        return counted_days
    bucket_s, days, left_out = counted_days
    if len(days) < LEAST_DAYS:
        missing = f"at least {LEAST_DAYS} days with counts for {WHOLE_DAY:.0%} of each; {len(days)} given"
        return Refusal("too_few_days", missing, "give a week or more of request counts")
    by_bucket = np.concatenate(list(days.values()))
    mean = float(np.mean(by_bucket))
    if not mean > 0:
        return Refusal("no_traffic", "a request", "give counts of a time with traffic")
    logs = np.sort(np.log([max(float(day.max()), mean) / mean for day in days.values()]))
    top = max(len(logs) // 4, 3)
    scale = float(np.mean(logs[-top:] - logs[-top - 1]))
    half = scale * math.log((1 + level) / (1 - level)) * (1 + 1 / top)
    observed = max(float(by_bucket.max()) / mean, 1.0)
    below, middle, above = _busiest_second(by_bucket / bucket_s, bucket_s, level)
    return Peak(
        ratio=_around(observed, half, half, level),
        second=_around(
            max(middle * bucket_s / mean, observed),
            half + math.log(middle / below),
            half + math.log(above / middle),
            level,
        ),
        bucket_s=bucket_s,
        days=len(days),
        left_out_days=left_out,
        mean_per_s=mean / bucket_s,
        first_day=min(days),
        last_day=max(days),
    )


def _around(value: float, below: float, above: float, level: float) -> Interval:
    """Interval that reaches ``below`` and ``above`` the value in logarithms; no peak is below its mean."""
    return Interval(max(value * math.exp(-below), 1.0), value, value * math.exp(above), level)


def _busiest_second(rates: Floats, bucket_s: float, level: float) -> tuple[float, float, float]:
    """Low end, median and high end of the greatest count of any second, from the mean rate of each bucket."""
    from scipy.special import pdtr

    busiest = float(rates.max())
    if bucket_s <= FINEST_S or busiest > _SMOOTH:
        return busiest, busiest, busiest
    # Buckets of less than half the greatest rate cannot hold the busiest second, unless all are nearly empty.
    high_rates, often = np.unique(rates[rates > busiest / 2 - 10], return_counts=True)

    def quantile(share: float) -> float:
        low, high = math.floor(busiest) - 1, math.ceil(busiest + 20 * math.sqrt(busiest) + 40)
        while high - low > 1:
            at = (low + high) // 2
            with np.errstate(divide="ignore"):
                reached = float(np.sum(often * bucket_s * np.log(pdtr(at, high_rates))))
            low, high = (low, at) if reached >= math.log(share) else (at, high)
        return max(float(high), busiest)

    below, middle, above = (quantile(share) for share in ((1 - level) / 2, 0.5, (1 + level) / 2))
    return below, middle, above


def _regular(
    start_s: Sequence[float], counts: Sequence[float], level: float
) -> tuple[float, dict[int, Floats], int] | Refusal:
    """Length of a bucket, counts of the whole days by day, and the number of other days."""
    rows = _counted(start_s, counts, level)
    if isinstance(rows, Refusal):
        return rows
    times, known = rows
    steps, often = np.unique(np.round(np.diff(times), 3), return_counts=True)
    bucket_s = float(steps[np.argmax(often)])
    if not 0 < bucket_s <= COARSEST_S:
        return Refusal("too_coarse", f"counts by the hour or finer, not by {bucket_s:g} s", "count by the minute")
    if bucket_s < FINEST_S:
        return Refusal("too_fine", f"counts by the second or coarser, not by {bucket_s:g} s", "count by the minute")
    off = np.mod(times - times[0], bucket_s)
    if (np.minimum(off, bucket_s - off) > 0.01 * bucket_s + 1e-3).any():
        return Refusal("irregular_times", f"times at regular steps of {bucket_s:g} s", "count by the minute")
    days, first = np.unique(np.floor(times / SECONDS_A_DAY), return_index=True)
    parts = zip(days, np.split(known, first[1:]), strict=True)
    whole = {
        int(day): day_counts for day, day_counts in parts if len(day_counts) >= WHOLE_DAY * SECONDS_A_DAY / bucket_s
    }
    return bucket_s, whole, len(days) - len(whole)


def _counted(start_s: Sequence[float], counts: Sequence[float], level: float) -> tuple[Floats, Floats] | Refusal:
    """Times and counts in the order of time, without missing counts."""
    if not 0 < level < 1 or len(start_s) != len(counts):
        missing = "one count for each time, and a level between 0 and 1"
        return Refusal("bad_measurement", missing, f"correct the rows; use the level {LEVEL:g}")
    times, known = np.asarray(start_s, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    times, known = times[~np.isnan(known)], known[~np.isnan(known)]
    usable = (np.abs(times) < LARGEST_VALUE) & (known >= 0) & (known < LARGEST_VALUE)
    if not usable.all():
        bad = int(np.argmin(usable))
        missing = f"finite times and counts of 0 or more, not {known[bad]:g} at {times[bad]:g} s"
        return Refusal("bad_measurement", missing, "correct the row, or leave its count empty")
    order = np.argsort(times, kind="stable")
    times, known = times[order], known[order]
    if (np.diff(times) == 0).any():
        return Refusal("doubled_time", "one row for each time", "add up the rows of one time, or remove one")
    if len(times) < 2:
        return Refusal("too_few_days", f"at least {LEAST_DAYS} days of counts", "give a week or more of request counts")
    if not known.sum() > 0:
        return Refusal("no_traffic", "a request", "give counts of a time with traffic")
    return times, known
