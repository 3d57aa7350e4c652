"""Runs and sweeps against a real, seeded server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.runs import documents, hlog
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.sweep import SweepRecord

SHORT = ("--users", "1", "--no-think", "--duration", "3s", "--warmup", "1s", "--ramp", "0s")


def sessions(target: Target) -> list[tuple[object, ...]]:
    """What clients have open on a database, but for the session that asks; autovacuum's workers are the server's."""
    with connect(target, autocommit=True) as conn:
        return conn.execute(
            "SELECT backend_type, application_name, state, query FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'",
            (target.database,),
        ).fetchall()


def assert_no_session_is_left(target: Target) -> None:
    deadline = time.monotonic() + 20
    while (left := sessions(target)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


@contextmanager
def running(target: Target, cwd: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "loadgen", *arguments],
        env=os.environ | target.environment(),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the process ended without saying {words!r}")


def only_record(results: Path) -> Path:
    (found,) = [path for path in results.iterdir() if not path.name.startswith(".")]
    assert not [path for path in results.iterdir() if path.name.startswith(".")], "something half-written is left"
    return found


def test_a_run_leaves_a_record_whose_parts_agree(seeded: Target, loadgen, tmp_path: Path) -> None:
    done = loadgen("run", "dashboard", *SHORT, "--results-dir", "r", "--json", target=seeded)
    record = documents.parse(RunRecord, done.stdout, "stdout")
    directory = only_record(tmp_path / "r")
    assert documents.parse(RunRecord, (directory / "manifest.json").read_bytes(), "manifest") == record
    # A busy machine may make the run invalid; the exit code then says so.
    assert done.returncode == {"valid": 0, "invalid": 4}[record.verdict.status], done.stderr
    result = record.result
    assert result is not None
    assert result.count > 50
    assert result.errors == 0
    assert result.count == sum(t.count for t in result.transactions)
    weights = {t.name: t.weight for t in record.scenario.transactions}
    assert {t.name for t in result.transactions} <= weights.keys()
    # Every transaction begins by naming its user, once; those at the window's edges are split between seconds.
    identified = next(s for s in result.statements if s.name == "identify")
    assert identified.calls == pytest.approx(result.count, abs=2 * record.schedule.users)
    entries = [e for e in hlog.read(directory / "latency.hlog") if e.tag.endswith(":response")]
    assert sum(e.histogram.total for e in entries) >= result.response.count
    assert result.server.blocks_hit > 0
    assert record.database.fingerprint.users == 300
    assert sorted(path.name for path in directory.iterdir()) == [
        "latency.hlog", "manifest.json", "server.csv", "timeline.csv",
    ]  # fmt: skip
    assert_no_session_is_left(seeded)


def test_the_write_heavy_scenario_changes_rows_and_spans_checkpoints(seeded: Target, loadgen, tmp_path: Path) -> None:
    done = loadgen("run", "montecarlo", *SHORT, "--results-dir", "r", "--json", target=seeded)
    record = documents.parse(RunRecord, done.stdout, "stdout")
    assert record.result is not None
    assert record.result.errors == 0, record.result.errors_by_sqlstate
    assert record.result.server.checkpoints >= 1
    assert record.result.server.wal_bytes > 0
    stored = next(s for s in record.result.statements if s.name == "store_results")
    assert stored.rows > 0
    with connect(seeded) as conn:
        found = conn.execute(
            "SELECT (monte_carlo_results #>> '{bands,p10,-1}')::float8,"
            " (monte_carlo_results #>> '{bands,p90,-1}')::float8"
            " FROM financial_profiles WHERE monte_carlo_results IS NOT NULL"
        ).fetchall()
    assert found
    assert all(low <= high for low, high in found)


def test_a_child_does_not_outlive_its_parent(seeded: Target, tmp_path: Path) -> None:
    arguments = ("run", "dashboard", "--users", "2", "--duration", "60s", "--warmup", "0s")
    with running(seeded, tmp_path, *arguments, "--results-dir", "r") as process:
        wait_for(process, "measure")
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        gone, alive = psutil.wait_procs(children, timeout=30)
    assert gone
    assert not alive
    assert_no_session_is_left(seeded)


def test_a_sweep_answers_and_leaves_the_data_as_it_was(seeded: Target, loadgen, tmp_path: Path) -> None:
    before = json.loads(loadgen("checksum", "--json", target=seeded).stdout)
    done = loadgen(
        "sweep", "montecarlo", "--levels", "1,2", "--repeats", "2", "--duration", "3s", "--warmup", "0s",
        "--ramp", "0s", "--objective", "p95=20s", "--results-dir", "r", "--json", target=seeded,
    )  # fmt: skip
    record = documents.parse(SweepRecord, done.stdout, "stdout")
    assert len(record.points) == 4
    assert sorted((p.level, p.repeat) for p in record.points) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert done.returncode == (4 if record.refusal else 0), done.stderr
    assert (record.capacity is None) == (record.refusal is not None)
    if record.capacity:
        assert not record.capacity.bracketed, "nothing takes 20 s here"
    directory = only_record(tmp_path / "r")
    assert {path.name for path in (directory / "runs").iterdir()} == {p.run_id for p in record.points}
    assert {table.name for table in record.tables} >= {"users", "financial_profiles", "chat_messages"}
    assert json.loads(loadgen("checksum", "--json", target=seeded).stdout) == before
    with connect(seeded) as conn:
        copies = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (f"{seeded.database}_work",)).fetchall()
    assert copies == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "nope"), 2, "unknown scenario 'nope'"),
        (("run", "dashboard", "--users", "-3"), 2, "--users"),
        (("run", "dashboard", "--users", "1e9"), 2, "--users"),
        (("run", "dashboard", "--users", "99999999999999999999"), 2, "--users"),
        (("run", "dashboard", "--duration", "5 parsecs"), 2, "--duration"),
        (("run", "dashboard", "--objective", "p42=1s"), 2, "--objective"),
        (("run", "dashboard", "--rate", "fast"), 2, "--rate"),
        (("run", "dashboard", "--rate", "5", "--arrivals", "bursts"), 2, "--arrivals"),
        (("run", "dashboard", "--late-limit", "1s"), 2, "add --rate"),
        (("sweep", "dashboard", "--levels", "1,two"), 2, "--levels"),
        (("sweep", "dashboard", "--repeats", "0"), 2, "--repeats"),
        (("run", "dashboard", "--no-such-flag"), 2, "--no-such-flag"),
        (("run",), 2, "SCENARIO"),
    ],
)
def test_bad_input_is_one_line_and_no_traceback(server: Target, loadgen, arguments, code, words) -> None:
    done = loadgen(*arguments, "--json", target=server)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert words in line
    assert json.loads(done.stdout)["format"] == "loadgen.error/1"


def test_a_missed_objective_is_exit_1(seeded: Target, loadgen) -> None:
    done = loadgen("run", "dashboard", *SHORT, "--objective", "p50=0.2ms", target=seeded)
    assert done.returncode in (1, 4), done.stderr  # 4: the machine was too busy for a valid run
    if done.returncode == 1:
        assert "objective was not met" in done.stderr.splitlines()[-1]


def test_an_unmarked_database_is_refused_and_one_flag_that_names_it_overrides(
    seeded: Target, loadgen, tmp_path: Path
) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DROP SCHEMA loadgen CASCADE")
    for verb in ("run", "sweep"):
        done = loadgen(verb, "dashboard", target=seeded)
        assert done.returncode == 3
        assert f"--allow-unmarked {seeded.database}" in done.stderr.splitlines()[-1]
        wrong = loadgen(verb, "dashboard", "--allow-unmarked", "another", target=seeded)
        assert wrong.returncode in (2, 3)
    done = loadgen("run", "dashboard", *SHORT, "--allow-unmarked", seeded.database, "--json", target=seeded)
    assert done.returncode in (0, 4), done.stderr
    assert json.loads(done.stdout)["format"] == "loadgen.run/2"
