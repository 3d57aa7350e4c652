"""Sweeps as the planner's measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sweep_samples import DATABASE, FINGERPRINT, store, sweep

from capacity.scalability import Capacity
from capacity.values import Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.partition_keys import PARTITION_KEYS
from loadgen.planning.sweeps import find_sweeps, is_short, measured_tables, swept_scenario
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.format.verdict import Verdict

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
