"""SIGINT, SIGTERM and SIGHUP at named points of every long command: one line, what was measured, nothing else left."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import create_database
from forked import Forker
from interruptions import Command
from sweep_samples import history_csv, store, sweep

from loadgen.database.connect import connect
from loadgen.database.target import Target

DRIVER = Path(__file__).parents[1] / "interrupt_at.py"
SAMPLES = "20261101T120000Z"
"""How the ids of the stored sweeps begin, which are there before."""
SIGNALS = ("INT", "TERM", "HUP")
AT_ONCE = 3
"""Commands that are interrupted side by side: most of them wait for a server, a process or a second to be over."""

CONNECT = "loadgen.database.connect:connect"
WRITE = "loadgen.runs.documents:write_atomically"
PAGE = "loadgen.report.page:page"
RUN = "run dashboard --users 2 --rate 100 --ramp 0s --warmup 0s --duration"
SWEEP = "sweep dashboard --think --levels 1 --repeats 2 --ramp 0s --warmup 0s --duration 1s"


@dataclass(frozen=True)
class Case:
    """One command and one of its points; ``kept``: the document of the record that must be there afterwards."""

    point: str
    words: str
    at: str
    kept: str | None = None
    data: str = "shared"
    """The database: one that all share, since they only read, or one of its own, "filled" or "empty"."""

    @property
    def end(self) -> str:
        """How the one line begins."""
        if self.kept:
            return "interrupted; the record is in results/"
        loading = self.words.startswith("seed") and self.point not in ("import", "connecting")
        return "interrupted; loaded rows are kept" if loading else "interrupted"


CASES = (
    Case("import", "seed --users 300", "loadgen.seeding.load", data="empty"),
    Case("connecting", "seed --users 300", "loadgen.seeding.session:open_session", data="empty"),
    Case("mid-work", "seed --users 2000 --jobs 1", "loadgen.seeding.ledger:loaded*2", data="empty"),
    Case("writing", "seed --users 300", "loadgen.seeding.scheduler:Scheduler.run", data="empty"),
    Case("import", f"{RUN} 1s", "typer"),
    Case("connecting", f"{RUN} 1s", CONNECT),
    Case("mid-work", f"{RUN} 60s", "loadgen.observe.sampler:Sampler._write*4", "manifest.json"),
    Case("writing", f"{RUN} 1s", "loadgen.runner.summary:write_timeline", "manifest.json"),
    Case("import", SWEEP, "pydantic", data="filled"),
    Case("connecting", SWEEP, CONNECT, data="filled"),
    Case("mid-work", SWEEP, "loadgen.database.copies:fresh_copy*2", "sweep.json", data="filled"),
    Case(
        "writing", SWEEP.replace("repeats 2", "repeats 1"), "loadgen.runner.sweep_runs:_answer", "sweep.json", "filled"
    ),
    Case("import", "demo", "loadgen.runner", data="filled"),
    Case("connecting", "demo", "loadgen.seeding.session:open_session", data="filled"),
    Case("mid-work", "demo --users 300", "loadgen.database.copies:fresh_copy", data="filled"),
    Case("writing", "demo --users 300", WRITE, "plan.json", data="filled"),
    Case("drawing", "demo --users 300", PAGE, "plan.json", data="filled"),
    Case("import", "plan", "loadgen.planning.make"),
    Case("connecting", "plan", CONNECT),
    Case("mid-work", "plan --history h.csv", "capacity.planner:make_plan"),
    Case("writing", "plan --history h.csv", WRITE, "plan.json"),
    Case("import", "forecast", "numpy"),
    Case("connecting", "forecast", CONNECT),
    Case("mid-work", "forecast h.csv", "capacity.growth.mixture:back_test"),
    Case("import", "fidelity", "psycopg"),
    Case("connecting", "fidelity --export x.csv", CONNECT),
    Case("mid-work", "fidelity --export x.csv", "loadgen.fidelity.export:_copy"),
    Case("writing", "fidelity --scenario dashboard", WRITE, "fidelity.json"),
    Case("drawing", "fidelity --scenario dashboard --report p.html", PAGE, "fidelity.json"),
    Case("import", "profile", "loadgen.cli"),
    Case("connecting", "profile", CONNECT),
    Case("mid-work", "profile", "loadgen.profiling.profile:to_json"),
    Case("writing", "profile --output p.json", WRITE),
    Case("import", "calibrate", "numpy"),
    Case("connecting", "calibrate", "loadgen.database.connect:resolve"),
    Case("mid-work", "calibrate", "loadgen.runner.generator:ScenarioChild._ready"),
    Case("writing", "calibrate --time 5s --scenario dashboard", WRITE, "calibration.json"),
    Case("import", f"report {SAMPLES}-sweep-dashboard", "altair"),
    Case("drawing", f"report {SAMPLES}-sweep-dashboard", PAGE),
)


def named(cases: Sequence[tuple[Case, str]]) -> list[str]:
    return [f"{case.words.split()[0]}-{case.point}-{number}" for case, number in cases]


IN_TURN = tuple(zip(CASES, itertools.cycle(SIGNALS), strict=False))
OTHERS = tuple((case, number) for case in CASES for number in SIGNALS if (case, number) not in IN_TURN)


class Interrupted:
    """Cases that are carried out side by side; each test waits for its own."""

    def __init__(self, forker: Forker, server: Target, empty: Target, filled: Target, root: Path) -> None:
        self._forker = forker
        self._server = server
        self._templates = {"empty": empty, "filled": filled}
        self._shared = create_database(server, filled)
        self._root = root
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._faults: dict[tuple[Case, str], Future[list[str]]] = {}

    def begin(self, cases: Sequence[tuple[Case, str]]) -> None:
        """Start them, in this order."""
        for place, (case, number) in enumerate(cases):
            target = self._shared
            if case.data != "shared":
                target = create_database(self._server, self._templates[case.data])
            command = self._prepared(case, number, self._root / f"{number}-{place}", target)
            self._faults[case, number] = self._pool.submit(_carried_out, case, command, self._forker)

    def faults(self, case: Case, number: str) -> list[str]:
        """What is not as it must be after one of them."""
        return self._faults[case, number].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    @staticmethod
    def _prepared(case: Case, number: str, directory: Path, target: Target) -> Command:
        swept = [store(directory / "results", sweep(name)) for name in ("dashboard", "montecarlo")]
        history_csv(directory / "h.csv")
        environment = target.environment() | {"LOADGEN_RESULTS_DIR": "results", "LOADGEN_STATE_DIR": str(directory)}
        if case.words.startswith("demo") and case.point in ("writing", "drawing"):
            environment["DEMO_SWEEPS"] = os.pathsep.join(map(str, swept))
        words = [str(DRIVER), case.at, number, *case.words.split(), "--json"]
        return Command(words, directory, environment)


def _carried_out(case: Case, command: Command, forker: Forker) -> list[str]:
    if case.point == "import":
        process = command.start()
        stdout, stderr = process.communicate(timeout=120)
        code = process.returncode
    else:  # what it imports is not the question, and takes a second
        done = forker.call(tuple(command.words), command.all_environment, command.cwd, 120)
        code, stdout, stderr = done.returncode, done.stdout, done.stderr
    faults = command.faults(code, stdout, stderr)
    if "the signal is sent" not in stderr:
        faults.append("the point was not reached")
    if not stderr.splitlines()[-1].startswith(case.end):
        faults.append(f"does not end with {case.end!r}")
    if not faults and case.words.startswith(RUN) and case.kept:
        run = json.loads(stdout)
        if run["result"]["count"] < 1 or (run["verdict"]["status"] == "partial") != (case.point == "mid-work"):
            faults.append(f"not the record of what was measured: {run['verdict']}")
    records = [path for path in command.cwd.glob("results/*/*.json") if not path.parent.name.startswith(SAMPLES)]
    if [path.name for path in records] != ([case.kept] if case.kept else []):
        faults.append(f"kept {records}")
    return [*faults, stderr] if faults else []


@pytest.fixture(scope="module")
def interrupted(
    _forker: Forker, server: Target, _initialised: Target, _seeded: Target, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Interrupted]:
    """Nothing is begun yet."""
    cases = Interrupted(_forker, server, _initialised, _seeded, tmp_path_factory.mktemp("interrupted"))
    yield cases
    cases.close()


@pytest.fixture(scope="module")
def in_turn(interrupted: Interrupted) -> Interrupted:
    """Every command at each of its points once, the signals in turn."""
    interrupted.begin(IN_TURN)
    return interrupted


@pytest.fixture(scope="module")
def others(interrupted: Interrupted) -> Interrupted:
    """The combinations that are left."""
    interrupted.begin(OTHERS)
    return interrupted


@pytest.mark.parametrize(("case", "number"), IN_TURN, ids=named(IN_TURN))
def test_a_command_ends_in_order(in_turn: Interrupted, case: Case, number: str) -> None:
    assert not in_turn.faults(case, number)


@pytest.mark.ci
@pytest.mark.parametrize(("case", "number"), OTHERS, ids=named(OTHERS))
def test_a_command_ends_in_order_at_any_signal(others: Interrupted, case: Case, number: str) -> None:
    assert not others.faults(case, number)


def test_no_copy_is_left(in_turn: Interrupted, server: Target) -> None:
    """Of the sweeps that were interrupted before, while and after they had one."""
    for case, number in IN_TURN:
        in_turn.faults(case, number)
    with connect(server, autocommit=True) as conn:
        assert conn.execute("SELECT datname FROM pg_database WHERE datname LIKE '%\\_work'").fetchall() == []
