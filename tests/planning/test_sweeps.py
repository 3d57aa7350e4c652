"""Sweeps as the planner's measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sweep_samples import DATABASE, FINGERPRINT, store, sweep

from capacity.scalability import Capacity
from capacity.values import Refusal
from loadgen.cli.sweep import _why_not
from loadgen.errors import NegativeAnswer, RefusalError, UsageError
from loadgen.planning.partitions.partition_keys import PARTITION_KEYS
from loadgen.planning.sweeps import find_sweeps, is_short, measured_tables, swept_scenario
from loadgen.runner.sweep_runs import _answer
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.format.sweep import SweepRecord
from loadgen.runs.format.verdict import Reason, Verdict

MIX = ("dashboard", "montecarlo")


def test_the_newest_complete_sweep_of_each_scenario_is_found(tmp_path: Path) -> None:
    store(tmp_path, sweep(utc="20261101T120000Z"))
    newest = sweep(utc="20261102T120000Z")
    store(tmp_path, newest)
    store(tmp_path, sweep(utc="20261103T120000Z", partial=True))
    store(tmp_path, sweep("other", utc="20261104T120000Z"))
    assert find_sweeps(tmp_path, (), MIX) == (newest,)


def test_named_sweeps_are_taken_as_they_are(tmp_path: Path) -> None:
    old, other = sweep(utc="20261101T120000Z"), sweep("montecarlo", writes=10)
    store(tmp_path, sweep(utc="20261102T120000Z"))
    names = [store(tmp_path, old).name, str(store(tmp_path, other) / "sweep.json")]
    assert find_sweeps(tmp_path, names, MIX) == (old, other)


def test_none_is_a_refusal_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="loadgen sweep dashboard") as caught:
        find_sweeps(tmp_path, (), MIX)
    assert caught.value.refusal.code == "no_sweep"


def test_the_same_scenario_twice_or_outside_the_mix_is_an_error(tmp_path: Path) -> None:
    first, second = (store(tmp_path, sweep(utc=utc)).name for utc in ("20261101T120000Z", "20261102T120000Z"))
    with pytest.raises(UsageError, match="two sweeps are of scenario 'dashboard'"):
        find_sweeps(tmp_path, (first, second), MIX)
    with pytest.raises(UsageError, match="mix does not name"):
        find_sweeps(tmp_path, (first,), ("reports",))


@pytest.mark.parametrize(
    ("database", "what"),
    [
        (replace(DATABASE, cores=8), "cores"),
        (replace(DATABASE, server_version="17.2"), "server version"),
        (replace(DATABASE, fingerprint=replace(FINGERPRINT, seed=2)), "seed"),
        (replace(DATABASE, fingerprint=replace(FINGERPRINT, users=9)), "users"),
    ],
)
def test_sweeps_of_different_ground_do_not_add_up(tmp_path: Path, database: DatabaseFacts, what: str) -> None:
    store(tmp_path, sweep())
    store(tmp_path, replace(sweep("montecarlo"), database=database))
    with pytest.raises(UsageError, match=f"differ in {what} "):
        find_sweeps(tmp_path, (), MIX)


def test_drift_alone_does_not_part_sweeps(tmp_path: Path) -> None:
    drifted = replace(DATABASE, fingerprint=replace(FINGERPRINT, drift={"goals": 5}))
    store(tmp_path, sweep())
    store(tmp_path, replace(sweep("montecarlo"), database=drifted))
    assert len(find_sweeps(tmp_path, (), MIX)) == 2


def test_other_documents_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"format": "loadgen.run/1"}')
    with pytest.raises(UsageError, match="is a run, not a sweep"):
        find_sweeps(tmp_path, (str(tmp_path / "x.json"),), MIX)
    (tmp_path / "y.json").write_text('{"format": "loadgen.sweep/1"}')
    with pytest.raises(UsageError, match=r"y\.json"):
        find_sweeps(tmp_path, (str(tmp_path / "y.json"),), MIX)


def test_only_valid_runs_are_measurements() -> None:
    record = sweep()
    bad = replace(record.points[0], verdict=Verdict("invalid"))
    assert len(swept_scenario(record).repeats) == 15
    assert len(swept_scenario(replace(record, points=(bad, *record.points[1:]))).repeats) == 14


def test_the_record_becomes_what_the_planner_reads() -> None:
    seen = swept_scenario(sweep(writes=3))
    assert isinstance(seen.capacity, Capacity)
    assert seen.read_share == pytest.approx(0.7)
    assert seen.busy
    failed = swept_scenario(sweep(response_ms=1))
    assert isinstance(failed.capacity, Refusal)
    assert failed.capacity.code == "objective_not_met"
    assert measured_tables(sweep()).users == 5_000
    assert (is_short(sweep()), is_short(sweep(short=True))) == (False, True)


def test_every_table_of_the_application_has_a_partition_key() -> None:
    tables = {"users", "financial_profiles", "goals", "education_goals", "estate_plans", "chat_messages"}
    assert {key.table for key in PARTITION_KEYS} == tables | {"user_achievements", "user_progress"}


def with_errors(level: int, share: float, reason: str = "too_many_errors") -> SweepRecord:
    """A sweep in whose runs at one level all, or some, transactions failed."""
    why = Verdict("invalid", (Reason(reason, "5,900 of 10,000 transactions failed; first: 23514", "correct it"),))
    made = sweep()
    points = [
        replace(p, verdict=why, error_share=share, response=None, service=None) if p.level == level else p
        for p in made.points
    ]
    return replace(made, points=tuple(points))


@pytest.mark.parametrize("share", [0.59, 1.0])
def test_a_level_with_too_many_errors_was_measured_and_failed(share: float) -> None:
    record = with_errors(4, share)
    lowest, second = record.levels[:2]
    assert record.levels[2] == 4
    for objective in (None, Objective(response_ms=1000)):
        capacity, refusal = _answer(record.points, objective or record.objective, 0.01)
        assert refusal is None
        assert capacity is not None
        assert capacity.level == second
        assert capacity.met_probability[4] == 0
        assert capacity.bracketed
    # Judged by another objective later, it is the same; the laws leave its runs out.
    swept = swept_scenario(replace(record, max_error_share=0.01), Objective(response_ms=1000))
    assert isinstance(swept.capacity, Capacity)
    assert swept.capacity.level == second
    assert 4 not in swept.levels
    # At the lowest level it is a no.
    record = with_errors(lowest, share)
    capacity, refusal = _answer(record.points, record.objective, 0.01)
    assert (capacity, refusal and refusal.code) == (None, "too_many_errors")
    outcome = _why_not(replace(record, capacity=None, refusal=refusal))
    assert isinstance(outcome, NegativeAnswer)
    assert str(outcome) == f"level {lowest}: 5,900 of 10,000 transactions failed; first: 23514; correct it"


def test_a_level_whose_server_failed_is_a_missing_measurement() -> None:
    """Errors of a server that restarted say nothing of the level."""
    record = with_errors(4, 0.59, "server_restarted")
    capacity, refusal = _answer(record.points, record.objective, 0.01)
    assert refusal is None
    assert capacity is not None
    assert 4 not in capacity.met_probability


def test_a_sweep_that_lost_its_generator_has_no_answer_and_was_not_interrupted() -> None:
    made = sweep()
    lost = Verdict("partial", (Reason("generator_died", "the load generator was killed by SIGKILL", "see why"),))
    points = (*made.points[:-1], replace(made.points[-1], verdict=lost))
    capacity, refusal = _answer(points, made.objective, 0.01)
    assert (capacity, refusal and refusal.code) == (None, "generator_died")
    record = replace(made, points=points, capacity=None, refusal=refusal, partial=True)
    assert isinstance(_why_not(record), RefusalError)
    stopped = Verdict("partial", (Reason("interrupted", "a signal ended the run", "run it again"),))
    record = replace(record, points=(*points[:-1], replace(points[-1], verdict=stopped)))
    assert record.interrupted
    assert _why_not(record) is None
