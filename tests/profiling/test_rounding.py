"""The rule that keeps a figure from being about one person."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loadgen.population.shape import Measured
from loadgen.profiling import rounding

HISTOGRAMS = st.dictionaries(st.integers(0, 40) | st.integers(0, 900_000), st.integers(1, 300), min_size=1, max_size=40)


def test_counts() -> None:
    assert [rounding.count(n) for n in (0, 1, 9, 10, 11, 12_345, 123_456)] == [0, 10, 10, 10, 11, 12_340, 123_500]
    assert [rounding.length(n) for n in (0, 7, 20, 21, 1_234)] == [0, 7, 20, 21, 1_200]


@given(HISTOGRAMS)
def test_buckets_hold_ten_users_each_and_keep_the_mean(users_by_rows: dict[int, int]) -> None:
    users = sum(users_by_rows.values())
    found = rounding.buckets(users_by_rows)
    assert bool(found) == (users >= 20)
    if not found:
        return
    law = Measured(found)  # its own rules: ascending, shares that add up to 1, means inside
    rows = sum(rows * n for rows, n in users_by_rows.items())
    for bucket in found:
        top = max(users_by_rows) if bucket.most is None else bucket.most
        inside = sum(n for rows, n in users_by_rows.items() if bucket.least <= rows <= top)
        assert inside >= rounding.LEAST
        assert abs(bucket.share - inside / users) <= 0.001
    assert abs(law.mean - rows / users) <= 0.01 * rows / users + 1e-3
    # No upper end is shown that only a few reach, and above 12 no edge that the data chose.
    assert all(b.most is None or b.most == b.least or b.most <= 12 or b.most % 5 == 0 for b in found)
    assert found[-1].most is None or found[-1].most == found[-1].least


@given(HISTOGRAMS)
def test_a_quantile_has_ten_users_at_or_beyond_it(users_by_rows: dict[int, int]) -> None:
    found = rounding.quantiles(users_by_rows)
    users = sum(users_by_rows.values())
    assert bool(found) == (users >= 20)
    values = [q.value for q in found]
    assert values == sorted(values)
    for q in found:
        exact = [rows for rows in users_by_rows if rounding.length(rows) == q.value]
        assert sum(n for rows, n in users_by_rows.items() if rows >= min(exact)) >= rounding.LEAST
        assert sum(n for rows, n in users_by_rows.items() if rows <= max(exact)) >= rounding.LEAST


def test_the_most_active_user_is_nowhere() -> None:
    users_by_rows = {0: 500, 1: 300, 2: 100, 9: 60, 871_234: 1}
    shown = str(rounding.buckets(users_by_rows)) + str(rounding.quantiles(users_by_rows))
    assert "871" not in shown
    assert rounding.quantiles(users_by_rows)[-1].value == 9
