"""Workers that end before their run does, on loopback: killed, told to go, or left without a master."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from test_live import assert_no_session_is_left, only_record, wait_for
from test_machines import SCENARIO, kept, logged

from loadgen.database.target import Target
from loadgen.runner.parts import OnLoss
from loadgen.runs import documents, spool
from loadgen.runs.format.result import RunResult
from loadgen.runs.format.run import RunRecord

LOAD = ("--users", "40", "--warmup", "0s", "--ramp", "0s")


@dataclass(frozen=True)
class Team:
    """A master's process, one worker of ours and one of plain Locust; ``copies``: what each worker measured."""

    master: subprocess.Popen[str]
    ours: subprocess.Popen[str]
    plain: subprocess.Popen[str]
    copies: Path
    results: Path

    def record(self) -> tuple[RunRecord, RunResult]:
        """What the master printed once it ended, and its result."""
        self.master.communicate(timeout=90)
        record = documents.parse(RunRecord, (only_record(self.results) / "manifest.json").read_bytes(), "manifest")
        assert record.verdict.status == "partial"
        assert record.result is not None
        return record, record.result


@contextmanager
def team(target: Target, tmp_path: Path, *arguments: str) -> Iterator[Team]:
    """All three in mid-run; none of them is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    copies = tmp_path / "copies"
    copies.mkdir()
    environment = os.environ | target.environment() | {"LOADGEN_WORKER_SPOOL": str(copies)}

    def start(*command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, cwd=tmp_path, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    run = ("loadgen", "run", str(SCENARIO))
    listen = ("--master", "--expect-workers", "2", "--bind-host", "127.0.0.1", "--bind-port", port)
    started = [start(*run, *listen, *LOAD, "--results-dir", "r", *arguments)]
    try:
        started.append(start(*run, "--worker", "--master-port", port))
        started.append(start("locust", "-f", str(SCENARIO), "--worker", "--master-port", port))
        wait_for(started[0], "measure")
        yield Team(started[0], started[1], started[2], copies, tmp_path / "r")
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def engine_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The one child of a verb that makes the load."""
    (child,) = [p for p in psutil.Process(process.pid).children() if any("loadgen.engine" in w for w in p.cmdline())]
    return child


def part_of(result: RunResult, pid: int) -> int:
    """Which share a worker had."""
    (share,) = [n for n, part in enumerate(result.generator.parts) if part.name.endswith(f":{pid}")]
    return share


def assert_each_second_is_there_once(made: Team, lost: int, *, whole: bool) -> None:
    """All seconds of the worker that stayed, and of the other a beginning, or all of them."""
    found = {int(path.stem.rsplit("-", 1)[1]): list(spool.read(path)) for path in made.copies.iterdir()}
    theirs = found[lost]
    merged = logged(made.results)
    beginnings = [len(theirs)] if whole else range(1, len(theirs) + 1)
    assert any(merged == kept(found[1 - lost] + theirs[:reported]) for reported in beginnings)


@pytest.mark.parametrize(
    ("who", "on_loss"), [("ours", "stop"), pytest.param("plain", "continue", marks=pytest.mark.ci)]
)
def test_a_worker_that_is_killed_shows_with_its_share(
    seeded: Target, tmp_path: Path, who: str, on_loss: OnLoss
) -> None:
    duration_s = 60 if on_loss == "stop" else 6
    with team(seeded, tmp_path, "--duration", f"{duration_s}s", "--on-worker-loss", on_loss) as made:
        victim = engine_of(made.ours) if who == "ours" else psutil.Process(made.plain.pid)
        time.sleep(5)  # reports go every 3 s, with seconds that were closed: one at least is there
        victim.kill()
        record, result = made.record()
        # Nothing runs on: no process, no session, no query.
        _, alive = psutil.wait_procs([psutil.Process(p.pid) for p in (made.ours, made.plain) if p.poll() is None], 20)
        assert not alive
        if who == "ours":
            _, said = made.ours.communicate()
            assert made.ours.returncode == 3
            assert f"worker {victim.pid} was killed by SIGKILL" in said
            assert "Traceback" not in said
    assert_no_session_is_left(seeded)
    reason = record.verdict.reasons[0]
    assert reason.code == "generator_lost"
    assert "20 of 40 users" in reason.what
    share = part_of(result, victim.pid)
    lost, stayed = result.generator.parts[share], result.generator.parts[1 - share]
    assert lost.lost_after_s is not None
    assert 0 < lost.lost_after_s <= 6
    assert stayed.lost_after_s is None
    assert lost.count + stayed.count == result.count
    assert result.window_s == duration_s if on_loss == "continue" else 3 <= result.window_s < 20
    assert_each_second_is_there_once(made, share, whole=False)


def test_a_worker_that_is_told_to_go_hands_over_all_it_has(seeded: Target, tmp_path: Path) -> None:
    with team(seeded, tmp_path, "--duration", "6s", "--on-worker-loss", "continue") as made:
        time.sleep(1.5)
        pid = made.plain.pid
        made.plain.terminate()
        wait_for(made.master, "leaves: the run continues without it")
        record, result = made.record()
    assert_no_session_is_left(seeded)
    assert [reason.code for reason in record.verdict.reasons][:1] == ["generator_lost"]
    share = part_of(result, pid)
    lost = result.generator.parts[share].lost_after_s
    assert lost is not None
    assert 1 <= lost <= 5
    assert result.window_s == 6, "the window is that of the run, not of who left it"
    assert all(s.agrees for s in record.server_statements), "nothing of what it did is missing"
    assert_each_second_is_there_once(made, share, whole=True)


def test_what_a_master_had_is_kept_when_it_is_killed(seeded: Target, tmp_path: Path) -> None:
    with team(seeded, tmp_path, "--duration", "60s") as made:
        time.sleep(4.5)
        engine_of(made.master).kill()
        wait_for(made.master, "was killed by SIGKILL; its measurements are kept")
        record, result = made.record()
        assert_no_session_is_left(seeded)  # its workers hear nothing any more
    assert [reason.code for reason in record.verdict.reasons][:1] == ["generator_died"]
    assert [part.users for part in result.generator.parts] == [20, 20]
    assert all(part.count > 0 for part in result.generator.parts)
