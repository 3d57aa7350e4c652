"""Peaks from counts: planted ones back, at their resolution and by the second, and refusals for what tells nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.values import Refusal
from capacity.workload.peak_to_mean import Peak, peak_to_mean

HOUR = 3600


def hourly(rng: np.random.Generator, days: int, noise: float = 0.1) -> tuple[list[float], list[float]]:
    """A day's curve with a week's rhythm, each day as busy as chance has it."""
    times, counts = [], []
    for day in range(days):
        busy = math.exp(noise * rng.standard_normal()) * (0.6 if day % 7 > 4 else 1.0)
        for hour in range(24):
            times.append(float(day * 86_400 + hour * HOUR))
            shape = 1 + 0.9 * math.sin((hour - 9) * math.pi / 12)
            counts.append(float(rng.poisson(5_000 * busy * shape)))
    return times, counts


def peak(times: list[float], counts: list[float]) -> Peak:
    answer = peak_to_mean(times, counts)
    assert not isinstance(answer, Refusal), answer
    return answer


@pytest.mark.slow
def test_the_peak_of_as_many_days_to_come_is_covered() -> None:
    rng, inside = np.random.default_rng(1), []
    for _ in range(120):
        times, counts = hourly(rng, 56)
        said = peak(times[: 28 * 24], counts[: 28 * 24])
        later = max(counts[28 * 24 :]) / np.mean(counts[: 28 * 24])
        inside.append(said.ratio.low <= later <= said.ratio.high)
    assert np.mean(inside) > 0.85


def test_it_says_what_was_seen_and_how_finely() -> None:
    times, counts = hourly(np.random.default_rng(2), 14)
    said = peak(times, counts)
    assert said.bucket_s == HOUR
    assert said.days == 14
    assert said.ratio.value == pytest.approx(max(counts) / np.mean(counts))
    assert said.mean_per_s == pytest.approx(np.mean(counts) / HOUR)


def test_order_and_missing_counts_change_little() -> None:
    times, counts = hourly(np.random.default_rng(3), 21)
    rows = list(zip(times, counts, strict=True))
    np.random.default_rng(4).shuffle(rows)
    turned = peak([t for t, _ in rows], [c for _, c in rows])
    assert turned == peak(times, counts)
    counts[5] = math.nan
    assert peak(times, counts).ratio.value == pytest.approx(turned.ratio.value, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("per_s", [0.05, 0.7, 20.0])
def test_the_busiest_second_is_covered_by_counts_of_a_minute(per_s: float) -> None:
    rng, inside = np.random.default_rng(6), []
    for _ in range(10):
        seconds = rng.poisson(per_s * np.repeat(np.linspace(1, 3, 24 * 7), 3600).reshape(7, -1).ravel())
        minutes = seconds.reshape(-1, 60).sum(axis=1)
        said = peak([60.0 * i for i in range(len(minutes))], [float(c) for c in minutes])
        truth = seconds.max() / seconds.mean()
        inside.append(said.second.low <= truth <= said.second.high)
        assert said.second.value >= said.ratio.value
    assert np.mean(inside) >= 0.8


def test_counts_by_the_second_need_no_carrying() -> None:
    counts = np.random.default_rng(7).poisson(2.0, 7 * 86_400)
    said = peak([float(i) for i in range(len(counts))], [float(c) for c in counts])
    assert said.second == said.ratio
    assert said.ratio.value == pytest.approx(counts.max() / counts.mean())


def test_days_that_were_not_counted_whole_are_left_out() -> None:
    times, counts = hourly(np.random.default_rng(8), 12)
    kept = [(t, c) for t, c in zip(times, counts, strict=True) if not 3.3 * 86_400 < t < 3.8 * 86_400]
    said = peak([t for t, _ in kept[10:]], [c for _, c in kept[10:]])
    assert (said.days, said.left_out_days, said.first_day, said.last_day) == (10, 2, 1, 11)
    whole = [c for t, c in kept if t >= 86_400 and not 3 * 86_400 <= t < 4 * 86_400]
    assert said.ratio.value == pytest.approx(max(whole) / np.mean(whole))


@given(st.floats(1e-3, 1e6))
def test_rescaled_counts_have_the_same_ratio(factor: float) -> None:
    times, counts = hourly(np.random.default_rng(5), 10)
    one, other = peak(times, counts), peak(times, [c * factor for c in counts])
    assert other.ratio.value == pytest.approx(one.ratio.value)
    assert other.mean_per_s == pytest.approx(one.mean_per_s * factor)


def test_constant_traffic_has_a_peak_of_one() -> None:
    times = [float(HOUR * i) for i in range(24 * 10)]
    said = peak(times, [7.0] * len(times))
    assert (said.ratio.low, said.ratio.value, said.ratio.high) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize(
    ("times", "counts", "code"),
    [
        ([], [], "too_few_days"),
        ([0.0], [5.0], "too_few_days"),
        ([0.0, 1.0], [5.0], "bad_measurement"),
        ([0.0, HOUR], [5.0, -1.0], "bad_measurement"),
        ([0.0, HOUR], [5.0, math.inf], "bad_measurement"),
        ([0.0, 0.0], [5.0, 5.0], "doubled_time"),
        ([0.0, 86_400.0, 172_800.0], [5.0] * 3, "too_coarse"),
        ([0.0, 60, 120, 130], [5.0] * 4, "irregular_times"),
        ([60.0 * i for i in range(200)], [0.0] * 200, "no_traffic"),
        ([3600.0 * i for i in range(200)], [0.0] * 192 + [5.0] * 8, "no_traffic"),
        ([0.5 * i for i in range(200)], [1.0] * 200, "too_fine"),
        ([60.0 * i for i in range(1440)], [1.0] * 1440, "too_few_days"),
    ],
)
def test_what_tells_no_peak_is_refused(times: list[float], counts: list[float], code: str) -> None:
    answer = peak_to_mean(times, counts)
    assert isinstance(answer, Refusal)
    assert answer.code == code


@given(st.lists(st.tuples(st.floats(allow_nan=True), st.floats(allow_nan=True)), max_size=40))
def test_any_counts_are_answered_or_refused(rows: list[tuple[float, float]]) -> None:
    answer = peak_to_mean([t for t, _ in rows], [c for _, c in rows])
    assert isinstance(answer, Peak | Refusal)
