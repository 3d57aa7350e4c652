"""The sides of benchmarks/engine.py: one run each of this engine, of pgbench and of a Locust user on cursors.

Every run has a fresh copy of the seeded database, written out to disk; the same warm-up, in which caches fill and
statements are prepared and planned; and then whole seconds that are measured, with the same checkpoints in them.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from benchmarks.bench import HERE, settle
from loadgen.database.copies import working_copy
from loadgen.database.programs import client_program
from loadgen.database.target import Target
from loadgen.errors import ExitCode
from loadgen.runner.checkpoints import ForcedCheckpoints

_SPARE_S: Final = 120.0
"""How much longer than its load a run may take before it counts as hung."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is run, and for how long. ``rate`` None: closed, without think time."""

    scenario: str
    mode: str
    connections: int
    measure_s: int
    warmup_s: int = 3
    processes: int = 1
    rate: float | None = None
    only: str | None = None
    writes: bool = True
    """Any of its transactions; then a run asks for checkpoints."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run achieved. Latencies are response, from the time that was meant; None where they were not asked."""

    tps: float
    cpu_us: float
    """Client CPU a transaction, user and system; this engine's inside the window, a peer's over its whole life."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    lag_p99_ms: float | None = None
    own_lag_p99_ms: float | None = None
    verdict: str = ""
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """A seeded database, and the pgbench scripts of scenarios for it."""

    source: Target
    scripts: dict[str, Path]
    users: int
    seed: int

    @contextmanager
    def fresh(self) -> Iterator[Target]:
        """A copy in the state after seeding, with nothing left to write."""
        with working_copy(self.source) as copy:
            settle(copy)
            yield copy

    @property
    def sides(self) -> dict[str, Callable[[Load], Run]]:
        """What can be measured, by name."""
        return {
            "loadgen": self.ours,
            "pgbench": self.pgbench,
            "cursors": self.cursors,
            "cursors_each": partial(self.cursors, each=True),
        }

    def ours(self, load: Load) -> Run:
        """``loadgen run``, as people type it."""
        with self.fresh() as target, tempfile.TemporaryDirectory(prefix="bench-") as directory:
            command = [*run_command(load), "--json", "--results-dir", directory]
            done = subprocess.run(
                command, env=os.environ | target.environment(), capture_output=True, text=True,
                timeout=load.warmup_s + load.measure_s + _SPARE_S, check=False,
            )  # fmt: skip
        if done.returncode not in (ExitCode.DONE, ExitCode.NO_VALID_ANSWER) or not done.stdout:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
        return of_record(orjson.loads(done.stdout))

    def pgbench(self, load: Load) -> Run:
        """pgbench on the exported scripts: the seconds after the warm-up, of its own progress lines."""
        with self.fresh() as target, tempfile.TemporaryDirectory(prefix="bench-") as directory:
            command = [
                str(self.scripts[load.scenario] / "run.sh"), load.mode, "-c", str(load.connections),
                "-j", str(load.processes), "-T", str(load.warmup_s + load.measure_s), "-P", "1",
                *(["-R", str(load.rate), "-l", "--log-prefix", f"{directory}/log"] if load.rate else []),
                target.conninfo,
            ]  # fmt: skip
            environment = os.environ | target.environment() | {"PGBENCH": str(client_program("pgbench", None))}
            began = time.time()
            with _checkpoints(target, load):
                done, cpu_s = _used_cpu(command, environment, load)
            processed = re.search(r"actually processed: (\d+)", done.stdout)
            seconds = re.findall(r"^progress: [\d.]+ s, ([\d.]+) tps", done.stderr, re.MULTILINE)
            if done.returncode or not processed or len(seconds) < load.warmup_s + 1:
                raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
            measured = [float(tps) for tps in seconds[load.warmup_s : load.warmup_s + load.measure_s]]
            run = Run(sum(measured) / len(measured), cpu_s * 1e6 / int(processed[1]))
            return _of_logs(run, Path(directory), began + load.warmup_s) if load.rate else run

    def cursors(self, load: Load, *, each: bool = False) -> Run:
        """A Locust user on psycopg's cursors: whole seconds by Locust's own count of transactions.

        ``each``: it records each statement as well, as this engine does; without it, less than this engine records.
        """
        with self.fresh() as target, tempfile.TemporaryDirectory(prefix="bench-") as directory:
            description = Path(directory) / "scenario.json"
            described = subprocess.run(
                [sys.executable, "-m", "loadgen", "describe", load.scenario, "--json"],
                capture_output=True, timeout=_SPARE_S, check=True,
            )  # fmt: skip
            description.write_bytes(described.stdout)
            environment = os.environ | {
                "BENCH_DSN": target.conninfo, "BENCH_SCENARIO": str(description), "BENCH_USERS": str(self.users),
                "BENCH_SEED": str(self.seed), "BENCH_EACH": "1" if each else "", "PYTHONPATH": str(HERE.parent),
            }  # fmt: skip
            seconds = load.warmup_s + load.measure_s + 1
            command = [
                sys.executable, "-m", "locust", "-f", str(HERE / "cursors.py"), "--headless", "--json",
                "--only-summary", "-u", str(load.connections), "-r", "100", "-t", f"{seconds}s",
            ]  # fmt: skip
            with _checkpoints(target, load):
                done, cpu_s = _used_cpu(command, environment, load)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
        entries = [e for e in orjson.loads(done.stdout[done.stdout.index("[") :]) if e["method"] == "transaction"]
        by_second: dict[int, int] = {}
        for entry in entries:
            for second, count in entry["num_reqs_per_sec"].items():
                by_second[int(second)] = by_second.get(int(second), 0) + count
        first = min(by_second) + 1 + load.warmup_s
        measured = [by_second.get(second, 0) for second in range(first, first + load.measure_s - 1)]
        total = sum(entry["num_requests"] for entry in entries)
        failed = sum(entry["num_failures"] for entry in entries)
        return Run(sum(measured) / len(measured), cpu_s * 1e6 / total, errors=failed)


@contextmanager
def _checkpoints(target: Target, load: Load) -> Iterator[None]:
    """In a peer's window those that ``loadgen run`` asks for in a short window of writes, at the same places."""
    with ForcedCheckpoints(target) as checkpoints:
        timer = threading.Timer(load.warmup_s, checkpoints.spread_over, (load.measure_s,))
        if load.writes:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()


def run_command(load: Load) -> list[str]:
    """``loadgen run`` for a load."""
    return [
        sys.executable, "-m", "loadgen", "run", load.scenario, "--mode", load.mode, "--users", str(load.connections),
        "--duration", f"{load.measure_s}s", "--warmup", f"{load.warmup_s}s", "--ramp", "0s",
        *(["--processes", str(load.processes)] if load.processes > 1 else []),
        *(["--rate", f"{load.rate:.6g}"] if load.rate else ["--no-think"]),
        *(["--only", load.only] if load.only else []),
    ]  # fmt: skip


def of_record(record: dict[str, Any]) -> Run:
    """What a run record says. Raises RuntimeError for one without a result."""
    result = record["result"]
    if result is None:
        raise RuntimeError(f"no result: {record['verdict']}")
    tps = result["throughput_tps"]["value"]
    response, lag = result["response"], result["lag"]
    return Run(
        tps=tps,
        cpu_us=result["generator"]["cpu_cores"] * 1e6 / tps,
        p50_ms=_value(response["p50_ms"]),
        p95_ms=_value(response["p95_ms"]),
        p99_ms=_value(response["p99_ms"]),
        lag_p99_ms=_value(lag["p99_ms"]),
        own_lag_p99_ms=(result["arrivals"] or {}).get("own_lag_p99_ms"),
        verdict=record["verdict"]["status"],
        errors=result["errors"],
    )


def _value(interval: dict[str, float] | None) -> float | None:
    return None if interval is None else interval["value"]


def _used_cpu(
    command: Sequence[str], environment: dict[str, str], load: Load
) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run to the end; with the CPU seconds of it and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True,
        timeout=load.warmup_s + load.measure_s + _SPARE_S, check=False,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _of_logs(run: Run, directory: Path, first: float) -> Run:
    """Percentiles of pgbench's own log, of transactions that ended after ``first``: nearest rank, from every value."""
    responses: list[int] = []
    lags: list[int] = []
    for path in directory.glob("log*"):
        for line in path.read_text().splitlines():
            _, _, elapsed_us, _, second, us, lag_us, *_ = line.split()
            if int(second) + int(us) / 1e6 >= first and elapsed_us.isdigit():
                responses.append(int(elapsed_us))
                lags.append(int(lag_us))
    responses.sort()
    lags.sort()
    p50, p95, p99 = (_at(responses, p) for p in (50, 95, 99))
    return replace(run, p50_ms=p50, p95_ms=p95, p99_ms=p99, lag_p99_ms=_at(lags, 99))


def _at(ordered: Sequence[int], percentile: int) -> float:
    return ordered[max(-(-len(ordered) * percentile // 100) - 1, 0)] / 1000
