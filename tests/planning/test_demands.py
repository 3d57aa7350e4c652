"""Recorded runs and sweeps as service demands."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from run_samples import run, stored, used
from sweep_samples import store, sweep

from capacity.values import Origin, Refusal
from loadgen.cli.demand import show
from loadgen.errors import RefusalError
from loadgen.planning.answers.demand_answer import By, DemandAnswer, demand_answer
from loadgen.planning.demands import IdleUse, ScenarioDemand, scenario_demand
from loadgen.runs import documents
from loadgen.runs.format.sweep import SweepRecord


def found(record: SweepRecord, idle: IdleUse | None = None) -> ScenarioDemand:
    answer = scenario_demand(record, idle=idle or IdleUse())
    assert not isinstance(answer, Refusal), answer
    return answer


def test_a_sweep_tells_what_its_mix_costs_at_its_capacity() -> None:
    record = used(sweep())
    answer = found(record)
    assert record.capacity is not None
    assert answer.scenario == "dashboard"
    assert answer.level == record.capacity.level
    assert answer.demand is answer.by_level[answer.level]
    cpu, wal, hold = answer.demand.cpu_s, answer.demand.wal_bytes, answer.demand.connection_hold_s
    assert cpu is not None and wal is not None and hold is not None
    assert cpu.value == pytest.approx(0.003)
    assert wal.value == pytest.approx(120.0)
    assert 0 < hold.low < hold.value < hold.high
    assert answer.demand.block_reads is None  # the runs' own records are not there


def test_the_idle_servers_use_is_not_the_transactions() -> None:
    record = used(sweep())
    low = found(record, IdleUse(cpu_cores=0.05, wal_bytes_per_s=1000)).demand
    assert low.cpu_s is not None and low.wal_bytes is not None
    assert low.cpu_s.value < 0.003
    assert low.wal_bytes.value < 120


def test_without_a_valid_run_there_is_a_refusal() -> None:
    record = sweep()
    points = tuple(replace(p, verdict=replace(p.verdict, status="invalid")) for p in record.points)
    answer = scenario_demand(replace(record, points=points))
    assert isinstance(answer, Refusal)
    assert answer.code == "no_valid_runs"


CPU_S = {"look": 0.001, "store": 0.004}


def test_runs_of_one_transaction_each_tell_it_apart(tmp_path: Path) -> None:
    alone = [run("dashboard", {t: 100.0}, i + 2 * j, CPU_S) for j, t in enumerate(CPU_S) for i in range(2)]
    answer = demand_answer(tmp_path, stored(tmp_path, *alone), "transaction", 0.9, None)
    found = {one.transaction: one for one in answer.demands}
    for name, truth in CPU_S.items():
        cpu, reads = found[name].cpu_s, found[name].block_reads
        assert cpu is not None and reads is not None
        assert cpu.value == pytest.approx(truth, rel=0.02)
        assert reads.value == pytest.approx(30 / 60 / 100)
    assert answer.idle.origin is Origin.ASSUMPTION
    assert documents.parse(DemandAnswer, documents.dump(answer), "it") == answer


def test_transactions_that_rose_together_are_refused(tmp_path: Path) -> None:
    together = [run("dashboard", {"look": 100.0 * (i + 1), "store": 10.0 * (i + 1)}, i, CPU_S) for i in range(4)]
    with pytest.raises(RefusalError) as refused:
        demand_answer(tmp_path, stored(tmp_path, *together), "transaction", 0.9, None)
    assert refused.value.refusal.code == "collinear_classes"
    one_class = demand_answer(tmp_path, [one.id for one in together], "scenario", 0.9, None)
    assert [one.transaction for one in one_class.demands] == ["dashboard"]


def test_sweeps_are_told_level_by_level(tmp_path: Path) -> None:
    store(tmp_path, used(sweep()))
    store(tmp_path, used(sweep("montecarlo", single_tps=60), cpu_s=0.02))
    answer = demand_answer(tmp_path, (), "scenario", 0.9, None)
    assert [(one.transaction, sorted(one.by_level or {})) for one in answer.demands] == [
        ("dashboard", [1, 2, 4, 8, 16]),
        ("montecarlo", [1, 2, 4, 8, 16]),
    ]
    assert documents.parse(DemandAnswer, documents.dump(answer), "it") == answer


def test_a_plan_or_nothing_tells_no_demand(tmp_path: Path) -> None:
    with pytest.raises(RefusalError) as refused:
        demand_answer(tmp_path, (), "scenario", 0.9, None)
    assert refused.value.refusal.code == "no_sweep"


@pytest.mark.parametrize("by", ["scenario", "transaction"])
@pytest.mark.parametrize("columns", [80, 200])
def test_the_table_shows_every_digit_whatever_the_width(
    tmp_path: Path, by: By, columns: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    if by == "scenario":
        store(tmp_path, used(sweep(), cpu_s=0.000_031))
        names = [path.name for path in tmp_path.glob("*-sweep-*")]
    else:
        alone = [run("dashboard", {t: 100.0 + i}, i + 2 * j, CPU_S) for j, t in enumerate(CPU_S) for i in range(2)]
        names = stored(tmp_path, *alone)
    answer = demand_answer(tmp_path, names, by, 0.9, None)
    show(answer)
    shown = capfd.readouterr().err
    assert "…" not in shown
    assert len(re.findall(r"\([\d.,]+–[\d.,]+\)", shown)) >= 2 * len(answer.demands)
    assert max(map(len, shown.splitlines())) <= 120
