"""Latencies counted in HdrHistogram's log-linear layout: 1 µs to 1 hour, three significant digits.

Values up to 2,047 µs have a slot each; above, every doubling of the range is split into 1,024 slots, so that a slot is
never wider than 0.1 % of its values. Slot numbers are those of HdrHistogram(1, 3_600_000_000, 3) in any language.

Numpy is imported only where arrays are asked for: the recorder runs in the load generator's hot path.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from capacity.arrays import Ints

LOWEST_US: Final = 1
HIGHEST_US: Final = 3_600_000_000
SIGNIFICANT_DIGITS: Final = 3

_LINEAR_BITS: Final = 11  # 2^11 is the first power of two that gives 2 × 10^3 values a slot each
_LINEAR: Final = 1 << _LINEAR_BITS
_HALF_BITS: Final = _LINEAR_BITS - 1
SLOTS: Final = (HIGHEST_US.bit_length() - _LINEAR_BITS + 2) << _HALF_BITS
"""Length of the whole array of counts."""


def index_of(us: int) -> int:
    """The slot of a latency in whole microseconds, clamped to 0 … 1 hour."""
    if us < _LINEAR:
        return max(us, 0)
    shift = min(us, HIGHEST_US).bit_length() - _LINEAR_BITS
    return (shift << _HALF_BITS) + (min(us, HIGHEST_US) >> shift)


def indexes_of(us: Ints) -> Ints:
    """:func:`index_of` of each of many; any shape."""
    import numpy as np

    clamped = np.clip(us, 0, HIGHEST_US)
    _, bits = np.frexp(clamped)  # as int.bit_length, exact below 2^53
    shift = np.maximum(bits - _LINEAR_BITS, 0)
    indexes: Ints = (shift << _HALF_BITS) + (clamped >> shift)
    return indexes


def lowest_us(index: int) -> int:
    """The smallest value that falls into a slot."""
    shift = max((index >> _HALF_BITS) - 1, 0)
    return (index - (shift << _HALF_BITS)) << shift


def highest_us(index: int) -> int:
    """The largest value that falls into a slot: HdrHistogram's "highest equivalent value"."""
    return lowest_us(index) + (1 << max((index >> _HALF_BITS) - 1, 0)) - 1


def rank(percentile: float, total: int) -> int:
    """Which of ``total`` ordered values is the percentile, from 1: HdrHistogram's rounding."""
    return max(int(min(percentile, 100.0) * total / 100 + 0.5), 1)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by slot (only those above 0), and the largest value itself. Read-only by agreement."""

    counts: Mapping[int, int]
    max_us: int

    @staticmethod
    def of(values_us: Iterable[int]) -> Histogram:
        """The histogram of values in whole microseconds."""
        recorder = Recorder()
        for us in values_us:
            recorder.record_us(us)
        return recorder.take()

    @property
    def total(self) -> int:
        """Number of values recorded."""
        return sum(self.counts.values())

    @property
    def mean_us(self) -> float:
        """Mean by the middle of each slot, so within 0.05 %; 0 when empty."""
        total = self.total
        middles = (n * (lowest_us(i) + highest_us(i)) / 2 for i, n in self.counts.items())
        return sum(middles) / total if total else 0.0

    def percentile_us(self, percentile: float) -> int:
        """Highest value equivalent to the percentile, never above the largest recorded; 0 when empty.

        At most 0.1 % above the value itself. ``percentile`` lies in 0 … 100.
        """
        remaining = rank(percentile, self.total)
        for index, count in sorted(self.counts.items()):
            remaining -= count
            if remaining <= 0:
                return min(highest_us(index), self.max_us)
        return 0

    def arrays(self) -> tuple[Ints, Ints]:
        """Slots in order and their counts, as two arrays of equal length."""
        import numpy as np

        ordered = self.counts if isinstance(self.counts, Slots) else Slots(self.counts)
        return np.array(ordered.slots, np.int64), np.array(ordered.counts, np.int64)


EMPTY: Final = Histogram({}, 0)


class Slots(Mapping[int, int]):
    """Counts by slot, in order, in twelve bytes each: a dictionary of as many takes ten times the memory."""

    __slots__ = ("counts", "slots")

    def __init__(self, counts: Mapping[int, int]) -> None:
        self.slots = array("I", sorted(counts))
        self.counts = array("Q", map(counts.__getitem__, self.slots))

    def __getitem__(self, slot: int) -> int:
        place = bisect_left(self.slots, slot)
        if place == len(self.slots) or self.slots[place] != slot:
            raise KeyError(slot)
        return self.counts[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self.slots)

    def __len__(self) -> int:
        return len(self.slots)

    def __repr__(self) -> str:
        return f"Slots({dict(self)})"

    def items(self) -> ItemsView[int, int]:
        """Slots with their counts, without looking each up."""
        return _Items(self)

    def values(self) -> ValuesView[int]:
        """The counts, without looking each up."""
        return _Values(self)


class _Items(ItemsView[int, int]):
    """Items by iterating both arrays, where the mix-in would look each slot up."""

    _mapping: Slots

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._mapping.slots, self._mapping.counts, strict=True)


class _Values(ValuesView[int]):
    _mapping: Slots

    def __iter__(self) -> Iterator[int]:
        return iter(self._mapping.counts)


def compact(histogram: Histogram) -> Histogram:
    """Copy a histogram into the least memory: a run has dozens for each second."""
    return Histogram(Slots(histogram.counts), histogram.max_us) if histogram.counts else EMPTY


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """Merge histograms into one of all their values."""
    counts: defaultdict[int, int] = defaultdict(int)
    max_us = 0
    for histogram in histograms:
        max_us = max(max_us, histogram.max_us)
        for index, count in histogram.counts.items():
            counts[index] += count
    return compact(Histogram(counts, max_us))


class Recorder:
    """Counts latencies until they are taken away.

    Sparse, because an interval touches a few hundred of 23,552 slots: taking one second's counts then swaps a
    dictionary, where a full array would have to be scanned and cleared for every series each second.
    """

    __slots__ = ("_counts", "_max_us")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._max_us = 0
        """Largest latency among those that share slots."""

    def record_us(self, us: int) -> None:
        """Count one latency in whole microseconds; below 0 counts as 0, above an hour as an hour."""
        # index_of written out, and neither min() nor max(): calls would double the cost.
        counts = self._counts
        if us < _LINEAR:
            index = us if us > 0 else 0
        else:
            if us > self._max_us:
                us = min(us, HIGHEST_US)
                self._max_us = us
            shift = us.bit_length() - _LINEAR_BITS
            index = (shift << _HALF_BITS) + (us >> shift)
        counts[index] = counts.get(index, 0) + 1  # Counter's default value would cost a call

    def record_indexes(self, indexes: Iterable[int], max_us: int) -> None:
        """Count latencies by their slots, of :func:`indexes_of`; ``max_us`` is the largest of them."""
        self._counts.update(indexes)
        if max_us >= _LINEAR:
            self._max_us = max(self._max_us, min(max_us, HIGHEST_US))

    def take(self) -> Histogram:
        """Return the latencies recorded since the last call, and start again."""
        counts = dict(self._counts)
        histogram = Histogram(counts, self._max_us or max(counts, default=0))
        self._counts = Counter()
        self._max_us = 0
        return histogram
