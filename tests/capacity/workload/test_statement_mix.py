"""Transactions from counted statements: planted ones back, shares that sum up, and refusals for what tells nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.values import Interval, Refusal
from capacity.workload import Transactions, transactions

MAKES = {"open": {"summary": 1.0, "goals": 1.0}, "goals": {"goals": 1.0, "flow": 1.0}, "run": {"store": 2.0}}


def calls_of(planted: dict[str, float]) -> dict[str, float]:
    calls: dict[str, float] = {}
    for name, count in planted.items():
        for text, times in MAKES[name].items():
            calls[text] = calls.get(text, 0.0) + times * count
    return calls


def found(calls: dict[str, float]) -> Transactions:
    answer = transactions(calls, MAKES)
    assert isinstance(answer, Transactions), answer
    return answer


@settings(max_examples=25)
@given(st.tuples(*[st.floats(1, 50)] * 3), st.floats(1e-3, 1e9))
def test_transactions_come_back_from_their_statements(counts: tuple[float, float, float], size: float) -> None:
    planted = {name: count * size for name, count in zip(sorted(MAKES), counts, strict=True)}
    answer = found(calls_of(planted))
    assert answer.explained == pytest.approx(1)
    for name, count in planted.items():
        assert answer.count[name].value == pytest.approx(count, rel=1e-3)
    assert answer.total.value == pytest.approx(sum(planted.values()), rel=1e-3)
    shares = [answer.share([name]) for name in planted]
    assert sum(share.value for share in shares if share) == pytest.approx(1)


def test_intervals_hold_planted_transactions_as_often_as_they_say() -> None:
    rng, inside = np.random.default_rng(1), []
    planted = {"open": 5_000.0, "goals": 2_000.0, "run": 900.0}
    more = MAKES | {"open": {"summary": 1.0, "goals": 1.0, "chat": 1.0, "progress": 1.0}}
    for _ in range(120):
        calls: dict[str, float] = {}
        for name, made in more.items():
            for text, times in made.items():
                calls[text] = calls.get(text, 0.0) + planted[name] * times
        answer = transactions({t: c * math.exp(0.05 * rng.standard_normal()) for t, c in calls.items()}, more)
        assert isinstance(answer, Transactions)
        inside += [answer.count[name].low <= true <= answer.count[name].high for name, true in planted.items()]
    assert np.mean(inside) > 0.85


def test_unexplained_calls_are_other_transactions() -> None:
    calls = calls_of({"open": 600.0, "goals": 100.0, "run": 50.0})
    known = sum(calls.values())
    alone, mixed = found(calls), found(calls | {"another": known / 3})
    assert mixed.explained == pytest.approx(0.75)
    assert mixed.total.value == pytest.approx(alone.total.value / 0.75)
    assert mixed.total.low == pytest.approx(alone.total.low)
    assert mixed.total.high >= mixed.total.value / 0.75 * (1 - 1e-9)


def test_a_share_within_a_part() -> None:
    counts = {"a": Interval(80, 100, 120), "b": Interval.exact(100), "c": Interval.exact(0)}
    answer = Transactions(counts, 1.0)
    share = answer.share(["a"], ["a", "b"])
    assert share == Interval(80 / 180, 0.5, 120 / 220)
    assert answer.share(["a"], ["c"]) is None
    assert answer.share(["c"], ["a", "c"]) == Interval(0, 0, 0)


@pytest.mark.parametrize(
    ("calls", "makes", "code"),
    [
        ({"summary": 10.0, "other": 1000.0}, MAKES, "other_statements"),
        ({"summary": math.nan}, MAKES, "bad_measurement"),
        ({"summary": -1.0}, MAKES, "bad_measurement"),
        ({}, MAKES, "bad_measurement"),
        ({"summary": 10.0}, {"open": {"summary": math.inf}}, "bad_measurement"),
        ({"a": 5.0, "b": 5.0, "c": 1.0}, {"x": {"a": 1.0, "b": 1.0}, "y": {"a": 2.0, "b": 2.0}}, "collinear_classes"),
        ({"a": 5.0, "b": 7.0}, {"x": {"a": 1.0}, "y": {"b": 1.0}}, "too_few_statements"),
    ],
)
def test_what_tells_no_transactions_is_refused(
    calls: dict[str, float], makes: dict[str, dict[str, float]], code: str
) -> None:
    answer = transactions(calls, makes)
    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert answer.missing and answer.do
