"""Whatever the file, path or value, over all verbs: one line, an exit code that fits, one document, no traceback."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing import SECRET, Case, cases, make_place
from published import validate

from loadgen.cli import main

SEED = 12
HERE, HERE_CI = 100, 300
REAL, REAL_CI = 5, 20
LONGEST_S = 30.0
"""Of one case, on a machine that does much else."""
MOST_LINE = 1_200
OUTSIDE = (Path("/"), Path("/dev"), Path("/etc"), Path("/var/lib"), Path.home(), Path(__file__).parent.parent.parent)


def numbered(seed: int, few: int, many: int) -> list[object]:
    """The first ``few`` for every run of the tests, as many as ``many`` for those in CI."""
    drawn = itertools.islice(cases(seed), many)
    marks = (() if n < few else (pytest.mark.ci,) for n in itertools.count())
    return [
        pytest.param(case, id=ascii(f"{n} {case.label}"), marks=mark)
        for n, (case, mark) in enumerate(zip(drawn, marks, strict=False))
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("fuzz") / "files")


@pytest.fixture(scope="module", autouse=True)
def _nothing_outside() -> Iterator[None]:
    """Nothing is written where nothing was named."""
    before = outside()
    yield
    assert outside() == before


def outside() -> set[tuple[str, int]]:
    """What there is, and of which type, but for what other processes of these tests write."""
    caches = ("__pycache__", "tmp", ".hypothesis", ".pytest_cache")
    paths = (path for directory in OUTSIDE for path in directory.iterdir() if path.name not in caches)
    return {(str(path), path.lstat().st_mode >> 12) for path in paths}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No server can be reached, and none started."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    return {
        "LOADGEN_DSN": f"postgresql://u:{SECRET}@127.0.0.1:1/x",
        "LOADGEN_PG_BIN": str(nothing),
        "LOADGEN_STATE_DIR": str(tmp_path / "state"),
        "LOADGEN_RESULTS_DIR": str(tmp_path / "results"),
        "PGPASSWORD": SECRET,
    }


@pytest.mark.slow
@pytest.mark.parametrize("case", numbered(SEED, HERE, HERE_CI))
def test_in_this_process(
    case: Case, place: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    arguments, further = case.at(make_place(tmp_path / "files") if case.writes else place)
    monkeypatch.chdir(tmp_path)
    for name, value in (environment | further).items():
        monkeypatch.setenv(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    began = time.monotonic()
    try:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    written = capfd.readouterr()
    assert_holds(case, int(ended.value.code or 0), written.out, written.err, time.monotonic() - began)


@pytest.mark.slow
@pytest.mark.parametrize("case", numbered(SEED + 1, REAL, REAL_CI))
def test_in_a_process_of_its_own(case: Case, place: Path, environment: dict[str, str], tmp_path: Path) -> None:
    arguments, further = case.at(make_place(tmp_path / "files") if case.writes else place)
    arguments = [argument.replace("\0", "")[:100_000] for argument in arguments]  # what the system lets pass
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "loadgen", *arguments], env=os.environ | environment | further, cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=LONGEST_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert_holds(case, done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def assert_holds(case: Case, code: int, out: str, err: str, seconds: float) -> None:
    """What every command line promises."""
    assert code in ((2, 3) if case.refused else (0, 1, 2, 3, 4)), (code, err)
    assert "Traceback" not in err
    assert "internal error" not in err
    assert SECRET not in out + err
    lines = err.splitlines()
    told = [line for line in lines if line.startswith("loadgen: ")]
    assert len(told) == (code != 0), err
    if code:
        assert lines[-1:] == told
        assert len(told[0]) <= MOST_LINE
    assert all(line.isprintable() for line in err.split("\n")), ascii(err)
    document = json.loads(out)
    validate(document)
    if code in (2, 3):
        assert document["error"] == {"exit_code": code, "message": told[0].removeprefix("loadgen: ")}
    assert seconds < LONGEST_S
