"""Percentiles and throughput of a measured window, with intervals that allow for autocorrelation.

Latencies of the same and of neighbouring seconds are not independent (a checkpoint slows all of them), so intervals
come from resampling blocks of consecutive seconds: the circular block bootstrap (Politis & Romano 1992) with blocks of
about √n seconds. With k blocks a bootstrap spreads as if k - 1 of them were free, and its quantiles are the normal's:
half-widths are multiplied by √(k / (k - 1)) · t(k - 1) / z, which widens those of short windows.

Coverage of nominal 95 % in simulated windows of 6 to 120 s with 60 latencies a second: 92-99 % when seconds are
independent, 86-98 % at an autocorrelation of 0.5, 71-95 % at 0.8, lowest for p99 in 20 s. What fluctuates over many
seconds needs a longer window, not another formula. tests/runs/test_estimate.py repeats a part of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from capacity.values import Interval
from loadgen.runs.format.latency import Latency
from loadgen.runs.histogram import EMPTY, Histogram, highest_us, lowest_us, merge, rank

if TYPE_CHECKING:
    from capacity.arrays import Floats

RUN_LEVEL: Final = 0.95
"""Level of the intervals of one run's latencies and throughput."""
REPLICATES: Final = 400
"""Replicates of the bootstrap: the end points are the 10th from each side."""
BEYOND: Final = 10
"""Observations required beyond a percentile: p50 needs 20 in all, p95 200, p99 1,000."""
MIN_SECONDS: Final = 4
"""Shortest window with an interval: two blocks of two seconds."""
MAX_UNITS: Final = 240
"""Most units to resample: those of longer windows are several seconds, still shorter than a block."""
_SEED: Final = 20_240_229


def latency(seconds: Sequence[Histogram], censored: Histogram = EMPTY) -> Latency:
    """Sum up the histograms of a window's seconds, in order and with empty ones where nothing happened.

    A percentile is None unless at least ten observations lie beyond it and the window has four seconds. Values are
    those of :meth:`Histogram.percentile_us`; intervals have level 0.95 and contain their value.

    ``censored`` are those among the values that are lower bounds. A percentile below all of them is exact; from the
    shortest of them on it is a lower bound itself, and its interval is open upwards.
    """
    window = merge(seconds)
    percentiles = (50.0, 95.0, 99.0)
    estimable = [p for p in percentiles if window.total * (1 - p / 100) >= BEYOND and len(seconds) >= MIN_SECONDS]
    intervals = _percentiles(seconds, window, estimable) if estimable else {}
    bound_ms = lowest_us(min(censored.counts)) / 1000 if censored.counts else math.inf
    intervals = {p: replace(i, high=math.inf) if i.value >= bound_ms else i for p, i in intervals.items()}
    return Latency(
        count=window.total,
        mean_ms=min(window.mean_us, window.max_us) / 1000,
        p50_ms=intervals.get(50.0),
        p95_ms=intervals.get(95.0),
        p99_ms=intervals.get(99.0),
        max_ms=window.max_us / 1000,
        censored=censored.total,
        censored_from_ms=bound_ms if censored.counts else None,
    )


def throughput(counts_per_s: Sequence[int]) -> Interval:
    """Mean events a second over consecutive whole seconds. Under four seconds the interval is open.

    Raises ValueError without a single second.
    """
    return mean(counts_per_s)


def mean(values: Sequence[float]) -> Interval:
    """Mean of equally spaced, non-negative, possibly autocorrelated values, with its interval of level 0.95.

    Fewer than four values leave the interval open: 0 to infinity. Raises ValueError when there is none.
    """
    import numpy as np

    if not values:
        raise ValueError("a mean needs at least one value")
    sample = np.asarray(values, float)
    centre = float(sample.mean())
    if len(sample) < MIN_SECONDS:
        return Interval(0.0, centre, math.inf, RUN_LEVEL)
    # The last unit may be shorter: divide a replicate by the seconds that it drew.
    units = _grouped(np.column_stack([sample, np.ones_like(sample)]))
    drawn = _weights(len(units)) @ units
    return _interval(centre, drawn[:, 0] / drawn[:, 1], len(units), lowest=0.0, highest=math.inf)


def _percentiles(
    seconds: Sequence[Histogram], window: Histogram, percentiles: Sequence[float]
) -> dict[float, Interval]:
    import numpy as np

    slots, _ = window.arrays()
    counts = np.zeros((len(seconds), len(slots)))
    for row, histogram in enumerate(seconds):
        row_slots, row_counts = histogram.arrays()
        counts[row, np.searchsorted(slots, row_slots)] = row_counts
    units = _grouped(counts)
    # Float sums are exact: counts stay far below 2^53.
    cumulated = np.cumsum(_weights(len(units)) @ units, axis=1)
    values_ms = np.array([min(highest_us(int(slot)), window.max_us) for slot in slots]) / 1000
    intervals = {}
    for percentile in percentiles:
        ranks = np.array([rank(percentile, int(total)) for total in cumulated[:, -1]])
        # A replicate that drew empty seconds alone has no percentile.
        reached = (cumulated >= ranks[:, None])[cumulated[:, -1] > 0]
        replicates = values_ms[np.argmax(reached, axis=1)]
        centre = window.percentile_us(percentile) / 1000
        intervals[percentile] = _interval(centre, replicates, len(units), lowest=0.0, highest=window.max_us / 1000)
    return intervals


def _interval(centre: float, replicates: Floats, units: int, *, lowest: float, highest: float) -> Interval:
    """Quantiles of the replicates, widened for the number of blocks, clamped to ``lowest`` … ``highest``."""
    import numpy as np
    from scipy.special import ndtri, stdtrit

    tail = (1 - RUN_LEVEL) / 2
    blocks = units / _block(units)
    widen = math.sqrt(blocks / (blocks - 1)) * float(stdtrit(blocks - 1, 1 - tail) / ndtri(1 - tail))
    low, high = (float(q) for q in np.quantile(replicates, (tail, 1 - tail)))
    return Interval(
        low=min(centre, max(lowest, centre - widen * (centre - low))),
        value=centre,
        high=max(centre, min(highest, centre + widen * (high - centre))),
        level=RUN_LEVEL,
    )


def _grouped(rows: Floats) -> Floats:
    """Rows summed in equal runs of consecutive seconds, at most MAX_UNITS of them; the last may be shorter."""
    import numpy as np

    width = math.ceil(len(rows) / MAX_UNITS)
    summed: Floats = np.add.reduceat(rows, np.arange(0, len(rows), width), axis=0)
    return summed


def _block(units: int) -> int:
    return max(2, round(math.sqrt(units)))


@lru_cache(maxsize=8)
def _weights(units: int) -> Floats:
    """Number of times that each replicate draws each unit, shape (REPLICATES, units); rows sum to ``units``.

    The seed is fixed: the same record gives the same interval, whoever reads it.
    """
    import numpy as np

    length = _block(units)
    starts = np.random.default_rng(_SEED).integers(0, units, (REPLICATES, math.ceil(units / length)))
    drawn = ((starts[:, :, None] + np.arange(length)) % units).reshape(REPLICATES, -1)[:, :units]
    weights = np.zeros((REPLICATES, units))
    np.add.at(weights, (np.arange(REPLICATES)[:, None], drawn), 1.0)
    weights.setflags(write=False)
    return weights
