from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.cli.sweep import SweepProgress
from loadgen.runner.sweep_runs import SweepPlan


def plan(levels: tuple[int, ...], repeats: int, seed: int) -> SweepPlan:
    return SweepPlan(levels, repeats, think=False, ramp_s=1, warmup_s=1, measure_s=5, drain_s=1, seed=seed)


@given(st.sets(st.integers(1, 500), min_size=1, max_size=8), st.integers(1, 5), st.integers(0, 2**31))
def test_every_repeat_visits_every_level_once_and_the_seed_decides_the_order(
    levels: set[int], repeats: int, seed: int
) -> None:
    found = plan(tuple(sorted(levels)), repeats, seed)
    order = found.order()
    assert Counter(order) == Counter({(level, repeat): 1 for level in levels for repeat in range(repeats)})
    assert [repeat for _, repeat in order] == sorted(repeat for _, repeat in order)
    assert order == found.order()


def test_orders_differ_between_repeats_and_seeds() -> None:
    levels = tuple(range(1, 9))
    assert plan(levels, 1, 1).order() != plan(levels, 1, 2).order()
    order = plan(levels, 2, 1).order()
    assert [level for level, _ in order[:8]] != [level for level, _ in order[8:]]


def test_no_two_runs_share_their_random_draws() -> None:
    found = plan((1, 2), 3, 10)
    assert len({found.schedule(level, place).seed for place, (level, _) in enumerate(found.order())}) == 6


def test_how_many_runs_there_are_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    for levels, words in (((1,), "1 run of about 7 s, "), ((1, 2), "2 runs of about 7 s, ")):
        with SweepProgress(plan(levels, 1, 1)):
            pass
        assert words in capsys.readouterr().err
