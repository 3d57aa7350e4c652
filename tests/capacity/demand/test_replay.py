"""Replay demand as a law: a ratio that finds what was planted, covers as often as it says, and refuses the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.demand import replay_cost
from capacity.values import Interval, Refusal


def test_a_constant_cost_is_found_exactly() -> None:
    replayed = [1e6 * i for i in range(1, 31)]
    found = replay_cost([5e-9 * b for b in replayed], replayed)
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(5e-9)
    assert found.high - found.low < 1e-12 * found.value


def test_the_interval_covers_a_planted_cost_through_ticks_and_checkpoints() -> None:
    """Sixty seconds, CPU in whole ticks, dearer for the twenty seconds after a checkpoint, 300 times over."""
    rng, cost, covered = np.random.default_rng(7), 8e-9, 0
    for _ in range(300):
        replayed = rng.gamma(8, 1e6, 60)
        dear = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(60) / 20 + rng.random()))
        used = np.cumsum(cost * replayed * dear * rng.gamma(20, 1 / 20, 60))
        ticked = np.diff(np.floor(np.concatenate(([0.0], used)) * 100) / 100)
        found = replay_cost(list(ticked), list(replayed))
        assert isinstance(found, Interval)
        covered += found.low <= cost <= found.high
    assert covered / 300 >= 0.85


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1e9)), min_size=0, max_size=40),
    st.floats(0.5, 0.99),
)
def test_an_answer_holds_its_point_or_is_a_refusal(parts: list[tuple[float, float]], level: float) -> None:
    found = replay_cost([cpu for cpu, _ in parts], [size for _, size in parts], level)
    if isinstance(found, Interval):
        assert 0 <= found.low <= found.value <= found.high
        assert found.level == level


def test_units_go_through() -> None:
    rng = np.random.default_rng(3)
    replayed, used = rng.random(20) + 1, rng.random(20) + 1
    one, other = replay_cost(list(used), list(replayed)), replay_cost(list(used), list(replayed * 1024))
    assert isinstance(one, Interval)
    assert isinstance(other, Interval)
    assert other.high * 1024 == pytest.approx(one.high)


@pytest.mark.parametrize(
    ("cpu_s", "wal_bytes", "code"),
    [
        ([], [], "too_few_samples"),
        ([1.0] * 7, [1e6] * 7, "too_few_samples"),
        ([0.01] * 9, [1e6] * 9, "too_little_replayed"),
        ([1.0] * 9, [0.0] * 9, "too_little_replayed"),
        ([1.0] * 9, [1e6] * 8, "bad_measurement"),
        ([-1.0] * 9, [1e6] * 9, "bad_measurement"),
        ([float("nan")] * 9, [1e6] * 9, "bad_measurement"),
        ([1.0] * 9, [float("inf")] * 9, "bad_measurement"),
    ],
)
def test_what_tells_nothing_is_refused(cpu_s: list[float], wal_bytes: list[float], code: str) -> None:
    found = replay_cost(cpu_s, wal_bytes)
    assert isinstance(found, Refusal)
    assert found.code == code
