"""A master and two workers on machines of their own, which are network namespaces; the server is reached by its socket.

One worker is ours, the other plain Locust. Each keeps a copy of its seconds, to compare with what the master merged.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from namespaces import Machines, machines
from test_live import assert_no_session_is_left, only_record, wait_for

from loadgen.database.target import Target
from loadgen.runs import documents, hlog, spool
from loadgen.runs.format.run import RunRecord
from loadgen.runs.histogram import Histogram, merge
from loadgen.runs.spool import Second

ROOT = Path(__file__).parent.parent.parent
SCENARIO = ROOT / "scenarios" / "dashboard.py"
WORKER_S = 60.0


@contextmanager
def workers(hub: Machines, target: Target, copies: Path, ours: int) -> Iterator[list[subprocess.Popen[str]]]:
    """So many processes of ours on machine 1, one of plain Locust on machine 2."""
    environment = os.environ | target.environment() | {"LOADGEN_WORKER_SPOOL": str(copies)}
    commands = (
        ("loadgen", "run", str(SCENARIO), "--worker", "--processes", str(ours)),
        ("locust", "-f", str(SCENARIO), "--worker"),
    )
    started = []
    for machine, (module, *arguments) in enumerate(commands, 1):
        host = ("--master-host", hub.hub_address(machine))
        command = hub.command(machine, sys.executable, "-m", module, *arguments, *host)
        started.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def run(
    target: Target,
    tmp_path: Path,
    meanwhile: Callable[[Machines], None],
    *arguments: str,
    cut_off: bool = False,
    ours: int = 1,
) -> tuple[RunRecord, str, dict[int, list[Second]]]:
    """A run of all three; the record, what the master said, and each worker's own copy by its share."""
    copies = tmp_path / "copies"
    copies.mkdir()
    with machines(2) as hub, workers(hub, target, copies, ours) as joined:
        expected = ("--expect-workers", str(ours + 1))
        command = ("run", str(SCENARIO), "--master", *expected, "--ramp", "0s", "--json", *arguments)
        master = subprocess.Popen(
            hub.command(0, sys.executable, "-m", "loadgen", *command, "--results-dir", str(tmp_path / "r")),
            env=os.environ | target.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            wait_for(master, "measure")
            meanwhile(hub)
            stdout, stderr = master.communicate(timeout=90)
        finally:
            master.kill()
            master.communicate()
        assert stdout, stderr
        if cut_off:  # plain Locust waits for a minute; the load has ended before
            assert_no_session_is_left(target)
        else:
            for process in joined:
                process.wait(WORKER_S)
    assert "Traceback" not in stderr
    found = {int(path.stem.rsplit("-", 1)[1]): list(spool.read(path)) for path in copies.iterdir()}
    return documents.parse(RunRecord, stdout, "stdout"), stderr, found


def logged(results: Path) -> dict[str, Histogram]:
    """The whole latency log, by tag."""
    entries = defaultdict(list)
    for entry in hlog.read(only_record(results) / "latency.hlog"):
        entries[entry.tag].append(entry.histogram)
    return {tag: merge(histograms) for tag, histograms in entries.items()}


def kept(seconds: list[Second]) -> dict[str, Histogram]:
    """The same of workers' own seconds."""
    entries = defaultdict(list)
    for second in seconds:
        for subject, tallies in (("txn", second.transactions), ("stmt", second.statements)):
            for name, tally in tallies.items():
                for measure, histogram in tally.histograms.items():
                    entries[f"{subject}:{name}:{measure}"].append(histogram)
    return {tag: merge(histograms) for tag, histograms in entries.items()}


def test_merged_histograms_are_the_sum_of_the_workers(seeded: Target, tmp_path: Path) -> None:
    rate = ("--rate", "60", "--users", "6", "--duration", "5s", "--warmup", "1s")
    record, said, copies = run(seeded, tmp_path, lambda hub: None, *rate, ours=2)
    assert copies.keys() == {0, 1, 2}
    assert all(len(seconds) > 5 for seconds in copies.values())
    assert logged(tmp_path / "r") == kept(copies[0] + copies[1] + copies[2])
    assert record.verdict.status in ("valid", "invalid")  # invalid: this machine was too busy
    assert record.schedule.processes == 3
    result = record.result
    assert result is not None
    assert result.arrivals is not None
    assert result.errors == 0
    parts = result.generator.parts
    assert [(part.users, part.lost_after_s) for part in parts] == [(2, None)] * 3
    assert all(part.clock_error_ms is not None and 0 < part.clock_error_ms < 50 for part in parts)
    # Together the shares are the whole stream, each arrival once and in the window that it was meant for.
    assert [part.arrivals_meant for part in parts] == [part.count for part in parts]
    assert sum(part.count for part in parts) == result.arrivals.offered == result.count
    assert "load generator: 3 processes" in said
    assert_no_session_is_left(seeded)


def test_a_worker_that_is_cut_off_shows_with_its_share_and_the_run_ends(seeded: Target, tmp_path: Path) -> None:
    def cut(hub: Machines) -> None:
        time.sleep(5.5)  # reports go every 3 s, with seconds that were closed: one at least is there
        hub.cut(2)

    load = ("--users", "40", "--duration", "60s", "--warmup", "0s")
    record, said, copies = run(seeded, tmp_path, cut, *load, cut_off=True)
    assert record.verdict.status == "partial"
    reason = record.verdict.reasons[0]
    assert reason.code == "generator_lost"
    assert "20 of 40 users" in reason.what
    assert "does not answer: the run stops" in said
    result = record.result
    assert result is not None
    assert result.window_s < 20, "the policy is to stop, long before the schedule ends"
    ours, cut_off = sorted(result.generator.parts, key=lambda part: part.lost_after_s is not None)
    assert ours.lost_after_s is None
    assert cut_off.lost_after_s is not None
    assert 0 < cut_off.lost_after_s <= 7
    assert cut_off.count + ours.count == result.count
    # Nothing is counted twice, nor lost of what was reported: all of ours, and a beginning of the other's.
    theirs = copies[result.generator.parts.index(cut_off)]
    mine = copies[result.generator.parts.index(ours)]
    merged = logged(tmp_path / "r")
    assert any(merged == kept(mine + theirs[:reported]) for reported in range(1, len(theirs)))
    assert len(theirs) < 30, "it stops by itself when it hears nothing from its master"
    assert_no_session_is_left(seeded)


@pytest.mark.ci
def test_what_comes_after_a_broken_wire_is_there_once(seeded: Target, tmp_path: Path) -> None:
    def cut_and_join(hub: Machines) -> None:
        time.sleep(1.5)
        hub.cut(1)
        time.sleep(5)
        hub.join(1)

    load = ("--users", "40", "--duration", "14s", "--warmup", "0s", "--on-worker-loss", "continue")
    record, said, copies = run(seeded, tmp_path, cut_and_join, *load)
    assert "does not answer: the run continues" in said
    assert logged(tmp_path / "r") == kept(copies[0] + copies[1])
    result = record.result
    assert result is not None
    assert result.window_s == pytest.approx(14)
    assert [part.lost_after_s for part in result.generator.parts] == [None, None]
    assert record.verdict.status in ("valid", "invalid")
