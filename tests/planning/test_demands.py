"""Recorded runs and sweeps as service demands."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sweep_samples import sweep

from capacity.values import Refusal
from loadgen.planning.demands import IdleUse, ScenarioDemand, scenario_demand
from loadgen.runs.format import SweepRecord


def used(record: SweepRecord, cpu_s: float = 0.003) -> SweepRecord:
    """Every run of it used CPU in proportion to what it did."""
    points = []
    for point in record.points:
        assert point.throughput_tps is not None
        points.append(replace(point, server_cpu_cores=cpu_s * point.throughput_tps.value, wal_bytes_per_txn=120.0))
    return replace(record, points=tuple(points))


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
