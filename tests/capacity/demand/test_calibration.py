"""Carrying demand to another machine: ratios by round trip, assumptions called so, refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.demand import Calibration, Ratio, assumed_ratio, change_of_waits, cpu_time_ratio
from capacity.demand.calibration import times
from capacity.values import Interval, Origin, Refusal

TIMES_MS = {"summary": 0.2, "goals": 0.1, "messages": 0.5, "estate": 0.3}


def timed(factor: float, spread: float = 1.02, **waits: Interval) -> Calibration:
    def around(ms: float) -> Interval:
        return Interval(ms / 1000 / spread, ms / 1000, ms / 1000 * spread)

    statements = {name: around(ms * factor) for name, ms in TIMES_MS.items()}
    return Calibration(statements, waits.get("round_trip_s"), waits.get("commit_s"))


def ratio(one: Calibration, other: Calibration) -> Ratio:
    answer = cpu_time_ratio(one, other)
    assert not isinstance(answer, Refusal), answer
    return answer


def test_a_slower_machine_takes_its_factor_longer() -> None:
    found = ratio(timed(1), timed(1.5))
    assert found.origin is Origin.MEASURED
    assert found.value.value == pytest.approx(1.5)
    assert found.value.low < 1.5 < found.value.high < 1.6


@given(st.floats(0.01, 100))
def test_there_and_back_is_one(factor: float) -> None:
    there, back = ratio(timed(1), timed(factor)).value, ratio(timed(factor), timed(1)).value
    assert there.value * back.value == pytest.approx(1)
    assert there.low * back.high == pytest.approx(1)


def test_statements_that_differ_widen_it() -> None:
    uneven = timed(1)
    times_s = dict(uneven.statement_s)
    times_s["summary"] = times_s["summary"].scaled(2)
    assert ratio(timed(1), Calibration(times_s, None, None)).value.high > 1.5


def test_without_a_calibration_the_ratio_is_an_assumption_with_a_range() -> None:
    found = assumed_ratio()
    assert found.origin is Origin.ASSUMPTION
    assert (found.value.low, found.value.high) == (0.5, 2.0)
    assert "loadgen calibrate" in found.source


def test_waits_change_with_round_trips_and_commits() -> None:
    here = timed(1, round_trip_s=Interval.exact(1e-4), commit_s=Interval.exact(1e-3))
    there = timed(1, round_trip_s=Interval.exact(1.1e-3), commit_s=Interval.exact(3e-3))
    found = change_of_waits(here, there, round_trips=6, commits=0.5)
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(6 * 1e-3 + 0.5 * 2e-3)
    refused = change_of_waits(here, timed(1, round_trip_s=Interval.exact(1e-3)), round_trips=6, commits=1)
    assert isinstance(refused, Refusal) and refused.code == "not_calibrated"
    refused = change_of_waits(here, there, round_trips=-1, commits=0)
    assert isinstance(refused, Refusal) and refused.code == "bad_measurement"


@pytest.mark.parametrize(
    ("one", "level", "code"),
    [
        (Calibration({}, None, None), 0.9, "too_few_statements"),
        (timed(0), 0.9, "bad_measurement"),
        (timed(1), math.nan, "bad_level"),
    ],
)
def test_what_tells_no_ratio_is_refused(one: Calibration, level: float, code: str) -> None:
    answer = cpu_time_ratio(one, timed(1), level)
    assert isinstance(answer, Refusal)
    assert answer.code == code


INTERVALS = st.tuples(st.floats(1e-9, 1e9), st.floats(1, 3), st.floats(1, 3)).map(
    lambda v: Interval(v[0] / v[1], v[0], v[0] * v[2])
)


@given(INTERVALS, INTERVALS)
def test_a_product_holds_its_value_and_commutes(one: Interval, other: Interval) -> None:
    found, turned = times(one, other), times(other, one)
    assert found.low <= found.value <= found.high
    assert (found.low, found.high) == pytest.approx((turned.low, turned.high))
    assert found.low <= one.low * other.value * (1 + 1e-9)
