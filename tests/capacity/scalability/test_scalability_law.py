"""The law with known parameters: each inverse is undone by what it inverts."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from capacity.scalability import Law
from capacity.values import Refusal

ALPHAS = st.one_of(st.just(0.0), st.floats(1e-6, 0.999))
BETAS = st.one_of(st.just(0.0), st.floats(1e-9, 0.5))
GAMMAS = st.floats(1e-3, 1e6)


def number(answer: float | Refusal) -> float:
    assert not isinstance(answer, Refusal), answer
    return answer


@given(ALPHAS, BETAS, GAMMAS, st.floats(1, 500))
def test_the_load_that_carries_a_throughput_carries_it(alpha: float, beta: float, gamma: float, n: float) -> None:
    law = Law(alpha, beta, gamma)
    assume(n <= (law.peak or math.inf))
    x = number(law.throughput(n))
    there = number(law.concurrency_at_throughput(x))
    assert number(law.throughput(there)) == pytest.approx(x, rel=1e-9)
    # Close to the peak the curve is flat and rounding of X moves N.
    if law.peak is None or n < 0.9 * law.peak:
        assert there == pytest.approx(n, rel=1e-6)


@given(ALPHAS, BETAS, GAMMAS, st.floats(1, 500), st.floats(0, 10))
def test_the_load_with_a_response_time_has_it(alpha: float, beta: float, gamma: float, n: float, cycles: float) -> None:
    assume(alpha + beta > 0)
    law, think_s = Law(alpha, beta, gamma), cycles / gamma
    response_s = number(law.response_s(n, think_s))
    there = number(law.concurrency_at_response(response_s, think_s))
    assert number(law.response_s(there, think_s)) == pytest.approx(response_s, rel=1e-9, abs=1e-9 / gamma)
    assert there == pytest.approx(n, rel=1e-6, abs=1e-9 / (alpha + beta))


@given(ALPHAS, BETAS, GAMMAS, st.floats(1, 500))
def test_littles_law_holds(alpha: float, beta: float, gamma: float, n: float) -> None:
    law = Law(alpha, beta, gamma)
    assert number(law.throughput(n)) * number(law.response_s(n)) == pytest.approx(n, rel=1e-12)


@given(ALPHAS, st.floats(1e-6, 0.5), GAMMAS)
def test_nothing_carries_more_than_the_peak(alpha: float, beta: float, gamma: float) -> None:
    law = Law(alpha, beta, gamma)
    assert law.peak is not None
    most = number(law.throughput(law.peak))
    for other in (1.0, law.peak * 0.9, law.peak * 1.1):
        assert number(law.throughput(max(other, 1.0))) <= most * (1 + 1e-12)
    assert number(law.concurrency_at_throughput(most)) == pytest.approx(law.peak, rel=1e-4)
    refused = law.concurrency_at_throughput(most * 1.001)
    assert isinstance(refused, Refusal)
    assert refused.code == "beyond_law"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Law(0.1, 0.001, 10, reach=50).throughput(51), "not_identified"),
        (Law(0.1, 0.001, 10, reach=50).response_s(math.inf), "not_identified"),
        (Law(0.1, 0.001, 10).throughput(0.5), "bad_concurrency"),
        (Law(0.1, 0.001, 10).throughput(math.nan), "bad_concurrency"),
        (Law(0.1, 0.001, 10).concurrency_at_throughput(9.9), "below_one"),
        (Law(0.1, 0.001, 10).concurrency_at_throughput(math.nan), "below_one"),
        (Law(0.1, 0, 10).concurrency_at_throughput(100), "beyond_law"),
        (Law(0.1, 0, 10).concurrency_at_throughput(math.inf), "beyond_law"),
        (Law(0.1, 0, 10, reach=9).concurrency_at_throughput(99), "beyond_law"),
        (Law(0, 0, 10).concurrency_at_response(1), "no_limit"),
        (Law(0.1, 0, 10).concurrency_at_response(math.inf), "no_limit"),
        (Law(0.1, 0, 10).concurrency_at_response(0.09), "below_one"),
        (Law(0.1, 0, 10).concurrency_at_response(math.nan), "below_one"),
    ],
)
def test_what_the_law_does_not_tell_is_refused(answer: float | Refusal, code: str) -> None:
    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert answer.missing and answer.do


def test_an_unreached_response_time_ends_at_the_reach() -> None:
    assert Law(0, 0, 10, reach=64).concurrency_at_response(5) == 64
    assert Law(0.1, 0, 10, reach=64).concurrency_at_response(math.inf) == 64


@pytest.mark.parametrize("bad", [(-0.1, 0, 1), (1.1, 0, 1), (0, -1, 1), (0, 0, 0), (math.nan, 0, 1), (0, math.inf, 1)])
def test_a_law_out_of_range_is_no_law(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="0 ≤ α ≤ 1"):
        Law(*bad)
