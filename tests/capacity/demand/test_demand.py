"""Service demands from planted ones: alone, mixed, at the bound, and what cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.demand import Demand, RunUse, cores_used, service_demands
from capacity.values import Interval, Refusal

CPU_S = {"dashboard": 0.004, "chat": 0.001, "montecarlo": 0.02}
WAL_BYTES = {"dashboard": 0.0, "chat": 900.0, "montecarlo": 40_000.0}

Planted = Callable[[float, np.random.Generator], list[RunUse]]
"""Runs whose uses are off by so much noise."""


def run(tps: dict[str, float], noise: float, rng: np.random.Generator) -> RunUse:
    """A run that costs what was planted, each use off by a share of its own."""
    cpu, wal, held = (math.exp(noise * rng.standard_normal()) for _ in range(3))
    return RunUse(
        tps,
        cpu_cores=cpu * sum(x * CPU_S[name] for name, x in tps.items()),
        wal_bytes_per_s=wal * sum(x * WAL_BYTES[name] for name, x in tps.items()),
        held_connections=held * sum(x * 2 * CPU_S[name] for name, x in tps.items()),
    )


def alone(noise: float, rng: np.random.Generator, times: int = 3) -> list[RunUse]:
    return [run({name: 100.0 * (1 + i)}, noise, rng) for name in CPU_S for i in range(times)]


def mixed(noise: float, rng: np.random.Generator, count: int = 12) -> list[RunUse]:
    return [run({name: float(rng.uniform(5, 300)) for name in CPU_S}, noise, rng) for _ in range(count)]


def demands(runs: list[RunUse], level: float = 0.9) -> dict[str, Demand]:
    answer = service_demands(runs, level)
    assert not isinstance(answer, Refusal), answer
    return {demand.transaction: demand for demand in answer}


def cpu_s(demand: Demand) -> Interval:
    assert demand.cpu_s is not None
    return demand.cpu_s


def test_the_utilisation_law_by_hand() -> None:
    """Half of four cores busy at 100 transactions a second is 20 ms each."""
    found = demands([RunUse({"a": 100.0}, cpu_cores=0.5 * 4), RunUse({"a": 50.0}, cpu_cores=0.25 * 4)])
    demand = cpu_s(found["a"])
    assert (demand.low, demand.value, demand.high) == pytest.approx((0.02, 0.02, 0.02))
    assert found["a"].wal_bytes is None


@pytest.mark.parametrize("runs", [alone, mixed])
def test_exact_runs_give_the_demands_back(runs: Planted) -> None:
    found = demands(runs(0.0, np.random.default_rng(1)))
    for name, truth in CPU_S.items():
        assert cpu_s(found[name]).value == pytest.approx(truth, rel=1e-6)
        wal, held = found[name].wal_bytes, found[name].connection_hold_s
        assert wal is not None and held is not None
        assert wal.value == pytest.approx(WAL_BYTES[name], rel=1e-6, abs=1e-6)
        assert held.value == pytest.approx(2 * truth, rel=1e-6)
        assert found[name].block_reads is None


@pytest.mark.slow
@pytest.mark.parametrize("runs", [alone, mixed])
def test_intervals_cover(runs: Planted) -> None:
    """Nominal 90 %, the demand of 0 too, which lies on the bound."""
    rng = np.random.default_rng(7)
    covered = {name: np.zeros(2) for name in CPU_S}
    for _ in range(200):
        found = demands(runs(0.05, rng))
        for name, planted_s in CPU_S.items():
            wal = found[name].wal_bytes
            assert wal is not None
            for i, (interval, truth) in enumerate(((cpu_s(found[name]), planted_s), (wal, WAL_BYTES[name]))):
                assert interval.low >= 0
                covered[name][i] += interval.low <= truth * (1 + 1e-9) and truth <= interval.high * (1 + 1e-9)
    for name, counts in covered.items():
        # Three standard deviations of 200 draws below 0.9.
        assert (counts / 200 >= 0.836).all(), (name, counts / 200)


def test_mixed_and_single_runs_join() -> None:
    """Two classes that only ran together, and one alone: a run of either is enough to tell them apart."""
    rng = np.random.default_rng(3)
    together = [run({"dashboard": 10.0 * i, "chat": 30.0 * i}, 0.01, rng) for i in range(1, 6)]
    refused = service_demands(together)
    assert isinstance(refused, Refusal)
    assert refused.code == "collinear_classes"
    assert "chat, dashboard" in refused.missing
    assert "alone" in refused.do
    found = demands([*together, run({"chat": 100.0}, 0.01, rng)])
    assert cpu_s(found["dashboard"]).value == pytest.approx(0.004, rel=0.1)


def test_only_the_classes_that_rose_together_are_named() -> None:
    rng = np.random.default_rng(4)
    runs = [
        run({"dashboard": 10.0 * i, "chat": 30.0 * i * rng.uniform(0.99, 1.01), "montecarlo": m}, 0.01, rng)
        for i in range(1, 6)
        for m in (0.0, 50.0)
    ]
    refused = service_demands(runs)
    assert isinstance(refused, Refusal)
    assert "montecarlo" not in refused.missing
    assert "chat, dashboard" in refused.missing


def test_the_law_forwards_predicts_a_mixture() -> None:
    found = service_demands(alone(0.02, np.random.default_rng(5)))
    assert not isinstance(found, Refusal)
    used = cores_used(found, {"dashboard": 200.0, "montecarlo": 20.0})
    assert isinstance(used, Interval)
    assert used.low <= 200 * 0.004 + 20 * 0.02 <= used.high
    assert used.high / used.low < 1.15
    unknown = cores_used(found, {"reports": 1.0})
    assert isinstance(unknown, Refusal)
    assert unknown.code == "class_not_run"
    wrong = cores_used(found, {"chat": math.nan})
    assert isinstance(wrong, Refusal)


def test_a_wider_level_is_a_wider_interval() -> None:
    runs = mixed(0.05, np.random.default_rng(6))
    narrow, wide = demands(runs, 0.5), demands(runs, 0.99)
    for name in CPU_S:
        assert cpu_s(wide[name]).low <= cpu_s(narrow[name]).low <= cpu_s(narrow[name]).high <= cpu_s(wide[name]).high


@settings(max_examples=30, deadline=None)
@given(rate=st.floats(1e-6, 1e6), use=st.floats(1e-6, 1e6), seed=st.integers(0, 1000))
def test_other_units_scale_the_demand(rate: float, use: float, seed: int) -> None:
    runs = mixed(0.05, np.random.default_rng(seed))
    scaled = [
        RunUse({n: x * rate for n, x in r.tps_by_class.items()}, cpu_cores=(r.cpu_cores or 0) * use) for r in runs
    ]
    plain, other = demands(runs), demands(scaled)
    for name in CPU_S:
        assert cpu_s(other[name]).value == pytest.approx(cpu_s(plain[name]).value * use / rate, rel=1e-5)
        assert cpu_s(other[name]).high == pytest.approx(cpu_s(plain[name]).high * use / rate, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(12)))
def test_order_does_not_matter(order: list[int]) -> None:
    runs = mixed(0.05, np.random.default_rng(9))
    plain, other = demands(runs), demands([runs[i] for i in order])
    assert cpu_s(other["chat"]).high == pytest.approx(cpu_s(plain["chat"]).high, rel=1e-6)


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([], "no_valid_runs"),
        ([RunUse({"a": 1.0}, 1.0)], "too_few_runs"),
        ([RunUse({"a": 1.0}), RunUse({"a": 2.0})], "no_use"),
        ([RunUse({"a": 1.0}, 1.0), RunUse({"a": -1.0}, 1.0)], "bad_measurement"),
        ([RunUse({"a": 1.0}, math.nan), RunUse({"a": 1.0}, 1.0)], "bad_measurement"),
        ([RunUse({"a": math.inf}, 1.0), RunUse({"a": 1.0}, 1.0)], "bad_measurement"),
        ([RunUse({}, 1.0), RunUse({"a": 1.0}, 1.0)], "bad_measurement"),
        ([RunUse({"a": 0.0}, 1.0), RunUse({"a": 1.0}, 1.0)], "bad_measurement"),
    ],
)
def test_unusable_runs_are_refused(runs: list[RunUse], code: str) -> None:
    refused = service_demands(runs)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    assert refused.missing and refused.do


NUMBERS = st.one_of(st.floats(0, 1e40), st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf]))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(RunUse, st.dictionaries(st.sampled_from("abc"), NUMBERS), st.one_of(st.none(), NUMBERS), NUMBERS),
        max_size=8,
    )
)
def test_whatever_was_measured_gives_an_answer_or_a_refusal(runs: list[RunUse]) -> None:
    answer = service_demands(runs)
    assert isinstance(answer, Refusal) or all(isinstance(demand, Demand) for demand in answer)
