"""Several processes make one load: the same load as one would, added up exactly, and one of them may be lost."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from test_live import assert_no_session_is_left
from test_open_live import scenario

from loadgen.database.target import Target
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.parts import OnLoss, all_seconds
from loadgen.runner.run import record_run
from loadgen.runner.scenarios import find_scenario
from loadgen.runs import documents
from loadgen.runs.arrivals import Part, arrivals
from loadgen.runs.control import PhaseBegan
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.histogram import merge
from loadgen.runs.rates import steady
from loadgen.runs.shares import Share
from loadgen.runs.spool import RESPONSE


def test_shares_are_all_of_it_and_no_user_is_in_two() -> None:
    shares = [Share(process, 3) for process in range(3)]
    assert [share.users(8) for share in shares] == [3, 3, 2]
    numbers = [share.number(own) for share in shares for own in range(share.users(8))]
    assert sorted(numbers) == list(range(8))


def test_processes_share_the_users_and_their_counts_add_up(seeded: Target, loadgen, tmp_path: Path) -> None:
    done = loadgen(
        "run", "dashboard", "--users", "51", "--processes", "2", "--duration", "3s", "--warmup", "0s",
        "--ramp", "0s", "--results-dir", "r", "--json", target=seeded,
    )  # fmt: skip
    record = documents.parse(RunRecord, done.stdout, "stdout")
    assert done.returncode in (0, 4), done.stderr
    assert record.schedule.processes == 2
    result = record.result
    assert result is not None
    parts = result.generator.parts
    assert [(part.name, part.users) for part in parts] == [("process 0", 26), ("process 1", 25)]
    assert all(part.count > 5 and part.lost_after_s is None for part in parts)
    assert sum(part.count for part in parts) == result.count
    assert result.generator.cpu_cores == pytest.approx(sum(part.cpu_cores or 0 for part in parts))
    assert "2 processes" in done.stderr
    (directory,) = (tmp_path / "r").iterdir()
    assert not list(directory.glob("*.jsonl"))
    assert_no_session_is_left(seeded)


def test_the_load_is_the_same_for_any_number_of_processes(seeded: Target, tmp_path: Path) -> None:
    """Both parts of the one stream of arrivals are there, in their seconds, and histograms are sums."""
    schedule = Schedule(6, False, ramp_s=0, warmup_s=1, measure_s=4, drain_s=5, seed=7, rate=steady(60))
    times = list(arrivals(steady(60), "poisson", seed=7, part=Part.WINDOW, until_s=4))
    measure_at = 0.0

    def on_phase(event: PhaseBegan) -> None:
        nonlocal measure_at
        if event.phase == "measure":
            measure_at = round(event.at)

    with ScenarioChild(scenario(tmp_path), seeded.environment(), processes=3) as child:
        made = child.run(schedule, tmp_path, on_phase)
    by_part = [part.seconds() for part in made]
    whole = [s for s in all_seconds(by_part) if measure_at <= s.at < measure_at + 4]
    calls = [sum(t.calls for t in second.transactions.values()) for second in whole]
    assert calls == [sum(1 for at in times if int(at) == n) for n in range(4)]
    merged = merge(t.histogram(RESPONSE) for s in whole for t in s.transactions.values())
    added = merge(
        t.histogram(RESPONSE)
        for seconds in by_part
        for s in seconds
        if measure_at <= s.at < measure_at + 4
        for t in s.transactions.values()
    )
    assert merged == added
    assert merged.total == len(times)
    assert [max(s.users for s in seconds) for seconds in by_part] == [2, 2, 2]
    assert max(s.users for s in whole) == 6


@pytest.mark.parametrize("on_loss", ["stop", pytest.param("continue", marks=pytest.mark.ci)])
def test_a_process_that_is_killed_shows_with_its_share(seeded: Target, tmp_path: Path, on_loss: OnLoss) -> None:
    schedule = Schedule(40, True, ramp_s=0, warmup_s=0, measure_s=5, drain_s=5, seed=1)

    def kill_one(event: PhaseBegan) -> None:
        if event.phase == "measure":
            time.sleep(2.2)
            children = [p for p in psutil.Process().children() if "loadgen.engine.child" in p.cmdline()]
            os.kill(children[1].pid, signal.SIGKILL)

    path = find_scenario("dashboard")
    with ScenarioChild(path, seeded.environment(), processes=2, on_loss=on_loss) as child:
        record, _ = record_run(child, seeded, schedule, Objective(), tmp_path / "r", kill_one)
    assert record.verdict.status == "partial"
    reason = record.verdict.reasons[0]
    assert reason.code == "generator_lost"
    assert "process 1, which had 20 of 40 users" in reason.what
    result = record.result
    assert result is not None
    kept, lost = result.generator.parts
    assert kept.lost_after_s is None
    assert lost.lost_after_s is not None
    assert 1 <= lost.lost_after_s <= 3
    assert (lost.cpu_cores, lost.peak_rss_bytes) == (None, None)
    assert lost.count > 0
    assert kept.count + lost.count == result.count
    assert result.window_s == 5 if on_loss == "continue" else 2 <= result.window_s < 5
    assert_no_session_is_left(seeded)
