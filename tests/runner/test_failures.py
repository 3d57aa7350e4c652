"""What goes wrong under way is counted by SQLSTATE, with its message, and the run goes on."""

import re
import threading
from pathlib import Path

import pytest
from conftest import Loadgen

from loadgen.cli.run import _why_not
from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.errors import NegativeAnswer
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.run import record_run
from loadgen.runs import documents
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


PLANTED = """
from loadgen.engine.scenario import PostgresUser, Transaction, draw, exponential

@draw
def row(rng):
    return rng.randint(1, 1000)

class Planted(PostgresUser):
    think_time = exponential(mean_s=0.004)
    transactions = tuple(Transaction(f"planted_{n}", 1, (f"divide_{n}",)) for n in (5, 20, 590, 1000))
"""
PLANTED_SQL = """
-- name: divide_{n} (read, rows 1)
-- $1 row integer = row
SELECT 1 / divisor_{n} FROM planted WHERE id = $1
"""
FAILING = (5, 20, 590, 1000)
"""Of a thousand rows, those in which a statement fails."""


def run(target: Target, tmp_path: Path, on_phase=lambda event: None, measure_s: float = 2.0) -> RunRecord:
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


def end_sessions(target: Target) -> None:
    """As an administrator, or a job that ends idle sessions, does."""
    with connect(target, autocommit=True, application_name="test") as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'loadgen'"
        )


def test_sessions_that_the_server_ends_are_made_again_and_the_run_goes_on(seeded: Target, tmp_path: Path) -> None:
    record = run(seeded, tmp_path, lambda event: end_sessions(seeded) if event.phase == "measure" else None)
    result = record.result
    assert result is not None
    assert result.errors_by_sqlstate.get("57P01", 0) + result.errors_by_sqlstate.get("08006", 0) >= 1
    fine = next(t for t in result.transactions if t.name == "fine")
    assert fine.count - fine.errors > 100, "the run went on"
    assert "connections_lost" not in {note.code for note in record.verdict.notes}, "too many errors say it"


def test_sessions_that_the_server_ends_once_are_noted(seeded: Target, tmp_path: Path) -> None:
    timer = threading.Timer(1.5, end_sessions, [seeded])
    schedule = Schedule(users=2, think=False, ramp_s=0, warmup_s=0, measure_s=4, drain_s=5, seed=1)
    dashboard = Path(__file__).parents[2] / "scenarios" / "dashboard.py"
    with ScenarioChild(dashboard, seeded.environment()) as child:
        record, _ = record_run(
            child, seeded, schedule, Objective(), tmp_path / "results",
            lambda event: timer.start() if event.phase == "measure" else None,
        )  # fmt: skip
    (note,) = [note for note in record.verdict.notes if note.code == "connections_lost"]
    assert re.match(r"2 connections were lost in the window \(first [12] s into it: ", note.what), note.what
    # What the server said last, or only that it is gone: that depends on whether the end was heard before sending.
    assert re.search("terminating connection due to administrator command|server closed the connection", note.what)


@pytest.fixture
def planted(seeded: Target, tmp_path: Path) -> Path:
    path = tmp_path / "planted.py"
    path.write_text(PLANTED)
    path.with_suffix(".sql").write_text("".join(PLANTED_SQL.replace("{n}", str(n)) for n in FAILING))
    with connect(seeded) as conn:
        columns = ", ".join(f"(id > {n})::int AS divisor_{n}" for n in FAILING)
        conn.execute(f"CREATE TABLE planted AS SELECT id, {columns} FROM generate_series(1, 1000) id")  # noqa: S608
        conn.execute("ALTER TABLE planted ADD PRIMARY KEY (id)")
        conn.execute("GRANT SELECT ON planted TO affluvia_app_role")
    return path


@pytest.mark.parametrize(("failing", "objective"), [(5, True), (20, True), (590, False), (1000, True)])
def test_more_failures_than_are_allowed_are_a_no_with_the_first_of_them_in_the_first_line(
    seeded: Target, planted: Path, here: Loadgen, monkeypatch: pytest.MonkeyPatch, failing: int, objective: bool
) -> None:
    for name, value in seeded.environment().items():
        monkeypatch.setenv(name, value)
    aim = ("--objective", "p95=20s") if objective else ()
    # At ease where the run is to be valid; else as many as can be: what fails takes longest, for it is rolled back.
    seconds = {5: "4s", 20: "2s", 590: "3s", 1000: "4s"}[failing]
    how = ("--duration", seconds, *(() if failing == 5 else ("--no-think", "--mode", "pipeline")))
    done = here(
        "run", str(planted), "--only", f"planted_{failing}", "--users", "10", "--ramp", "0s", "--warmup", "0s",
        "--results-dir", "r", "--json", *how, *aim,
    )  # fmt: skip
    record = documents.parse(RunRecord, done.stdout, "stdout")
    result, verdict = record.result, record.verdict
    assert result is not None
    assert result.count >= 2000
    assert result.error_share == pytest.approx(failing / 1000, abs=0.02 if failing > 20 else 0.006)
    assert record.max_error_share == 0.01
    error = result.first_error
    assert error is not None
    assert (error.statement, error.sqlstate) == (f"divide_{failing}", "22012")
    assert 0 <= error.at_s < result.window_s
    first = next((line for line in done.stderr.splitlines() if not line.startswith("planted: ")), "")
    if failing == 5:
        # A busy machine may make it invalid, for reasons of the generator's own.
        assert verdict.too_many_errors is None
        assert done.returncode == {"valid": 0, "invalid": 4}[verdict.status]
        return
    assert (done.returncode, verdict.status, verdict.reasons[0].code) == (1, "invalid", "too_many_errors")
    share = f"{100 * result.error_share:.3g}%, at most 1% allowed"
    words = f"{result.errors:,} of {result.count:,} transactions failed ({share}); first: 22012 in divide_{failing}: "
    assert first == f"invalid: {words}division by zero; correct what fails, or allow more with --max-errors"
    assert done.stderr.splitlines()[-1] == first.replace("invalid", "loadgen", 1)
    # With an objective or without one.
    for judged in (True, False):
        assert isinstance(_why_not(record, judged), NegativeAnswer)
