"""What a window used, from samples that do not fall on its edges."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.observe.samples import COUNTERS, Counters, Name, Sample, server_use, used

ZERO = Counters(0, 0, 0, 0, 0, 0, 0, checkpoints=0, cpu_s=0.0)


def wal(*points: tuple[float, int]) -> list[Sample]:
    return [Sample(at, replace(ZERO, wal_bytes=value), {}) for at, value in points]


GROWING = st.lists(st.tuples(st.floats(0.1, 3), st.integers(0, 1000)), min_size=2, max_size=20).map(
    lambda steps: wal(*((sum(s for s, _ in steps[:i]), sum(n for _, n in steps[:i])) for i in range(1, len(steps) + 1)))
)


@given(GROWING)
def test_a_window_over_all_samples_uses_all_growth(samples: list[Sample]) -> None:
    grown = samples[-1].counters.wal_bytes - samples[0].counters.wal_bytes
    assert used(samples, "wal_bytes", -1, 1e6) == pytest.approx(grown)


@given(GROWING, st.lists(st.floats(0, 60), min_size=3, max_size=3).map(sorted))
def test_adjoining_windows_add_up(samples: list[Sample], edges: list[float]) -> None:
    parts = [used(samples, "wal_bytes", a, b) or 0.0 for a, b in pairwise(edges)]
    assert sum(parts) == pytest.approx(used(samples, "wal_bytes", edges[0], edges[-1]), abs=1e-6)
    assert min(parts) >= 0


def test_every_counter_has_its_name() -> None:
    assert get_args(Name) == COUNTERS


def test_edges_between_samples_are_interpolated() -> None:
    assert used(wal((0, 0), (1, 100), (2, 300)), "wal_bytes", 0.5, 1.5) == 50 + 100


def test_a_counter_that_began_anew_counts_from_zero() -> None:
    assert used(wal((0, 900), (1, 1000), (5, 30), (6, 40)), "wal_bytes", 0, 6) == 100 + 30 + 10


def test_what_was_never_counted_is_none() -> None:
    samples = [Sample(float(t), replace(ZERO, cpu_s=None, checkpoints=None), {}) for t in range(5)]
    assert used(samples, "cpu_s", 0, 4) is None
    assert server_use(samples, 0, 4, transactions=1).cpu_cores is None
    assert server_use([], 0, 4, transactions=1).wal_bytes_per_txn is None


def test_the_use_of_a_window() -> None:
    samples = [
        Sample(
            float(t),
            replace(ZERO, wal_bytes=1000 * t, blocks_hit=10 * t, cpu_s=0.5 * t, checkpoints=t // 5),
            {"CPU": 2, "IO:WalSync": t % 2},
        )
        for t in range(20)
    ]
    use = server_use(samples, 2.0, 12.0, transactions=100, checkpoints_forced=1)
    assert (use.wal_bytes, use.wal_bytes_per_txn, use.blocks_hit) == (10_000, 100.0, 100)
    assert (use.checkpoints, use.checkpoints_forced) == (2, 1)
    assert use.wait_events == {"CPU": 22, "IO:WalSync": 5}
    assert use.cpu_cores is not None
    assert use.cpu_cores.value == pytest.approx(0.5)
    assert server_use(samples, 2, 12, transactions=0).wal_bytes_per_txn is None
