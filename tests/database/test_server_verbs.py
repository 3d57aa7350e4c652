"""up, down, status and psql as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from conftest import Loadgen

from loadgen.database.target import Target

pytestmark = pytest.mark.user


@pytest.fixture
def own(state_dir: Path) -> dict[str, str]:
    return {"LOADGEN_STATE_DIR": str(state_dir)}


def document(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_a_server_from_up_to_deletion(loadgen: Loadgen, own: dict[str, str]) -> None:
    assert document(loadgen("status", "--json", env=own)) == {"format": "loadgen.servers/1", "servers": []}
    first = loadgen("up", "one", "--json", env=own)
    made = document(first)
    assert (made["format"], made["name"], made["running"], made["version"]) == ("loadgen.server/1", "one", True, "18")
    assert "creating server one" in first.stderr
    with psycopg.connect(str(made["dsn"])) as conn:
        assert conn.info.server_version // 10000 == 18
    assert document(loadgen("up", "one", "--json", env=own)) == made

    listed = document(loadgen("status", "--json", env=own))["servers"]
    assert listed == [{key: value for key, value in made.items() if key != "format"}]
    asked = loadgen("psql", "--instance", "one", "--", "-Atc", "SELECT current_database()", env=own)
    assert (asked.returncode, asked.stdout) == (0, "affluvia\n")

    stopped = document(loadgen("down", "one", "--json", env=own))
    assert (stopped["running"], stopped["pid"], stopped["dsn"]) == (False, None, None)
    assert "one: was not running" in loadgen("down", "one", env=own).stderr
    assert "not running; start it: loadgen up one" in loadgen("status", env=own).stderr
    assert loadgen("down", "one", "--delete", env=own).returncode == 0
    assert document(loadgen("status", "--json", env=own))["servers"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("down", "nobody"), 2, "there is no server nobody"),
        (("up", "../x"), 2, "is not a name of a server"),
        (("up", "--port", "80"), 2, "expected an integer from 1024 to 65535"),
        (("up", "--port", "99999999999"), 2, "expected an integer from 1024 to 65535"),
        (("up", "--port", "-1"), 2, "expected an integer from 1024 to 65535"),
        (("up", "--port", "many"), 2, "expected an integer"),
        (("psql", "--dsn", "host=/nowhere", "--instance", "x"), 2, "exclude each other"),
        (("init", "--dsn", "host=127.0.0.1 port=1"), 3, "Connection refused"),
    ],
)
def test_bad_input_is_one_line(
    loadgen: Loadgen, own: dict[str, str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = loadgen(*arguments, "--json", env=own)
    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(done.stdout)["error"]["exit_code"] == code


def test_a_state_directory_that_cannot_be_made(loadgen: Loadgen, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = loadgen("up", env={"LOADGEN_STATE_DIR": str(tmp_path / "file")})
    assert done.returncode == 3
    assert "set LOADGEN_STATE_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_psql_shows_its_command_without_the_password(loadgen: Loadgen, server: Target) -> None:
    dsn = f"{server.conninfo} password=hush"
    shown = loadgen("psql", "--json", "--", "-Atc", "SELECT 1", env={"LOADGEN_DSN": dsn})
    command = document(shown)["command"]
    assert isinstance(command, list)
    assert Path(command[0]).name == "psql"
    assert os.access(command[0], os.X_OK)
    assert command[2:] == ["-Atc", "SELECT 1"]
    assert "hush" not in shown.stdout + shown.stderr


def test_a_verb_without_a_target_starts_the_server(loadgen: Loadgen, own: dict[str, str]) -> None:
    done = loadgen("init", "--json", env=own)
    assert document(done)["database"] == "affluvia"
    assert "creating server default" in done.stderr
