"""Draws of intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.uncertainty import DRAWS, draws, scores, summary
from capacity.values import Interval


@given(st.floats(0.01, 100), st.floats(1, 50), st.floats(1, 50), st.sampled_from([0.5, 0.8, 0.9]))
def test_an_interval_comes_back_from_its_draws(value: float, below: float, above: float, level: float) -> None:
    interval = Interval(value / below, value, value * above, level)
    back = summary(draws("x", interval), level)
    assert back.value == pytest.approx(interval.value, rel=1e-3)
    assert (back.low, back.high) == pytest.approx((interval.low, interval.high), rel=0.01)


def test_an_interval_that_touches_zero_is_drawn_linearly() -> None:
    back = summary(draws("x", Interval(0, 0.5, 1)))
    assert (back.low, back.value, back.high) == pytest.approx((0, 0.5, 1), abs=0.01)


def test_nothing_is_assumed_above_at_least() -> None:
    assert draws("x", Interval(80, 100, math.inf)).max() == pytest.approx(100)


def test_exact_values_stay_exact() -> None:
    assert set(draws("x", Interval.exact(3.0)).round(12)) == {3.0}


def test_streams_differ_by_name_and_repeat() -> None:
    assert (scores("a") == scores("a")).all()
    assert abs(np.corrcoef(scores("a"), scores("b"))[0, 1]) < 0.05
    assert len(np.unique(scores("a"))) == DRAWS
