"""What sweeps, runs and calibrations tell a plan: demands, latency curves, another machine's speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_samples import CPU_S, replayed, run, stored, times, used
from sweep_samples import DATABASE, scenario, store, sweep

from capacity.demand import Ratio
from capacity.latency import LatencyCurve
from capacity.measurements import MeasuredDemand
from capacity.values import Interval, Origin, Refusal
from loadgen.errors import UsageError
from loadgen.planning.demands import IdleUse
from loadgen.planning.evidence import calibrated, planned_scenario, recorded_runs
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.verdict import Reason


def test_a_sweep_tells_its_curve_and_its_demand() -> None:
    made = planned_scenario(used(sweep()))
    assert isinstance(made.curve, LatencyCurve)
    assert made.objective_ms == 30
    assert isinstance(made.demand, MeasuredDemand)
    assert made.demand.best_tps == max(tps for n in made.levels if (tps := made.mean_tps(n)))
    for demand in (made.demand.planned, made.demand.first, made.demand.best):
        assert demand.cpu_s is not None
        assert demand.cpu_s.value == pytest.approx(0.003)
    assert made.demand.left_cores == 2


def test_cores_that_a_generator_took_of_the_same_machine_are_not_the_servers() -> None:
    record = used(sweep())
    note = Reason("shared_machine", "generator and server shared the cores of one machine", "mind it")
    points = tuple(
        replace(p, generator_cpu_cores=0.6, verdict=replace(p.verdict, notes=(note,))) for p in record.points
    )
    made = planned_scenario(replace(record, points=points))
    assert isinstance(made.demand, MeasuredDemand)
    assert made.demand.left_cores == pytest.approx(1.4)


def test_another_objective_is_read_off_its_own_curve() -> None:
    record = used(sweep())
    made = planned_scenario(record, objective=Objective(percentile=50, response_ms=12))
    assert made.objective_ms == 12
    assert isinstance(made.curve, LatencyCurve)
    half = planned_scenario(record)
    assert isinstance(half.curve, LatencyCurve)
    assert made.curve.points[0].response_ms.value < half.curve.points[0].response_ms.value


def test_runs_in_other_shares_tell_reads_from_writes(tmp_path: Path) -> None:
    """Reads of 1 ms and writes of 4 ms."""
    store(tmp_path, used(sweep()))
    shares = ({"read": 90.0, "write": 10.0}, {"read": 50.0, "write": 50.0}, {"read": 95.0, "write": 5.0})
    names = stored(tmp_path, *(run("dashboard", tps, i, CPU_S) for i, tps in enumerate(shares * 2)))
    runs = recorded_runs(tmp_path, (), [sweep()], names)
    assert [one.id for one in runs["dashboard"]] == names
    found = planned_scenario(used(sweep()), runs["dashboard"]).write_cost
    assert isinstance(found, Interval), found
    assert found.low < 4 < found.high
    assert found.value == pytest.approx(4, rel=0.05)


def test_runs_with_a_replica_tell_what_replay_takes_of_one() -> None:
    """120 bytes of log a transaction; 5 µs a byte is 0.6 ms of replay."""
    runs = [replayed(i, Interval(4e-6, 5e-6, 6e-6), 10**9) for i in range(3)]
    found = planned_scenario(used(sweep()), runs).replay_s
    assert isinstance(found, Interval), found
    assert found.value == pytest.approx(0.0006)
    assert found.high - found.value == pytest.approx(0.00012 / 3**0.5), "three runs that agree"


def test_replay_that_no_run_told_is_refused_by_name() -> None:
    none = planned_scenario(used(sweep())).replay_s
    assert isinstance(none, Refusal) and none.code == "no_replica_measured"
    assert "--replica DSN" in none.do and "dashboard" in none.missing
    short = Refusal("too_few_samples", "a window with at least 9 samples of a replica, not 5", "measure for longer")
    found = planned_scenario(used(sweep()), [replayed(1, None, 10**6, short)]).replay_s
    assert isinstance(found, Refusal) and found.code == "too_few_samples"
    unseen = replace(sweep(), points=tuple(replace(p, server_cpu_cores=None) for p in sweep().points))
    blind = planned_scenario(unseen, [replayed(1, Interval.exact(5e-6), 10**9)]).replay_s
    assert isinstance(blind, Refusal) and blind.code == "no_cpu"
    assert planned_scenario(used(sweep(writes=0))).replay_s is None


def test_what_does_not_tell_reads_from_writes_is_refused_by_name() -> None:
    none = planned_scenario(used(sweep())).write_cost
    assert isinstance(none, Refusal) and none.code == "no_runs"
    same = [run("dashboard", {"read": 90.0 * i, "write": 10.0 * i}, i, CPU_S) for i in range(1, 5)]
    together = planned_scenario(used(sweep()), same).write_cost
    assert isinstance(together, Refusal)
    assert together.code == "collinear_classes"
    assert "dashboard" in together.missing
    assert planned_scenario(used(sweep("montecarlo", writes=10))).write_cost is None


def test_no_samples_of_the_server_are_a_refusal() -> None:
    record = sweep()
    blind = replace(record, database=replace(record.database, cores=None))
    made = planned_scenario(blind)
    assert isinstance(made.demand, Refusal) and made.demand.code == "cores_unknown"


def test_an_idle_servers_use_is_taken_off() -> None:
    made = planned_scenario(used(sweep()), idle=IdleUse(cpu_cores=0.3))
    assert isinstance(made.demand, MeasuredDemand) and made.demand.planned.cpu_s is not None
    assert made.demand.planned.cpu_s.value < 0.003


def test_a_further_run_of_something_else_is_a_mistake(tmp_path: Path) -> None:
    directory = store(tmp_path, sweep())
    with pytest.raises(UsageError, match="is a sweep, not a run"):
        recorded_runs(tmp_path, (), [sweep()], [directory.name])
    (name,) = stored(tmp_path, run("montecarlo", {"read": 1.0}, 1, CPU_S))
    with pytest.raises(UsageError, match="of scenario 'montecarlo'"):
        recorded_runs(tmp_path, (), [sweep()], [name])


def test_two_calibrations_tell_speed_and_waits() -> None:
    made = planned_scenario(used(sweep()))
    found = calibrated([times("here"), times("there", 2.0, commit_ms=5.0, cores=8)], [sweep()], [made])
    assert found is not None
    assert isinstance(found.ratio, Ratio)
    assert found.ratio.origin is Origin.MEASURED
    assert "calibration-there" in found.ratio.source
    assert found.core_speed is not None
    assert found.core_speed.value.low < 0.5 < found.core_speed.value.high
    waits = found.waits_s["dashboard"]
    assert isinstance(waits, Interval)
    assert waits.value == pytest.approx((1 - scenario("dashboard", writes=1).read_share) * 0.004)


def test_calibrations_of_other_data_are_refused_and_of_another_server_a_mistake() -> None:
    made = planned_scenario(used(sweep()))
    other = times("there", fingerprint=replace(DATABASE.fingerprint, seed=9))
    found = calibrated([times("here"), other], [sweep()], [made])
    assert found is not None and isinstance(found.ratio, Refusal) and found.ratio.code == "other_data"
    assert found.core_speed is None
    assert calibrated([times("here")], [sweep()], [made]) is None
    with pytest.raises(UsageError, match=r"differs .* in cores \(8, 2\)"):
        calibrated([times("there", cores=8), times("here")], [sweep()], [made])
    with pytest.raises(UsageError, match="two at most"):
        calibrated([times("here")] * 3, [sweep()], [made])
