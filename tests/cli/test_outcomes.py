"""Any exception as one line: of the system, of a library, of this tool; and lines that are safe to print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from conftest import Loadgen
from pydantic import TypeAdapter, ValidationError

from loadgen.cli import outcomes
from loadgen.cli.outcomes import MOST_CHARACTERS, as_loadgen_error, one_line
from loadgen.errors import EnvironmentFault, UsageError


def raised(cause: str) -> Exception:
    """What Python raises for ``cause``."""
    try:
        exec(cause)
    except Exception as error:
        return error
    raise AssertionError(cause)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (raised("open('/nowhere/at/all')"), EnvironmentFault, "cannot use /nowhere/at/all: No such file or directory"),
        (raised("raise OSError(28, 'No space left on device')"), EnvironmentFault, "No space left on device; check"),
        (MemoryError(), EnvironmentFault, "not enough memory"),
        (raised("'\\ud800'.encode()"), UsageError, "input is not UTF-8"),
        (psycopg.errors.DiskFull("disk full"), EnvironmentFault, "the server: disk full; the server's disk is full"),
        (raised("1 / 0"), EnvironmentFault, "internal error: ZeroDivisionError: division by zero"),
        (raised("f = lambda: f()\nglobals().update(f=f)\nf()"), EnvironmentFault, "internal error: RecursionError"),
    ],
)
def test_each_kind_of_exception(error: Exception, kind: type[Exception], says: str) -> None:
    outcome = as_loadgen_error(error)
    assert type(outcome) is kind
    assert str(outcome).startswith(says) or says in str(outcome)


def test_a_document_of_another_shape() -> None:
    with pytest.raises(ValidationError) as invalid:
        TypeAdapter(dict[str, int]).validate_python({"users": "many"})
    assert "users: Input should be a valid integer" in str(as_loadgen_error(invalid.value))


def test_the_traceback_is_shown_to_who_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = raised("1 / 0")
    as_loadgen_error(error)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(outcomes.TRACEBACK_VARIABLE, "1")
    as_loadgen_error(error)
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("a\nb\x1b[31m\u202e\udcff", "a\\nb\\x1b[31m\\u202e\\udcff"),
        ("postgresql://u:se/cr:et@h/x and x://u@h", "postgresql://u:***@h/x and x://u@h"),
        ("host=h password=secret user=u", "host=h password=*** user=u"),
        ("PASSWORD = 'se cret", "PASSWORD = ***"),
        ("für 5 µs", "für 5 µs"),
    ],
)
def test_a_line_is_safe_to_print(message: str, line: str) -> None:
    assert one_line(message) == line


@pytest.mark.parametrize(
    ("password", "message", "line"),
    [
        ("a", "a database at a host", "*** database at *** host"),
        ("x", "fix the index at postgresql://u:x@h and x", "fix the index at postgresql://u:***@h and ***"),
        ("s3cr", "xs3cry and s3cr", "x***y and ***"),
        ("a.c", "abc (a.c)", "abc (***)"),
    ],
)
def test_a_short_password_is_masked_where_it_stands_alone(
    password: str, message: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", password)
    assert one_line(message) == line


def test_a_long_line_keeps_what_to_do() -> None:
    line = one_line(f"--users {'9' * 10**6} is out of range; give 1 to 10")
    assert line.startswith("--users 999")
    assert line.endswith("give 1 to 10")
    assert len(line) <= MOST_CHARACTERS


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "--instance", ""), ("init", "--dsn="), ("run", "dashboard", "--pooler-dsn", ""),
        ("run", "dashboard", "--replica", ""), ("reset", "--allow-unmarked", ""), ("plan", "--results-dir", ""),
        ("report", ""), ("run", "dashboard", "-u", ""),
    ],
)  # fmt: skip
def test_an_empty_value_is_refused(here: Loadgen, arguments: tuple[str, ...]) -> None:
    done = here(*arguments)
    assert done.returncode == 2
    assert "is empty; give a value, or leave it out" in done.stderr
    option = arguments[-1].partition("=")[0] or arguments[-2]
    assert (option if option.startswith("-") else "argument 2") in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["closed", "full"])
def test_output_that_nobody_takes(stream: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loadgen", "schema", "run"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False,
            preexec_fn=(lambda: os.close(1)) if stream == "closed" else None,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "standard output" in done.stderr
