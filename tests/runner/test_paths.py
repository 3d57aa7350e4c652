"""Whatever a target is named by, and wherever that name leads: nothing is written to what is not ours."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
from foreign_fixtures import KINDS, Foreign
from forked import Forker
from psycopg.conninfo import conninfo_to_dict

from loadgen.database.connect import connect
from loadgen.database.target import Target

ROOT = Path(__file__).parents[2]
SHORT = ("--duration", "2s", "--warmup", "0s", "--ramp", "0s", "--no-think")
VERBS = {
    "init": ("init",),
    "seed": ("seed", "--users", "50"),
    "reset": ("reset", "--yes"),
    "run": ("run", "montecarlo", "--users", "4", *SHORT),
    "sweep": ("sweep", "montecarlo", "--levels", "1", "--repeats", "1", *SHORT),
    "worker": ("run", "montecarlo", "--worker"),
    "locust": (),
}
READ_ONLY = {
    "status": ("status",),
    "checksum": ("checksum",),
    "profile": ("profile",),
    "fidelity": ("fidelity",),
    "calibrate": ("calibrate", "--scenario", "dashboard", "--time", "2s"),
    "forecast": ("forecast", "--horizon", "6"),
    "export": ("export", "dashboard", "--pgbench", "exported"),
}
LOADS = ("run", "sweep", "worker", "locust")
DIRECT = ("--dsn", "LOADGEN_DSN", "PG variables", "service", "loadgen.toml")
POOLERS = ("--pooler-dsn", "LOADGEN_POOLER_DSN", "pooler in loadgen.toml")
HOSTS = "several hosts"
SETTINGS = {"loadgen.toml": "dsn", "pooler in loadgen.toml": "pooler_dsn"}
PG_VARIABLES = {"HOST": "host", "PORT": "port", "USER": "user", "DATABASE": "dbname"}


@dataclass(frozen=True)
class Case:
    """A verb, a way to name its target, and what that leads to."""

    verb: str
    way: str
    kind: str

    def __str__(self) -> str:
        return f"{self.verb}, {self.way}, {self.kind}"

    @property
    def possible(self) -> bool:
        """Whether it is a mistake at all: another marked database is as good as any when it is named itself."""
        if self.verb == "locust" and self.way.startswith("--"):
            return False
        if self.way in POOLERS:
            return self.verb in LOADS
        if self.way == HOSTS:  # of two marked ones, either is a target as it was named
            return self.verb in LOADS and self.kind in ("application", "empty")
        # An empty database is there to be marked by init and seed.
        return self.kind == "application" or (self.kind == "empty" and self.verb not in ("init", "seed"))


EVERY = [case for case in itertools.starmap(Case, itertools.product(VERBS, (*DIRECT, *POOLERS, HOSTS), KINDS))
         if case.possible]  # fmt: skip


def pairs(case: Case) -> set[tuple[str, str]]:
    return set(itertools.combinations((case.verb, case.way, case.kind), 2))


@cache
def pairwise() -> list[Case]:
    """Few cases in which every pair of verb, way and kind that is possible occurs: the usual greedy cover."""
    order = random.Random(1).sample(EVERY, len(EVERY))
    # One that takes a process of its own comes where it is needed only.
    order.sort(key=lambda case: case.verb == "locust")
    left = set().union(*map(pairs, order))
    chosen = []
    while left:
        best = max(order, key=lambda case: len(pairs(case) & left))
        chosen.append(best)
        left -= pairs(best)
    return chosen


@dataclass(frozen=True)
class World:
    """The marked database that is meant, and one of each kind on another server."""

    ours: Target
    foreign: Foreign
    databases: dict[str, Target]

    def named(self, case: Case, folder: Path) -> tuple[list[str], dict[str, str]]:
        """The arguments and the environment of a case; ``folder`` is where the verb runs."""
        dsn = self.databases[case.kind].conninfo
        parts = conninfo_to_dict(dsn)
        mine, ours = conninfo_to_dict(self.ours.conninfo), self.ours.environment()
        hosts, ports = (f"{parts[key]},{mine[key]}" for key in ("host", "port"))
        (folder / "services").write_text(
            "\n".join(["[theirs]", *(f"{key}={parts[key]}" for key in ("host", "port", "user", "dbname"))])
        )
        if case.way in SETTINGS:
            (folder / "loadgen.toml").write_text(f'[loadgen]\n{SETTINGS[case.way]} = "{dsn}"\n')
        environments: dict[str, dict[str, str]] = {
            "LOADGEN_DSN": {"LOADGEN_DSN": dsn},
            "PG variables": {f"PG{name}": str(parts[key]) for name, key in PG_VARIABLES.items()},
            "service": {"PGSERVICEFILE": str(folder / "services"), "PGSERVICE": "theirs"},
            "LOADGEN_POOLER_DSN": ours | {"LOADGEN_POOLER_DSN": dsn},
            HOSTS: {"LOADGEN_DSN": f"host={hosts} port={ports} user={parts['user']} dbname={parts['dbname']}"},
        }
        flags = [case.way, dsn] if case.way.startswith("--") else []
        return flags, environments.get(case.way, ours if case.way in POOLERS else {})


@pytest.fixture(scope="module")
def world(foreign: Foreign, server: Target, _seeded: Target) -> World:
    """Databases of every kind; with the same mark goes the same name, so that the server alone tells them apart."""
    names = {kind: "meant" if kind == "same mark" else kind for kind in KINDS}
    with connect(server, autocommit=True) as conn:
        for name in names.values():
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {_seeded.database}".encode())
    ours = replace(server.with_database("meant"), embedded=False)
    databases = {kind: replace(foreign.database(name, kind, ours), embedded=False) for kind, name in names.items()}
    return World(ours, foreign, databases)


@pytest.fixture(scope="module")
def untouched(world: World) -> Iterator[None]:
    """After all tests of this file everything foreign is as it was before."""
    before = world.foreign.checksum()
    yield
    assert world.foreign.checksum() == before


AT_ONCE = 3
"""Cases that are carried out side by side: most of them import, or wait for a process to end."""


class Refusals:
    """Cases that are carried out side by side; each test waits for its own."""

    def __init__(self, world: World, forker: Forker, root: Path) -> None:
        self._world, self._forker, self._root = world, forker, root
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._ended: dict[Case, Future[subprocess.CompletedProcess[str]]] = {}
        self._read: dict[str, Future[subprocess.CompletedProcess[str]]] = {}

    def begin(self, cases: Sequence[Case]) -> None:
        """Start them: loads side by side, but those of a foreign database once the others have ended.

        A load's lock might refuse these as well.
        """
        for case in sorted(cases, key=lambda case: (case.way not in POOLERS, case.verb in LOADS)):
            folder = self._root / str(len(self._ended))
            folder.mkdir()
            self._ended[case] = self._pool.submit(self._carried_out, case, folder)
            if case.verb not in LOADS:
                wait([self._ended[case]])

    def begin_reading(self) -> None:
        """Start the verbs that only read, each on a database that is not ours."""
        environment = dict(os.environ) | {"LOADGEN_DSN": self._world.databases["application"].conninfo}
        for verb, arguments in READ_ONLY.items():
            folder = self._root / verb
            folder.mkdir()
            self._read[verb] = self._pool.submit(self._forker.call, arguments, environment, folder, 120)

    def read(self, verb: str) -> subprocess.CompletedProcess[str]:
        return self._read[verb].result()

    def _carried_out(self, case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
        arguments, more = self._world.named(case, folder)
        environment = {name: value for name, value in os.environ.items() if name != "LOADGEN_RESULTS_DIR"} | more
        if case.verb != "locust":
            return self._forker.call((*VERBS[case.verb], *arguments), environment, folder, 120)
        return subprocess.run(
            [sys.executable, "-m", "locust", "-f", str(ROOT / "scenarios/montecarlo.py"), "--headless", "-u", "4",
             "-t", "3s"],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def line(self, case: Case) -> str:
        """The last line of a case. Fails unless the guard's exit code came out."""
        done = self._ended[case].result()
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
        return next(line for line in reversed(done.stderr.splitlines()) if line.startswith("loadgen: "))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def refusals(
    world: World, untouched: None, _forker: Forker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Refusals]:
    """Nothing is begun yet."""
    cases = Refusals(world, _forker, tmp_path_factory.mktemp("paths"))
    yield cases
    cases.close()


@pytest.fixture(scope="module")
def cover(refusals: Refusals) -> Refusals:
    """Every pair of verb, way and kind; then what only reads."""
    refusals.begin(pairwise())
    refusals.begin_reading()
    return refusals


@pytest.fixture(scope="module")
def combinations(refusals: Refusals) -> Refusals:
    """The combinations that are left."""
    refusals.begin([case for case in EVERY if case not in pairwise()])
    return refusals


@pytest.mark.parametrize("case", pairwise(), ids=str)
def test_nothing_foreign_is_written(case: Case, world: World, cover: Refusals) -> None:
    line = cover.line(case)
    assert "in use" not in line, "refused by the guard, not by another case's lock"
    if case.way in POOLERS:
        theirs = world.databases[case.kind].address
        assert f"at {theirs} leads to the wrong database, expected database meant at {world.ours.address} (" in line


@pytest.mark.ci
@pytest.mark.parametrize("case", [case for case in EVERY if case not in pairwise()], ids=str)
def test_nothing_foreign_is_written_by_any_combination(case: Case, combinations: Refusals) -> None:
    combinations.line(case)


@pytest.mark.parametrize("verb", READ_ONLY)
def test_what_only_reads_writes_nothing(verb: str, cover: Refusals) -> None:
    done = cover.read(verb)
    assert done.returncode in (0, 3, 4), done.stderr
