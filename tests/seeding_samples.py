"""Loads of many small parts, in processes of their own that can be killed in the middle. A plugin of the tests."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import psutil
import psycopg
import pytest

from loadgen.database.connect import connect
from loadgen.database.target import Target
from loadgen.population.model import Population
from loadgen.seeding import ledger, load
from loadgen.seeding.checksum import TableChecksum, checksum
from loadgen.seeding.forking import get_ready

MANY_PARTS = Population(1_000, 7, dt.date(2026, 2, 1), chunk_users=25)
"""40 parts of households and one of chat."""

_PROGRAM = """
import datetime as dt, json, os, sys
from loadgen import settings
from loadgen.database.connect import resolve
from loadgen.errors import LoadgenError
from loadgen.population.model import Population
from loadgen.seeding import load
from loadgen.seeding.forking import get_ready

def show(phase, done, total, detail):
    print(phase, done, total, detail, file=sys.stderr, flush=True)

users, seed, chunk_users, jobs, ageing = map(int, sys.argv[1:6])
get_ready()
try:
    wanted = Population(users, seed, dt.date.fromisoformat(sys.argv[6]), chunk_users)
    done = load.seed(resolve(settings.load()), wanted, jobs, show, ageing_months=ageing)
except LoadgenError as error:
    print(f"loadgen: {error}", file=sys.stderr)
    sys.exit(int(error.exit_code))
print(json.dumps([done.users_loaded, done.users_loaded_by_others]))
"""


def quiet(phase: str, done: int, total: int, detail: str) -> None:
    """Progress that nobody watches."""


class Start(Protocol):
    """The fixture ``start``."""

    def __call__(
        self, target: Target, population: Population = ..., jobs: int = ..., ageing_months: int = ...
    ) -> subprocess.Popen[str]: ...


def _start(target: Target, population: Population, jobs: int, ageing_months: int) -> subprocess.Popen[str]:
    """Seeding in a process of its own; what it prints when done is what :func:`loaded_by` reads."""
    numbers = (population.users, population.seed, population.chunk_users, jobs, ageing_months)
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *map(str, numbers), population.as_of.isoformat()],
        env=os.environ | target.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout, and stderr without progress."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def loaded_by(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Users that an ended process loaded itself, and that others did meanwhile. Fails if it did not succeed."""
    code, out, err = end(process)
    assert code == 0, err
    here, others = json.loads(out)
    return here, others


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Its processes that load."""
    servers = [child for child in psutil.Process(process.pid).children() if "forkserver" in " ".join(child.cmdline())]
    return [child for server in servers for child in server.children()]


def checksums(target: Target) -> tuple[TableChecksum, ...]:
    with connect(target) as conn:
        return checksum(conn)


def until(what: str, holds: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait until it holds; fail if it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.005)


def until_half_loaded(conn: psycopg.Connection, parts: int = 3) -> None:
    """Until some parts are there; fails if all are. The connection is in autocommit."""
    until("a part is loaded", lambda: ledger.read_load(conn) is not None and _parts(conn) >= parts)
    state = ledger.loaded(conn)
    assert state.parts_loaded < state.parts, "it was too fast to be caught"


def _parts(conn: psycopg.Connection) -> int:
    return ledger.loaded(conn).parts_loaded


@pytest.fixture(scope="session")
def many_parts(server: Target) -> tuple[Target, load.SeedResult]:
    """``MANY_PARTS`` loaded by one process, undisturbed. It goes with the session's state directory."""
    get_ready()  # what workers import, once for all loads of these tests
    target = server.with_database("test_many_parts")
    with connect(server, autocommit=True) as conn:
        conn.execute("CREATE DATABASE test_many_parts")
    return target, load.seed(target, MANY_PARTS, 1, quiet)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts seeding in a process group of its own; what a test leaves behind is ended."""
    started: list[subprocess.Popen[str]] = []

    def run(
        target: Target, population: Population = MANY_PARTS, jobs: int = 2, ageing_months: int = 0
    ) -> subprocess.Popen[str]:
        started.append(_start(target, population, jobs, ageing_months))
        return started[-1]

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(ValueError):  # its output has been read
            process.communicate(timeout=20)
