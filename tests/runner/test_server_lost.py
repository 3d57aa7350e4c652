"""The server restarts in mid-run, and a generator is killed with queries under way: what is counted, what is left."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.target import Target
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.run import record_run
from loadgen.runs.control import PhaseBegan
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.rates import steady
from loadgen.settings import Settings

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SLEEPER = """
from loadgen.engine.scenario import PostgresUser, Transaction

class Sleeper(PostgresUser):
    transactions = (Transaction("sleep", 1, ("sleep",)),)
"""
SLEEPER_SQL = """
-- name: sleep (read, rows 1)
SELECT pg_sleep(25)
"""
DOWN = {"57P01", "57P02", "57P03", "08001", "08006"}
"""admin_shutdown, crash_shutdown, cannot_connect_now, and a connection that is refused or breaks."""
NOTICED_S = 10.0
"""Far less than the query lasts, and than statement_timeout: the server looks every second if its client is there."""


def run(
    path: Path, target: Target, schedule: Schedule, results: Path, on_phase: Callable[[PhaseBegan], None]
) -> tuple[RunRecord, list[str]]:
    with ScenarioChild(path, target.environment()) as child:
        record, _ = record_run(child, target, schedule, Objective(), results, on_phase)
        said = child.words
    return record, said


def busy(target: Target) -> int:
    """Sessions of a load."""
    with connect(target, autocommit=True) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'loadgen'"
            " AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def none_left_within(target: Target, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while busy(target):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.mark.ci
@pytest.mark.parametrize("rate", [None, 50.0], ids=["closed", "open"])
def test_the_run_goes_on_after_a_restart_of_the_server(
    rate: float | None,
    state_dir: Path,
    server_settings: Settings,
    loadgen: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    instance = Instance.from_settings(
        Settings(state_dir=state_dir, pg_bin=server_settings.pg_bin), notify=lambda _: None
    )
    target = embedded_target(instance)
    seeded = loadgen("seed", "--users", "300", target=target)
    assert seeded.returncode == 0, seeded.stderr
    restarted: list[float] = []

    def restart() -> None:
        postmaster = instance.status().postmaster
        assert postmaster is not None
        instance.stop()
        time.sleep(0.5)  # long enough for connections to be refused
        instance.start(postmaster.port)
        restarted.append(time.monotonic())

    timer = threading.Timer(2.0, restart)
    schedule = Schedule(
        users=4, think=False, ramp_s=0, warmup_s=0, measure_s=12, drain_s=5, seed=1,
        rate=None if rate is None else steady(rate),
    )  # fmt: skip
    try:
        record, said = run(
            SCENARIOS / "dashboard.py", target, schedule, tmp_path / "results",
            lambda event: timer.start() if event.phase == "measure" else None,
        )  # fmt: skip
    finally:
        timer.cancel()
    assert restarted, "the server was restarted"
    result = record.result
    assert result is not None
    assert said == [], "no exception that nobody handled"
    assert result.errors_by_sqlstate, "what was under way failed"
    assert result.errors_by_sqlstate.keys() <= DOWN
    with (tmp_path / "results" / record.id / "timeline.csv").open() as file:
        seconds = [row for row in csv.DictReader(file) if row["phase"] == "measure"]
    assert sum(int(row["transactions"]) - int(row["errors"]) for row in seconds[-3:]) > 20, "it went on"
    assert none_left_within(target, NOTICED_S)
    assert record.verdict.status == "invalid"
    assert record.verdict.reasons[0].code == "server_restarted"
    assert record.verdict.reasons[0].what.endswith(" UTC (shut down in order)")


@pytest.mark.parametrize("pool", [None, 2], ids=["sessions", "pool"])
def test_a_generator_that_is_killed_leaves_no_query(pool: int | None, seeded: Target, tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "sleeper.sql").write_text(SLEEPER_SQL)
    killed: list[float] = []

    def kill(pid: int) -> None:
        deadline = time.monotonic() + 10
        while not busy(seeded) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert busy(seeded), "a query is under way"
        os.kill(pid, signal.SIGKILL)
        killed.append(time.monotonic())

    schedule = Schedule(
        users=3, think=False, ramp_s=0, warmup_s=0, measure_s=20, drain_s=1, seed=1, access=Access(pool=pool)
    )
    with ScenarioChild(tmp_path / "sleeper.py", seeded.environment()) as child:
        timer = threading.Timer(1.0, kill, child.pids)
        record, _ = record_run(
            child, seeded, schedule, Objective(), tmp_path / "results",
            lambda event: timer.start() if event.phase == "measure" else None,
        )  # fmt: skip
    assert killed
    assert record.verdict.status == "partial"
    assert none_left_within(seeded, NOTICED_S)
