"""Arrival schedules as pure functions: the integral and its inverse, counts, spacing, processes."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.runs.arrivals import Part, arrivals
from loadgen.runs.format.schedule import Rate, RatePiece, Spacing
from loadgen.runs.rates import Cumulative, steady

STEPS = Rate("100@30s,200@30s", (RatePiece(30, 100, 100), RatePiece(30, 200, 200)))
RAMP = Rate("100..1000@300s", (RatePiece(300, 100, 1000),))
SPIKE = Rate("50@10s,500@5s,50", (RatePiece(10, 50, 50), RatePiece(5, 500, 500), RatePiece(0, 50, 50)))
WAVE = Rate("wave", (RatePiece(10, 0, 80), RatePiece(20, 80, 0)), repeats=True)
PAUSE = Rate("100@1s,0@1s,100", (RatePiece(1, 100, 100), RatePiece(1, 0, 0), RatePiece(0, 100, 100)))
PROFILES = (steady(250), STEPS, RAMP, SPIKE, WAVE, PAUSE)


def times(rate: Rate, spacing: Spacing, until_s: float, *, seed: int = 1, part: Part = Part.WINDOW) -> list[float]:
    return list(arrivals(rate, spacing, seed=seed, part=part, until_s=until_s))


@pytest.mark.parametrize(
    ("rate", "at_s", "expected"),
    [
        (steady(500), 3.0, 1500.0),
        (STEPS, 30.0, 3000.0),
        (STEPS, 45.0, 6000.0),
        (STEPS, 100.0, 3000.0 + 6000.0 + 8000.0),  # the last rate holds
        (RAMP, 300.0, 165_000.0),
        (RAMP, 150.0, 100 * 150 + 450 / 2 * 150),
        (RAMP, 310.0, 175_000.0),
        (SPIKE, 12.0, 500 + 1000),
        (SPIKE, 20.0, 500 + 2500 + 250),
        (WAVE, 10.0, 400.0),
        (WAVE, 30.0, 1200.0),
        (WAVE, 70.0, 2 * 1200 + 400.0),
        (PAUSE, 1.5, 100.0),
        (PAUSE, 2.5, 150.0),
    ],
)
def test_the_integral_of_a_profile(rate: Rate, at_s: float, expected: float) -> None:
    assert Cumulative(rate).expected(np.array([at_s]))[0] == pytest.approx(expected, rel=1e-12)


PIECES = st.builds(RatePiece, st.floats(0.1, 100), st.floats(0, 1e4), st.floats(0, 1e4))


@given(st.lists(PIECES, min_size=1, max_size=6), st.booleans(), st.floats(0, 1))
def test_the_inverse_by_round_trip(pieces: Sequence[RatePiece], repeats: bool, share: float) -> None:
    rate = Rate("any", tuple(pieces), repeats)
    cumulative = Cumulative(rate)
    units = np.array([share * sum(p.seconds * (p.from_tps + p.to_tps) / 2 for p in pieces) * (2 if repeats else 1)])
    at = cumulative.when(units)
    if math.isfinite(at[0]):
        assert cumulative.expected(at)[0] == pytest.approx(units[0], rel=1e-9, abs=1e-6)


def test_a_rate_that_ends_at_nothing_is_never_reached_again() -> None:
    rate = Rate("100..0@2s", (RatePiece(2, 100, 0),))
    assert Cumulative(rate).when(np.array([100.5]))[0] == math.inf
    assert 60 < len(times(rate, "poisson", 1e9)) < 140
    assert times(steady(0), "constant", 1e9) == []
    with pytest.raises(ValueError, match="below zero"):
        Cumulative(Rate("-1", (RatePiece(1, -1, 1),)))


@pytest.mark.parametrize("rate", PROFILES, ids=lambda rate: rate.text)
@pytest.mark.parametrize("seed", range(4))
def test_poisson_counts_in_any_window(rate: Rate, seed: int) -> None:
    found = np.array(times(rate, "poisson", 120.0, seed=seed))
    assert (np.diff(found) > 0).all()
    cumulative = Cumulative(rate)
    for low, high in [(0, 120), (0, 10), (10, 15), (25, 60), (100, 120)]:
        lowest, highest = cumulative.expected(np.array([float(low), float(high)]))
        expected = highest - lowest
        counted = np.count_nonzero((found >= low) & (found < high))
        assert abs(counted - expected) <= 4 * math.sqrt(expected), (low, high)


def test_poisson_gaps_are_exponential_once_the_rate_is_divided_out() -> None:
    units = Cumulative(RAMP).expected(np.array(times(RAMP, "poisson", 120.0)))
    gaps = np.diff(units)
    # Kolmogorov-Smirnov against 1 - e^-x; 1.63/√n is its 1 % point.
    ordered = np.sort(gaps)
    ranks = np.arange(1, len(ordered) + 1) / len(ordered)
    assert np.abs(1 - np.exp(-ordered) - ranks).max() < 1.63 / math.sqrt(len(gaps))
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 4 / math.sqrt(len(gaps))


def test_constant_spacing_is_exact() -> None:
    found = times(steady(400), "constant", 10.0)
    assert len(found) == 4000
    assert found[0] == pytest.approx(1 / 800)
    assert np.diff(found) == pytest.approx(np.full(3999, 1 / 400), abs=1e-12)
    assert len(times(RAMP, "constant", 300.0)) == 165_000
    steps = np.array(times(STEPS, "constant", 60.0))
    assert np.count_nonzero(steps < 30) == 3000
    assert np.count_nonzero(steps >= 30) == 6000


@pytest.mark.parametrize("spacing", ["poisson", "constant"])
@pytest.mark.parametrize("processes", [2, 3, 7])
def test_processes_share_the_very_same_arrivals(spacing: Spacing, processes: int) -> None:
    whole = times(RAMP, spacing, 20.0)
    shares = [
        list(arrivals(RAMP, spacing, seed=1, part=Part.WINDOW, until_s=20.0, process=p, processes=processes))
        for p in range(processes)
    ]
    assert list(heapq.merge(*shares)) == whole
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_seed_and_a_part_decide_everything() -> None:
    assert times(STEPS, "poisson", 9.0) == times(STEPS, "poisson", 9.0)
    assert times(STEPS, "poisson", 9.0) != times(STEPS, "poisson", 9.0, seed=2)
    assert times(STEPS, "poisson", 9.0) != times(STEPS, "poisson", 9.0, part=Part.WARMUP)
    longer = times(STEPS, "poisson", 20.0)
    assert [at for at in longer if at < 9.0] == times(STEPS, "poisson", 9.0)
