"""Peaks and transactions from counts: planted ones back, at their resolution, and refusals for what tells nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.traffic import Peak, Transactions, peak_to_mean, transactions
from capacity.values import Refusal

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


MAKES = {"open": {"summary": 1.0, "goals": 1.0}, "goals": {"goals": 1.0, "flow": 1.0}, "run": {"store": 2.0}}


@given(st.tuples(*[st.floats(0, 1e9)] * 3).filter(lambda counts: sum(counts) > 1))
def test_transactions_come_back_from_their_statements(counts: tuple[float, float, float]) -> None:
    planted = dict(zip(sorted(MAKES), counts, strict=True))
    calls: dict[str, float] = {}
    for name, count in planted.items():
        for text, times in MAKES[name].items():
            calls[text] = calls.get(text, 0.0) + times * count
    answer = transactions(calls, MAKES)
    assert isinstance(answer, Transactions)
    assert answer.explained == pytest.approx(1)
    for name, count in planted.items():
        assert answer.count[name] == pytest.approx(count, rel=1e-3, abs=2e-3 * sum(counts))


def test_another_applications_statements_are_refused() -> None:
    answer = transactions({"summary": 10.0, "other": 1000.0}, MAKES)
    assert isinstance(answer, Refusal) and answer.code == "other_statements"
    answer = transactions({"summary": math.nan}, MAKES)
    assert isinstance(answer, Refusal) and answer.code == "bad_measurement"
