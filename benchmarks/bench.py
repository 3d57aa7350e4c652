"""What every benchmark needs: a server of its own, the machine's facts, commands that are timed, raw output on disk."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import psutil
from psycopg import sql

from loadgen.database import guard
from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.target import Target
from loadgen.observe.facts import client_facts
from loadgen.settings import Settings

HERE: Final = Path(__file__).parent
_SAMPLE_S: Final = 0.2
_NUMBERS = itertools.count()


@contextmanager
def server() -> Iterator[Target]:
    """An embedded server that nobody else uses, removed at the end."""
    state_dir = Path(tempfile.mkdtemp(prefix="bench-"))
    state_dir.chmod(0o755)
    instance = Instance.from_settings(Settings(state_dir=state_dir))
    try:
        yield embedded_target(instance)
    finally:
        instance.delete()
        shutil.rmtree(state_dir)


@contextmanager
def database(of: Target) -> Iterator[Target]:
    """A marked and empty database, dropped at the end."""
    target = of.with_database(f"bench_{next(_NUMBERS)}")
    name = sql.Identifier(target.database)
    with connect(of, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        with connect(target) as conn:
            guard.initialise(conn)
        yield target
    finally:
        with connect(of, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def settle(target: Target) -> None:
    """What an earlier run left to write is written before the next one starts."""
    with connect(target, autocommit=True) as conn:
        conn.execute("CHECKPOINT")


@dataclass(frozen=True, slots=True)
class Timed:
    """One command: seconds of the wall clock, the most memory any of its processes had, and what it printed."""

    seconds: float
    largest_pss_mb: float
    """Proportional set size, 10^6 bytes; of the one process that had the most."""
    stdout: str


def timed(command: Sequence[str], target: Target, timeout_s: float) -> Timed:
    """Run a command to its end. Raises CalledProcessError if it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=os.environ | target.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        memory = _Memory(process.pid)
        memory.start()
        stdout, stderr = process.communicate(timeout=timeout_s)
        seconds = time.perf_counter() - began
        memory.ended.set()
        memory.join()
    if process.returncode:
        sys.stderr.write(stderr)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Timed(seconds, memory.largest / 1e6, stdout)


class _Memory(threading.Thread):
    """Looks at the memory of a process and its children now and then."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.largest = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(_SAMPLE_S):
            try:
                parent = psutil.Process(self._pid)
                for process in (parent, *parent.children(recursive=True)):
                    self.largest = max(self.largest, process.memory_full_info().pss)
            except psutil.Error:  # it ended between two calls
                continue


def alternating(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Each name once a round; every second round the other way about, so that a drift falls on all."""
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            yield number, name


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def facts(target: Target) -> dict[str, object]:
    """When and on what."""
    with connect(target) as conn:
        version = conn.info.parameter_status("server_version")
    return {
        "measured_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": client_facts().cpu_model,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "postgres": version,
        "python": sys.version.split()[0],
    }


def keep(path: Path, document: dict[str, object]) -> None:
    """Write raw output, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    say(f"raw output: {path.relative_to(HERE.parent)}")


def say(line: str) -> None:
    print(line, flush=True)
