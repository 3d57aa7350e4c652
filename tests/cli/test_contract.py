"""What every verb promises to a program: one document on stdout, an exit code, and for people a line on stderr."""

import inspect
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Loadgen
from published import validate

from loadgen.cli import VERBS
from loadgen.database.connect import connect
from loadgen.database.target import Target

HISTORY = "date,value\n" + "".join(f"20{20 + n // 12}-{n % 12 + 1:02}-01,{1000 + 50 * n + n % 5}\n" for n in range(36))
NAMES = {verb.__name__ for verbs in VERBS.values() for verb in verbs}
SHORT = ("--users", "2", "--no-think", "--warmup", "0s", "--ramp", "0s")


def document(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    """The one document of stdout; fails if there is anything else."""
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    assert str(found["format"]).startswith("loadgen.")
    validate(found)
    assert "Traceback" not in done.stderr
    return found


@dataclass(frozen=True)
class Case:
    """A call of a verb, the exit codes that are right, and the formats that are."""

    arguments: tuple[str, ...]
    code: int
    format: str


CASES = [
    Case(("status",), 0, "loadgen.servers/1"),
    Case(("psql",), 0, "loadgen.psql/1"),
    Case(("init",), 0, "loadgen.init/1"),
    Case(("seed", "--users", "300", "--as-of", "2026-06-30"), 0, "loadgen.seed/1"),
    Case(("checksum",), 0, "loadgen.checksum/1"),
    Case(("fidelity", "--scenario", "absent"), 2, "loadgen.error/1"),
    Case(("fidelity", "--dsn", "host=127.0.0.1 port=1 dbname=x user=u"), 3, "loadgen.error/1"),
    Case(("profile",), 0, "loadgen.profile/1"),
    Case(("profile", "--schema", "pg_catalog"), 3, "loadgen.error/1"),
    Case(("profile", "--timeout", "soon"), 2, "loadgen.error/1"),
    Case(("describe", "dashboard"), 0, "loadgen.scenario/1"),
    Case(("export", "dashboard", "--pgbench", "exported"), 0, "loadgen.export/1"),
    Case(("export", "dashboard", "--pgbench", "."), 2, "loadgen.error/1"),
    Case(("forecast", "history.csv", "--horizon", "6"), 0, "loadgen.forecast/1"),
    Case(("forecast", "--horizon", "6"), 0, "loadgen.forecast/1"),
    Case(("forecast", "one.csv", "--horizon", "6"), 4, "loadgen.refusal/1"),
    Case(("forecast", "absent.csv", "--horizon", "6"), 2, "loadgen.error/1"),
    Case(("forecast", "text.csv", "--horizon", "6"), 2, "loadgen.error/1"),
    Case(("forecast", "columns.csv", "--horizon", "6"), 2, "loadgen.error/1"),
    Case(("forecast", "history.csv", "--horizon", "-1"), 2, "loadgen.error/1"),
    Case(("scalability", "levels.csv", "--at", "12,99"), 0, "loadgen.scalability/1"),
    Case(("scalability", "few.csv"), 4, "loadgen.refusal/1"),
    Case(("scalability", "absent.csv"), 2, "loadgen.error/1"),
    Case(("calibrate", "--scenario", "montecarlo", "--time", "4s"), 0, "loadgen.calibration/1"),
    Case(("calibrate", "--time", "soon"), 2, "loadgen.error/1"),
    Case(("demand",), 4, "loadgen.refusal/1"),
    Case(("demand", "absent"), 2, "loadgen.error/1"),
    Case(("run", "dashboard", "--only", "nothing", *SHORT), 2, "loadgen.error/1"),
    Case(("schema",), 0, "loadgen.schemas/1"),
    Case(("schema", "forecast"), 0, "loadgen.schema/1"),
    Case(("schema", "everything"), 2, "loadgen.error/1"),
    Case(("workload", "--requests", "requests.csv"), 0, "loadgen.workload/1"),
    Case(("workload", "--requests", "few_requests.csv"), 4, "loadgen.refusal/1"),
    Case(("workload", "--requests", "text.csv"), 2, "loadgen.error/1"),
    Case(("workload",), 2, "loadgen.error/1"),
    Case(("plan",), 4, "loadgen.refusal/1"),
    Case(("plan", "--sweep", "absent"), 2, "loadgen.error/1"),
    Case(("report", "absent"), 2, "loadgen.error/1"),
    Case(("run", "dashboard", *SHORT, "--duration", "1s"), 4, "loadgen.run/2"),
    Case(("sweep", "dashboard", "--levels", "1", "--repeats", "1", "--duration", "2s"), 4, "loadgen.sweep/2"),
    Case(("seed", "--users", "-5"), 2, "loadgen.error/1"),
    Case(("seed", "--users", "5", "--as-of", "yesterday"), 2, "loadgen.error/1"),
    Case(("seed", "--users", "400"), 3, "loadgen.error/1"),
    Case(("run", "dashboard", "--dsn", "postgresql://u:secret@127.0.0.1/x"), 2, "loadgen.error/1"),
    Case(("run", "dashboard", "--dsn", "host=127.0.0.1 port=1 dbname=x user=u"), 3, "loadgen.error/1"),
    Case(("up", "..",), 2, "loadgen.error/1"),
    Case(("down", "absent"), 2, "loadgen.error/1"),
    Case(("reset",), 2, "loadgen.error/1"),
    Case(("reset", "--yes"), 0, "loadgen.reset/2"),
    Case(("demo", "--duration", "never"), 2, "loadgen.error/1"),
]  # fmt: skip

CHILDREN = {"run", "sweep", "calibrate", "seed", "checksum", "forecast"}
"""Verbs that answer from a process of their own: those that start others, one that reads rows, one that reads files."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with histories, good and bad."""
    found = tmp_path_factory.mktemp("contract")
    (found / "history.csv").write_text(HISTORY)
    (found / "one.csv").write_text("date,value\n2024-01-01,5\n")
    (found / "text.csv").write_text("date,value\n2024-01-01,five\n")
    (found / "columns.csv").write_text("when,what\n2024-01-01,5\n")
    (found / "levels.csv").write_text("concurrency,throughput\n1,100\n2,190\n4,300\n8,310\n16,250\n")
    hours = [f"2026-03-{1 + n // 24:02}T{n % 24:02}:00Z,{100 + n % 24}\n" for n in range(240)]
    (found / "requests.csv").write_text("timestamp,requests\n" + "".join(hours))
    (found / "few_requests.csv").write_text("timestamp,requests\n" + "".join(hours[:30]))
    (found / "few.csv").write_text("concurrency,throughput\n1,100\n2,190\n")
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.arguments))
def test_one_document_and_the_right_exit_code(
    case: Case, seeded: Target, place: Path, loadgen: Loadgen, here: Loadgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.arguments[0] in CHILDREN and case.code in (0, 4):
        done = loadgen(*case.arguments, "--json", target=seeded, cwd=place)
    else:
        monkeypatch.chdir(place)
        for name, value in seeded.environment().items():
            monkeypatch.setenv(name, value)
        done = here(*case.arguments, "--json")
    assert done.returncode == case.code, done.stderr
    found = document(done)
    assert found["format"] == case.format
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    if case.code in (2, 3):
        assert len(done.stderr.strip().splitlines()) == 1, "one line says it"
        assert found["error"] == {"exit_code": case.code, "message": last.removeprefix("loadgen: ")}
    if case.code == 4:
        refusal = found["refusal"]
        assert isinstance(refusal, dict)
        assert set(refusal) == {"code", "missing", "do"}
        assert all(refusal.values())
    assert "secret" not in done.stderr + done.stdout


def test_every_verb_is_held_to_it() -> None:
    covered = {case.arguments[0] for case in CASES}
    assert covered == NAMES


@pytest.mark.parametrize("verb", [verb for verbs in VERBS.values() for verb in verbs], ids=lambda v: v.__name__)
def test_every_verb_says_what_it_does_and_speaks_json(verb: Callable[..., None]) -> None:
    assert verb.__doc__
    assert "json" in inspect.signature(verb).parameters


def test_without_json_nothing_goes_to_stdout(seeded: Target, place: Path, loadgen: Callable) -> None:
    for arguments in (("status",), ("checksum",), ("forecast", "history.csv"), ("describe", "montecarlo")):
        done = loadgen(*arguments, target=seeded, cwd=place)
        assert done.returncode == 0
        assert done.stdout == ""
        assert done.stderr


def test_a_user_without_privileges_gets_one_line(seeded: Target, loadgen: Callable) -> None:
    with connect(seeded, autocommit=True) as conn:
        conn.execute("DO $$ BEGIN CREATE ROLE nobody_special LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    weak = seeded.conninfo.replace("user=affluvia", "user=nobody_special")
    done = loadgen("run", "dashboard", *SHORT, "--json", env={"LOADGEN_DSN": weak})
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "permission denied" in done.stderr


def test_the_command_alone_shows_its_help_and_knows_its_version(loadgen: Callable) -> None:
    alone, asked, version = loadgen(), loadgen("--help"), loadgen("--version")
    assert alone.returncode == asked.returncode == version.returncode == 0
    assert alone.stdout == asked.stdout
    assert all(name in alone.stdout for name in NAMES)
    assert version.stdout.startswith("loadgen ")


def test_an_unknown_verb_is_one_line(loadgen: Callable) -> None:
    done = loadgen("frobnicate", "--json")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["loadgen: No such command 'frobnicate'; see loadgen --help"]
    assert document(done)["format"] == "loadgen.error/1"
