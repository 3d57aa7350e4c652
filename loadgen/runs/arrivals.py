"""Intended arrival times of an open load: a pure function of rate, spacing, seed and process.

The k-th arrival is at Λ⁻¹(S(k)): for a Poisson process S is a sum of k unit exponentials (the time-change theorem); for
constant spacing S is k - ½, so that an arrival lies in the middle of its share of Λ and a window [0, T) holds Λ(T) of
them, to the nearest whole one.

Each of p processes draws the same arrivals and keeps every p-th. The whole load is then the same for any number of
them, Poisson or evenly spaced, and is shared equally. Independent streams of λ/p would change the
arrivals with p, and bunch them where they should be even. The price is that each process draws all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import numpy as np

from capacity.arrays import Floats
from loadgen.runs.format.schedule import Rate, Spacing
from loadgen.runs.rates import Cumulative

_BATCH: Final = 256
"""Arrivals drawn at a time, which keeps a process busy for some 40 µs."""


class Part(IntEnum):
    """Stretches of a run whose arrivals are independent: a longer warm-up leaves those of the window as they are."""

    WARMUP = 0
    WINDOW = 1


def arrivals(
    rate: Rate, spacing: Spacing, *, seed: int, part: Part, until_s: float, process: int = 0, processes: int = 1
) -> Iterator[float]:
    """Times in [0, ``until_s``) in ascending order, in seconds from the beginning of the part."""
    cumulative = Cumulative(rate)
    for units in _units(spacing, seed, part, process, processes):
        times = cumulative.when(units)
        yield from times[: int(np.searchsorted(times, until_s, side="left"))].tolist()
        if times[-1] >= until_s:
            return


def _units(spacing: Spacing, seed: int, part: Part, process: int, processes: int) -> Iterator[Floats]:
    """S(k) of the arrivals that one process keeps, a batch at a time, without end."""
    rng = np.random.Generator(np.random.PCG64([seed, part]))
    reached = 0.0
    first = 0
    while True:
        if spacing == "constant":
            sums = np.arange(first, first + _BATCH, dtype=np.float64) + 0.5
        else:
            sums = reached + np.cumsum(rng.standard_exponential(_BATCH))
            reached = float(sums[-1])
        # Batches, and so the sums to the last bit, are the same for any number of processes.
        share = sums[(process - first) % processes :: processes]
        if len(share):
            yield share
        first += _BATCH
