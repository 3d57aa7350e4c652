"""From users to load."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plan_samples import given, workload

from capacity.uncertainty import summary
from capacity.values import Interval
from capacity.workload import MixShare


def test_the_law() -> None:
    peak = workload(spread=1).peak_tps(Interval.exact(1_000_000))
    assert peak.value == pytest.approx(1_000_000 * 0.1 * 1.3 * 12 * 5 / 86_400)
    assert peak.low == peak.high == peak.value


def test_drawn_factors_lie_inside_the_corners() -> None:
    block = workload(spread=2)
    corners = block.peak_tps(Interval.exact(1.0))
    drawn = summary(block.peak_tps_per_user())
    assert corners.low < drawn.low < drawn.value < drawn.high < corners.high
    assert drawn.value == pytest.approx(corners.value, rel=0.05)


def test_shares_sum_to_one_in_every_draw() -> None:
    mix = (
        MixShare("a", given("mix.a", Interval(0.6, 0.8, 0.9))),
        MixShare("b", given("mix.b", Interval(0.05, 0.2, 0.5))),
    )
    shares = replace(workload(), mix=mix).shares()
    assert (shares["a"] + shares["b"]).tolist() == pytest.approx([1.0] * len(shares["a"]))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("daily_active_share", Interval(0.5, 0.9, 1.1), "daily_active_share"),
        ("peak_to_mean", Interval(0.5, 2, 3), "peak_to_mean"),
        ("sessions_per_active_day", Interval(-1, 2, 3), "sessions_per_active_day"),
    ],
)
def test_impossible_workloads_are_named(field: str, value: Interval, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(workload(), **{field: given(field, value)})


def test_a_mix_sums_to_one() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        replace(workload(), mix=(MixShare("a", given("mix.a", Interval.exact(0.7))),))
    with pytest.raises(ValueError, match="at least one"):
        replace(workload(), mix=())
