"""The layout is HdrHistogram's: same slots, same percentiles, and no value outside the data."""

from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadgen.runs.histogram import (
    EMPTY,
    HIGHEST_US,
    LOWEST_US,
    SIGNIFICANT_DIGITS,
    SLOTS,
    Histogram,
    Recorder,
    Slots,
    compact,
    highest_us,
    index_of,
    indexes_of,
    lowest_us,
    merge,
)

# Making the library's histogram is slow; its functions of a value keep no state.
REFERENCE = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
VALUES = st.integers(0, HIGHEST_US) | st.integers(0, 5_000)
EDGES = [0, 1, 2047, 2048, 2049, 4095, 4096, 4097, HIGHEST_US - 1, HIGHEST_US]


def test_the_array_has_the_librarys_length() -> None:
    assert REFERENCE.counts_len == SLOTS
    assert index_of(HIGHEST_US) < SLOTS


@pytest.mark.parametrize("us", EDGES)
def test_slots_at_the_edges(us: int) -> None:
    assert index_of(us) == REFERENCE.get_counts_array_index(us)
    assert lowest_us(index_of(us)) <= us <= highest_us(index_of(us))


@given(VALUES)
def test_slots_are_the_librarys(us: int) -> None:
    index = index_of(us)
    assert index == REFERENCE.get_counts_array_index(us)
    assert lowest_us(index) == REFERENCE.get_lowest_equivalent_value(us)
    assert highest_us(index) == REFERENCE.get_highest_equivalent_value(us)


@given(st.integers(0, SLOTS - 1))
def test_slots_are_found_again_and_narrow(index: int) -> None:
    low, high = lowest_us(index), highest_us(index)
    if high <= HIGHEST_US:
        assert index_of(low) == index_of(high) == index
    assert high - low <= low / 1000


@pytest.mark.slow
@given(st.lists(VALUES, min_size=1, max_size=60), st.floats(0.1, 100))
def test_percentiles_are_the_librarys_within_the_data(values: list[int], percentile: float) -> None:
    reference = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
    for value in values:
        reference.record_value(value)
    ours = Histogram.of(values)
    found = ours.percentile_us(percentile)
    assert found == min(reference.get_value_at_percentile(percentile), max(values))
    assert min(values) <= found <= max(values)
    assert ours.total == len(values)
    assert ours.mean_us == pytest.approx(sum(values) / len(values), rel=0.0006, abs=0.5)


@given(st.lists(VALUES, max_size=30), st.lists(VALUES, max_size=30))
def test_merging_is_recording_everything(left: list[int], right: list[int]) -> None:
    assert merge([Histogram.of(left), Histogram.of(right)]) == Histogram.of(left + right)


@given(st.lists(st.integers(-10, 2 * HIGHEST_US) | VALUES, min_size=1, max_size=60))
def test_many_at_once_are_counted_as_one_by_one(values: list[int]) -> None:
    indexes = indexes_of(np.array(values, np.int64)).tolist()
    assert indexes == [index_of(value) for value in values]
    together = Recorder()
    together.record_indexes(indexes[:20], max(values[:20]))
    if values[20:]:
        together.record_indexes(indexes[20:], max(values[20:]))
    assert together.take() == Histogram.of(values)
    assert together.take() == EMPTY


@given(st.dictionaries(st.integers(0, SLOTS - 1), st.integers(1, 2**40), max_size=30))
def test_slots_are_a_dictionary_in_order(counts: dict[int, int]) -> None:
    slots = Slots(counts)
    assert slots == counts
    assert counts == slots
    assert dict(slots) == counts
    assert list(slots.items()) == sorted(counts.items())
    assert list(slots.values()) == [counts[slot] for slot in sorted(counts)]
    for slot in {*counts, 0, SLOTS - 1}:
        assert slots.get(slot) == counts.get(slot)
        assert (slot in slots) == (slot in counts)
    assert compact(Histogram(counts, 7)) == (Histogram(counts, 7) if counts else EMPTY)


def test_the_recorder_clamps_and_begins_anew() -> None:
    recorder = Recorder()
    for us in (-5, 10 * HIGHEST_US, HIGHEST_US + 1):
        recorder.record_us(us)
    taken = recorder.take()
    assert taken == Histogram({0: 1, index_of(HIGHEST_US): 2}, HIGHEST_US)
    assert taken.percentile_us(100) == HIGHEST_US
    assert recorder.take() == EMPTY


def test_an_empty_histogram_has_no_percentile() -> None:
    assert (EMPTY.total, EMPTY.mean_us, EMPTY.percentile_us(99)) == (0, 0.0, 0)


def test_arrays_are_in_slot_order() -> None:
    slots, counts = Histogram.of([9000, 3, 3, 70]).arrays()
    assert slots.tolist() == [3, 70, index_of(9000)]
    assert counts.tolist() == [2, 1, 1]
