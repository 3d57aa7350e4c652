"""Rates as people type them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.cli.rates import rate
from loadgen.population.calendar import USE_BY_HOUR
from loadgen.runs.format.schedule import RatePiece
from loadgen.runs.rates import Cumulative, steady


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("500", [(0, 500, 500)]),
        ("0.5", [(0, 0.5, 0.5)]),
        ("100@30s,200@30s", [(30, 100, 100), (30, 200, 200)]),
        ("100@30s, 1000@10s, 100", [(30, 100, 100), (10, 1000, 1000), (0, 100, 100)]),
        ("100..1000@5m", [(300, 100, 1000)]),
        ("0.5..2.5@250ms,2.5", [(0.25, 0.5, 2.5), (0, 2.5, 2.5)]),
        ("0..100@1m,100..0@1m", [(60, 0, 100), (60, 100, 0)]),
    ],
)
def test_rates(text: str, pieces: list[tuple[float, float, float]]) -> None:
    found = rate(text)
    assert found.pieces == tuple(RatePiece(*piece) for piece in pieces)
    assert found.text == text
    assert not found.repeats


def test_a_number_is_constant_and_nothing_else_is() -> None:
    assert rate("500") == steady(500)
    assert rate("500").constant
    assert not rate("100@30s,200@30s").constant
    assert not rate("daily:50..500@24h").constant
    assert rate("100@30s,200@30s").length_s == 60


def test_a_day_goes_from_the_quietest_hour_to_the_busiest_and_begins_again() -> None:
    day = rate("daily:50..500@10m")
    assert day.repeats
    assert day.length_s == pytest.approx(600)
    assert min(piece.from_tps for piece in day.pieces) == pytest.approx(50)
    assert max(piece.from_tps for piece in day.pieces) == pytest.approx(500)
    assert np.argmax([piece.from_tps for piece in day.pieces]) == np.argmax(USE_BY_HOUR)
    cumulative = Cumulative(day)
    first, second = np.diff(cumulative.expected(np.array([0.0, 600.0, 1200.0])))
    assert first == pytest.approx(second)
    assert all(a.to_tps == b.from_tps for a, b in zip(day.pieces, [*day.pieces[1:], day.pieces[0]], strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "", "fast", "-5", "nan", "inf", "1e3", "0", "0@10s", "100@", "@10s", "100@30s,", ",100", "100,200", "100..200",
        "100..@5s", "..100@5s", "100@5 parsecs", "100@0s", "9999999999", "2000000", "daily:", "daily:50", "daily:50@1h",
        "daily:500..50@24h", "daily:50..500", "100@10s@5s", "1..2..3@4s",
    ],
)  # fmt: skip
def test_what_is_no_rate_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected ") as refused:
        rate(text)
    assert "\n" not in str(refused.value)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 600_000)), min_size=1, max_size=5))
def test_what_is_typed_comes_back_in_any_unit_of_time(stretches: list[tuple[int, int, int]]) -> None:
    if not any(a or b for a, b, _ in stretches):
        return
    in_ms = rate(",".join(f"{a}..{b}@{ms}ms" for a, b, ms in stretches))
    in_s = rate(",".join(f"{a}..{b}@{ms / 1000:.3f}s" for a, b, ms in stretches))
    for one, other, (a, b, ms) in zip(in_ms.pieces, in_s.pieces, stretches, strict=True):
        assert (one.from_tps, one.to_tps, one.seconds) == (a, b, pytest.approx(ms / 1000))
        assert (other.from_tps, other.to_tps, other.seconds) == (a, b, pytest.approx(ms / 1000))


@given(st.text(alphabet="0123456789.,@ smhday:-e∞", max_size=20))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        found = rate(text)
    except ValueError:
        return
    assert all(p.seconds >= 0 and p.from_tps >= 0 and p.to_tps >= 0 for p in found.pieces)
