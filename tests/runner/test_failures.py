"""What goes wrong under way is counted by SQLSTATE, with its message, and the run goes on."""

from pathlib import Path

import pytest

from loadgen.database.connect import Target, connect
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.run import record_run
from loadgen.runs.control import PhaseBegan
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule

SCENARIO = """
from loadgen.engine.scenario import PostgresUser, Transaction, draw

@draw
def broken(rng):
    raise KeyError("no such household")

@draw
def wrong_type(rng):
    return "not a number"

class Failing(PostgresUser):
    transactions = (
        Transaction("fine", 5, ("count_goals",)),
        Transaction("breaks_a_check", 1, ("sink_net_worth",)),
        Transaction("breaks_in_a_draw", 1, ("drawn_badly",)),
        Transaction("draws_a_wrong_type", 1, ("drawn_wrongly",)),
        Transaction("returns_too_many", 1, ("too_many",)),
    )
"""
SQL = """
-- name: count_goals (read, rows 1)
-- $1 user_id bigint = active_user
SELECT count(*) FROM goals WHERE user_id = $1
-- name: sink_net_worth (write, rows 1)
-- $1 user_id bigint = active_user
UPDATE financial_profiles SET calculations = '{"net_worth": -1}' WHERE user_id = $1
-- name: drawn_badly (read, rows 1)
-- $1 x bigint = broken
SELECT $1
-- name: drawn_wrongly (read, rows 1)
-- $1 x bigint = wrong_type
SELECT $1
-- name: too_many (read, rows 0..1)
SELECT generate_series(1, 2)
"""


def run(target: Target, tmp_path: Path, on_phase=lambda event: None, measure_s: float = 5.0) -> RunRecord:
    (tmp_path / "failing.py").write_text(SCENARIO)
    (tmp_path / "failing.sql").write_text(SQL)
    schedule = Schedule(users=2, think=False, ramp_s=0, warmup_s=0, measure_s=measure_s, drain_s=5, seed=1)
    with ScenarioChild(tmp_path / "failing.py", target.environment()) as child:
        record, _ = record_run(child, target, schedule, Objective(), tmp_path / "results", on_phase)
    return record


def test_every_failure_is_counted_and_leaves_the_session_usable(seeded: Target, tmp_path: Path) -> None:
    record = run(seeded, tmp_path)
    result = record.result
    assert result is not None
    by_name = {t.name: t for t in result.transactions}
    assert by_name["fine"].errors == 0
    assert by_name["fine"].count > 0
    for name in by_name.keys() - {"fine"}:
        assert by_name[name].errors == by_name[name].count > 0
        assert by_name[name].response.count == 0, "what failed at once has no latency"
    assert result.errors == result.count - by_name["fine"].count
    assert result.errors_by_sqlstate.keys() == {"23514", "P0001", "P0002"}
    assert result.error_examples.keys() == result.errors_by_sqlstate.keys()
    assert "financial_profiles_net_worth_check" in result.error_examples["23514"]
    assert "too_many touched 2 rows" in result.error_examples["P0002"]
    assert result.throughput_tps.value == pytest.approx(by_name["fine"].count / result.window_s)


def test_sessions_that_the_server_ends_are_made_again_and_the_run_goes_on(seeded: Target, tmp_path: Path) -> None:
    def end_sessions(event: PhaseBegan) -> None:
        if event.phase == "measure":
            with connect(seeded, autocommit=True, application_name="test") as conn:
                conn.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'loadgen'"
                )

    record = run(seeded, tmp_path, end_sessions)
    result = record.result
    assert result is not None
    assert result.errors_by_sqlstate.get("57P01", 0) + result.errors_by_sqlstate.get("08006", 0) >= 1
    fine = next(t for t in result.transactions if t.name == "fine")
    assert fine.count - fine.errors > 100, "the run went on"
