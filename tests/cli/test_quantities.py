import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.cli import quantities


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30.0), ("5m", 300.0), ("250ms", 0.25), ("1h", 3600.0), ("1.5s", 1.5), ("0s", 0.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert quantities.duration()(text) == pytest.approx(seconds)


@given(st.integers(0, 600_000))
def test_a_duration_is_the_same_in_every_unit(ms: int) -> None:
    texts = (f"{ms}ms", f"{ms / 1000:.3f}s", f"{ms / 60_000:.12f}m", f"{ms / 3_600_000:.12f}h")
    assert [quantities.duration()(text) for text in texts] == pytest.approx([ms / 1000] * 4, abs=1e-6)


@given(st.sampled_from((50, 95, 99)), st.integers(1, 600_000))
def test_an_objective_says_the_time_that_was_typed(percentile: int, ms: int) -> None:
    found = quantities.objective(f"p{percentile}={ms}ms")
    assert (found.percentile, found.response_ms) == (percentile, pytest.approx(ms))
    assert quantities.objective(f"p{percentile} <= {ms / 1000:.3f}s").response_ms == pytest.approx(ms)


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 parsecs", "1e9s", "999999h", "nan s", "infs"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        quantities.duration()(text)


@given(st.text(max_size=30))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (
        quantities.duration(),
        quantities.integer(1, 100),
        quantities.number(0.5, 0.9),
        quantities.integers(1, 100, most_values=5),
        quantities.numbers(most_values=5),
        quantities.objective,
        quantities.percentage,
        quantities.shares,
        quantities.users,
        quantities.date,
        quantities.own_writes,
    ):
        try:
            parse(text)
        except ValueError as error:
            assert str(error).startswith("expected ")


LEVELS = quantities.integers(1, 10_000, most_values=5)


def test_levels_are_sorted_and_distinct() -> None:
    assert LEVELS("8,1,4") == (1, 4, 8)
    for text in ("1,1", "0", "-1", "1,2,3,4,5,6", "1,two", "1,,2", "100000", "1000000000000000000000"):
        with pytest.raises(ValueError, match=r"^expected "):
            LEVELS(text)


def test_shares_of_errors_that_are_allowed() -> None:
    assert [quantities.percentage(t) for t in ("0.5%", "0%", "2 %", "100%")] == [0.005, 0.0, 0.02, 1.0]
    for text in ("", "1", "0.01", "%", "-1%", "101%", "100.1%", "nan%", "1e1%", "1%%", "9999%"):
        with pytest.raises(ValueError, match="expected a percentage from 0% to 100%, such as 1%"):
            quantities.percentage(text)


def test_objectives() -> None:
    found = quantities.objective("p99=250ms")
    assert (found.percentile, found.response_ms) == (99.0, 250.0)
    assert quantities.objective("p95 <= 1s").response_ms == 1000.0
    for text in ("p95", "95=100ms", "p90=100ms", "p95=100", "p95=0ms", "p95=-1ms"):
        with pytest.raises(ValueError, match=r"^expected "):
            quantities.objective(text)


@given(st.integers(0, 10**8))
def test_a_duration_is_printed_as_it_is_typed(ms: int) -> None:
    assert quantities.duration()(quantities.duration_text(min(ms, 600_000_000) / 1000)) == pytest.approx(ms / 1000)


def test_users_may_be_thousands_and_millions() -> None:
    assert [quantities.users(text) for text in ("5000", "50k", "1.5M", "0.001k")] == [5000, 50_000, 1_500_000, 1]
    for text in ("", "0", "-5", "1.0005k", "101M", "5kk", "1e3"):
        with pytest.raises(ValueError, match=r"^expected a number of users from 1 to 100M"):
            quantities.users(text)
