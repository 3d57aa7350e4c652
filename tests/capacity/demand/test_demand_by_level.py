"""Demands of a sweep, level by level, from planted ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.demand import Demand, LevelUse, RunUse, demand_by_level
from capacity.values import Interval, Refusal

LEVELS = (1, 2, 4, 8)


def cpu_s(level: int) -> float:
    return 0.002 * (1 + 0.05 * level)


def sweep(rng: np.random.Generator, noise: float = 0.03, drift: float = 0.03, blocks: int = 3) -> list[LevelUse]:
    runs = []
    for block in range(blocks):
        common = math.exp(drift * rng.standard_normal())
        for n in LEVELS:
            tps = 300.0 * n / (1 + 0.2 * (n - 1))
            scatter = common * np.exp(noise * rng.standard_normal(3))
            runs.append(
                LevelUse(
                    n,
                    block,
                    RunUse(
                        {"dashboard": tps},
                        cpu_cores=tps * cpu_s(n) * scatter[0],
                        wal_bytes_per_s=0.0,
                        block_reads_per_s=tps * max(0.02 * rng.standard_normal() + 0.01, 0.0),
                        held_connections=n * scatter[1],
                    ),
                )
            )
    return runs


def found(runs: list[LevelUse], level: float = 0.9) -> dict[int, Demand]:
    answer = demand_by_level(runs, level)
    assert not isinstance(answer, Refusal), answer
    return answer


def test_exact_runs_give_each_levels_demand_back() -> None:
    answer = found(sweep(np.random.default_rng(1), noise=0, drift=0))
    for n in LEVELS:
        cpu, held = answer[n].cpu_s, answer[n].connection_hold_s
        assert cpu is not None and held is not None
        assert (cpu.low, cpu.value, cpu.high) == pytest.approx([cpu_s(n)] * 3)
        assert held.value == pytest.approx(n / (300.0 * n / (1 + 0.2 * (n - 1))))
        assert answer[n].wal_bytes == Interval(0.0, 0.0, 0.0, 0.9)


def test_intervals_cover_at_least_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(150):
        answer = found(sweep(rng))
        cpu = answer[4].cpu_s
        assert cpu is not None
        inside.append(cpu.low <= cpu_s(4) <= cpu.high)
    assert np.mean(inside) > 0.84


def test_a_resource_that_some_runs_did_not_use_has_an_interval_from_0() -> None:
    reads = [found(sweep(np.random.default_rng(2)))[n].block_reads for n in LEVELS]
    assert all(one is not None and 0 <= one.low <= one.value for one in reads)


def test_what_was_not_measured_is_none() -> None:
    runs = [LevelUse(1, block, RunUse({"a": 10.0}, cpu_cores=0.1)) for block in range(2)]
    answer = found(runs)[1]
    assert answer.cpu_s is not None
    assert answer.wal_bytes is None and answer.connection_hold_s is None


def test_rescaled_input_rescaled_answer() -> None:
    def scaled(factor: float) -> list[LevelUse]:
        return [
            LevelUse(r.level, r.block, RunUse(r.use.tps_by_class, cpu_cores=factor * (r.use.cpu_cores or 0)))
            for r in sweep(np.random.default_rng(3))
        ]

    one, thousand = found(scaled(1))[2].cpu_s, found(scaled(1000))[2].cpu_s
    assert one is not None and thousand is not None
    assert (thousand.low, thousand.high) == pytest.approx((1000 * one.low, 1000 * one.high))


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([], "no_valid_runs"),
        ([LevelUse(1, 0, RunUse({"a": 1.0}, cpu_cores=0.1))], "too_few_runs"),
        ([LevelUse(1, 0, RunUse({"a": 1.0})), LevelUse(1, 1, RunUse({"b": 1.0}))], "several_classes"),
        ([LevelUse(1, i, RunUse({"a": 1.0}, cpu_cores=math.nan)) for i in range(2)], "bad_measurement"),
        ([LevelUse(1, i, RunUse({"a": -1.0}, cpu_cores=0.1)) for i in range(2)], "bad_measurement"),
    ],
)
def test_what_tells_no_demand_is_refused(runs: list[LevelUse], code: str) -> None:
    answer = demand_by_level(runs)
    assert isinstance(answer, Refusal)
    assert answer.code == code


NUMBERS = st.one_of(st.just(0.0), st.floats(1e-3, 1e3), st.floats(allow_nan=True))
USES = st.builds(RunUse, st.fixed_dictionaries({"a": st.floats(1e-3, 1e3)}), NUMBERS, NUMBERS)


@pytest.mark.slow
@settings(max_examples=80)
@given(st.lists(st.builds(LevelUse, st.integers(1, 4), st.integers(0, 3), USES), max_size=12))
def test_any_runs_are_answered_or_refused(runs: list[LevelUse]) -> None:
    """Some that used nothing, in blocks that were not finished: an interval holds its value, or raises."""
    answer = demand_by_level(runs)
    assert isinstance(answer, Refusal) or all(isinstance(demand, Demand) for demand in answer.values())


def test_a_level_only_run_in_a_dear_block_does_not_cost_less_than_nothing() -> None:
    """Less its block's drift, level 8 would: its interval begins at 0 instead, and is as wide as the scatter says."""
    used = [(1, 1, 0.0), (1, 2, 0.0), (1, 3, 0.0), (2, 1, 0.0), (2, 2, 0.0), (2, 3, 0.0), (2, 0, 9.0), (8, 0, 0.0)]
    answer = found([LevelUse(n, block, RunUse({"a": 1.0}, cpu_cores=cores)) for n, block, cores in used])
    cpu = answer[8].cpu_s
    assert cpu is not None
    assert cpu.low == cpu.value == 0 < cpu.high
