"""Open load against a real server: frozen, overloaded, too slow to finish. Naps stand for work, so that a busy machine
changes little: a connection carries one transaction a nap, whatever the CPUs do."""

from __future__ import annotations

import csv
import heapq
import math
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.run import record_run
from loadgen.runs import documents, hlog
from loadgen.runs.arrivals import Part, arrivals
from loadgen.runs.control import PhaseBegan
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.histogram import Histogram, lowest_us, merge
from loadgen.runs.rates import steady

NAP_S = 0.035
SCENARIO = """
from loadgen.engine.scenario import PostgresUser, Transaction

class Napping(PostgresUser):
    transactions = (Transaction("nap", 1, ("nap",)),)
"""
SQL = f"""
-- name: nap (read, rows 1)
SELECT pg_sleep({NAP_S})
"""


def scenario(tmp_path: Path) -> Path:
    (tmp_path / "napping.sql").write_text(SQL)
    path = tmp_path / "napping.py"
    path.write_text(SCENARIO)
    return path


class Freezer:
    """Stops every process of a server in its tracks for a while, from a thread of its own."""

    def __init__(self, target: Target) -> None:
        with connect(target) as conn:
            row = conn.execute("SELECT pg_backend_pid()").fetchone()
            assert row
            self._postmaster = psutil.Process(row[0]).parent()
        self.frozen = self.thawed = 0.0
        self._thread: threading.Thread | None = None

    def freeze_at(self, at: float, for_s: float) -> None:
        self._thread = threading.Thread(target=self._freeze, args=(at, for_s))
        self._thread.start()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _freeze(self, at: float, for_s: float) -> None:
        assert self._postmaster is not None
        time.sleep(max(at - time.monotonic(), 0.0))
        processes = [self._postmaster, *self._postmaster.children(recursive=True)]
        try:
            for process in processes:
                os.kill(process.pid, signal.SIGSTOP)
            self.frozen = time.monotonic()
            time.sleep(for_s)
        finally:
            self.thawed = time.monotonic()
            for process in processes:
                os.kill(process.pid, signal.SIGCONT)


def in_window(directory: Path, measure: str) -> Histogram:
    """One latency of all seconds of the measured window."""
    with (directory / "timeline.csv").open() as file:
        seconds = {float(row["second"]) for row in csv.DictReader(file) if row["phase"] == "measure"}
    entries = hlog.read(directory / "latency.hlog")
    return merge(e.histogram for e in entries if e.tag == f"txn:nap:{measure}" and round(e.start_s) in seconds)


def in_seconds(directory: Path, window_s: range) -> tuple[int, Histogram]:
    """Of some seconds of the measured window: how many arrivals were meant for them, and the response of those."""
    with (directory / "timeline.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["phase"] == "measure"][window_s.start : window_s.stop]
    starts = {float(row["second"]) for row in rows}
    entries = hlog.read(directory / "latency.hlog")
    shown = merge(e.histogram for e in entries if e.tag == "txn:nap:response" and round(e.start_s) in starts)
    return sum(int(row["offered"]) for row in rows), shown


def above(histogram: Histogram, seconds: float) -> int:
    return sum(n for slot, n in histogram.counts.items() if lowest_us(slot) > seconds * 1e6)


def queue_lags(times: Sequence[float], service_s: float, servers: int, frozen: float, thawed: float) -> list[float]:
    """Lag of each arrival at a first-come-first-served queue whose servers all stand still for a while."""
    free = [0.0] * servers
    lags = []
    for at in times:
        sent = max(at, heapq.heappop(free))
        ends = sent + service_s
        if frozen <= sent < thawed:
            ends = thawed + service_s
        elif sent < frozen < ends:
            ends = max(ends, thawed)  # a nap goes on by the clock
        heapq.heappush(free, ends)
        lags.append(sent - at)
    return lags


def test_a_frozen_server_shows_in_response_and_not_in_service(seeded: Target, tmp_path: Path) -> None:
    """Two seconds of standstill at half of capacity."""
    users, rate_tps, measure_s, stall_s = 8, 110.0, 10.0, 2.0
    schedule = Schedule(
        users, False, ramp_s=0, warmup_s=1, measure_s=measure_s, drain_s=5, seed=7, rate=steady(rate_tps)
    )
    freeze_at_s = 3.0
    freezer = Freezer(seeded)
    began = 0.0

    def on_phase(event: PhaseBegan) -> None:
        nonlocal began
        if event.phase == "measure":
            began = round(event.at)
            freezer.freeze_at(began + freeze_at_s, stall_s)

    try:
        with ScenarioChild(scenario(tmp_path), seeded.environment()) as child:
            record, directory = record_run(child, seeded, schedule, Objective(), tmp_path / "results", on_phase)
    finally:
        freezer.join()

    result = record.result
    assert result is not None and result.arrivals is not None
    assert result.errors == 0, result.error_examples
    # All arrivals that were meant for the window, and no others, are there.
    times = list(arrivals(steady(rate_tps), "poisson", seed=7, part=Part.WINDOW, until_s=measure_s))
    assert result.arrivals.offered == len(times)
    assert abs(len(times) - rate_tps * measure_s) <= 3 * math.sqrt(rate_tps * measure_s)
    assert result.response.count == result.arrivals.finished == result.arrivals.offered
    assert (result.arrivals.dropped, result.arrivals.unfinished) == (0, 0)

    # So are those that were meant for the two frozen seconds, each of them in response.
    meant = sum(freeze_at_s <= at < freeze_at_s + stall_s for at in times)
    assert abs(meant - rate_tps * stall_s) <= 3 * math.sqrt(rate_tps * stall_s)
    offered, shown = in_seconds(directory, range(int(freeze_at_s), int(freeze_at_s + stall_s)))
    assert offered == shown.total == meant
    assert shown.max_us > (stall_s - 0.1) * 1e6

    # Service has the stall at most once a connection; its percentiles do not show it.
    service, response, lag = (in_window(directory, measure) for measure in ("service", "response", "lag"))
    assert service.total == response.total == result.arrivals.offered
    assert 1 <= above(service, stall_s / 2) <= users
    assert result.service.p99_ms is not None
    assert result.service.p99_ms.value < 250

    # Response shows it as a queue of that many connections would have it, fed with the very same arrivals.
    # A queue's capacity is its servers over the mean service; the stalled ones are the freeze's, which it is told of.
    service_s = (
        Histogram({s: n for s, n in service.counts.items() if lowest_us(s) < stall_s / 2 * 1e6}, 0).mean_us / 1e6
    )
    frozen, thawed = freezer.frozen - began, freezer.thawed - began
    lags = queue_lags(times, service_s, users, frozen, thawed)
    assert result.response.p99_ms is not None
    expected_p99_s = Histogram.of(round((own + service_s) * 1e6) for own in lags).percentile_us(99) / 1e6
    assert expected_p99_s > 1.5
    assert result.response.p99_ms.value / 1000 == pytest.approx(expected_p99_s, rel=0.15)

    # The backlog: who waited over 100 ms came one after the other from the freeze on, hence how many says until when.
    first = next(i for i, own in enumerate(lags) if own > 0.1)
    drained = times[first + above(lag, 0.1) - 1] - thawed
    predicted = times[first + sum(own > 0.1 for own in lags) - 1] - thawed
    assert drained == pytest.approx(predicted, rel=0.15)
    capacity_tps = users / service_s
    fluid = rate_tps * stall_s / (capacity_tps - rate_tps)  # backlog over what is left of the capacity
    assert predicted == pytest.approx(fluid, rel=0.5), "the simulated queue is of the right kind"
    assert result.arrivals.backlog_most == pytest.approx(rate_tps * stall_s, rel=0.25)


def test_more_than_the_server_carries_is_dropped_counted_and_censored(seeded: Target, loadgen, tmp_path: Path) -> None:
    """Two connections carry some 55 a second; 200 are offered, and what is 0.3 s late is dropped."""
    done = loadgen(
        "run", str(scenario(tmp_path)), "--rate", "200", "--arrivals", "constant", "--late-limit", "300ms",
        "--users", "2", "--duration", "5s", "--warmup", "1s", "--ramp", "0s", "--objective", "p95=100ms",
        "--results-dir", "r", "--json", target=seeded,
    )  # fmt: skip
    record = documents.parse(RunRecord, done.stdout, "stdout")
    assert record.schedule.rate == steady(200)
    assert (record.schedule.arrivals, record.schedule.late_limit_s) == ("constant", 0.3)
    result = record.result
    assert result is not None
    found = result.arrivals
    assert found is not None
    assert found.offered == 1000
    assert found.offered == found.finished + found.dropped + found.unfinished
    assert found.dropped > 500
    assert result.response.censored == found.dropped + found.unfinished
    assert result.response.censored_from_ms == pytest.approx(300, rel=0.01)
    assert result.response.p95_ms is not None
    assert result.response.p95_ms.value >= 300
    assert math.isinf(result.response.p95_ms.high)
    assert result.throughput_tps.value < 70
    assert "not_carried" in [note.code for note in record.verdict.notes]
    assert "≥ " in done.stderr
    assert f"{found.dropped:,} dropped" in done.stderr
    if record.verdict.status == "valid":
        assert done.returncode == 1, "at least 300 ms is more than 100 ms"


def test_what_waits_too_long_for_a_pool_is_dropped_as_well(seeded: Target, tmp_path: Path) -> None:
    """Two connections for 32 users: arrivals find a user at once, and wait for the pool."""
    schedule = Schedule(
        32, False, ramp_s=0, warmup_s=0, measure_s=4, drain_s=5, seed=3, rate=steady(200), arrivals="constant",
        late_limit_s=0.3, access=Access(pool=2),
    )  # fmt: skip
    with ScenarioChild(scenario(tmp_path), seeded.environment()) as child:
        record, directory = record_run(child, seeded, schedule, Objective(), tmp_path / "results")
    assert record.result is not None
    found = record.result.arrivals
    assert found is not None
    assert found.offered == 800 == found.finished + found.dropped + found.unfinished
    assert found.dropped > 400
    # Nothing was sent past the limit: what is in lag beyond it was dropped.
    lag = in_window(directory, "lag")
    assert above(lag, 0.301) <= found.dropped + found.unfinished
    assert record.result.access is not None and record.result.access.pool_wait is not None
    assert record.result.errors == 0


def test_what_the_drain_leaves_is_censored_and_not_lost(seeded: Target, tmp_path: Path) -> None:
    """Overloaded without a limit: a drain of a second cannot finish what waits."""
    schedule = Schedule(
        2, False, ramp_s=0, warmup_s=0, measure_s=4, drain_s=1, seed=3, rate=steady(150), arrivals="constant"
    )
    with ScenarioChild(scenario(tmp_path), seeded.environment()) as child:
        record, _ = record_run(child, seeded, schedule, Objective(), tmp_path / "results")
    assert record.result is not None
    found = record.result.arrivals
    assert found is not None
    assert found.offered == 600 == found.finished + found.unfinished
    # One a connection was under way, unless it was answered while the users were being stopped.
    assert 0 <= found.started - found.finished <= 2
    assert found.unfinished > 200
    assert found.backlog_end > 300
    assert record.result.response.count == 600
    assert record.result.response.censored == found.unfinished
    assert "not_carried" in [note.code for note in record.verdict.notes]
