"""``loadgen export``: one document, one directory, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.exporting.export import require_empty, write_directory


def test_the_document_lists_what_was_written(seeded: Target, tmp_path: Path, loadgen: Callable) -> None:
    (tmp_path / "out").mkdir()  # an empty directory will do
    done = loadgen("export", "dashboard", "--pgbench", "out", "--variants", "8", "--json", target=seeded)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["format"] == "loadgen.export/1"
    assert found == json.loads((tmp_path / "out" / "export.json").read_text())
    written = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    listed = {file for script in found["scripts"] for file in script["files"].values()}
    assert written == listed | {"README.md", "run.sh", "export.json"}
    assert sum(script["share"] for script in found["scripts"]) == pytest.approx(1)
    assert set(found["commands"]) == {"sequential", "pipeline"}
    assert all(f"-f {script['files'][mode]}@{script['weight']}" in command
               for script in found["scripts"] for mode, command in found["commands"].items())  # fmt: skip
    assert found["user_distribution_error"] <= 1e-9
    assert {"database", "marked", "users", "seed"} <= set(found["data"])
    assert any("section" in a["of"] for a in found["approximations"])
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "exponential, mean 5 s" in readme
    assert "--seed 1 --as-of 2026-06-30" in readme
    assert not list(tmp_path.glob(".*partial*"))


def test_the_same_command_writes_the_same_files(seeded: Target, tmp_path: Path, loadgen: Callable) -> None:
    texts = []
    for name in ("one", "two"):
        done = loadgen("export", "montecarlo", "--pgbench", name, "--mode", "pipeline", target=seeded)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        texts.append({p.name: p.read_text() for p in (tmp_path / name).rglob("*.*") if p.is_file()})
        assert not (tmp_path / name / "sequential").exists()
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pgbench", "full"), "full is not empty"),
        (("--pgbench", "full/file"), "full/file"),
        (("--pgbench", "new", "--variants", "0"), "--variants"),
        (("--pgbench", "new", "--mode", "both-ways"), "--mode"),
        ((), "--pgbench"),
    ],
)
def test_wrong_use_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path, loadgen: Callable) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("kept")
    # No server is needed to say so, and none is started.
    done = loadgen("export", "dashboard", *arguments, "--json", env={"LOADGEN_STATE_DIR": str(tmp_path / "state")})
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert json.loads(done.stdout)["error"]["exit_code"] == 2
    assert (tmp_path / "full" / "file").read_text() == "kept"
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "state").exists()


def test_a_database_without_users_is_refused(database: Target, tmp_path: Path, loadgen: Callable) -> None:
    done = loadgen("export", "dashboard", "--pgbench", "out", target=database)
    assert done.returncode == 3
    assert "has no users; fill it with: loadgen seed" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_directory_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "out"
    with pytest.raises(EnvironmentFault, match="cannot write"):
        write_directory(place, {"a/one.sql": "x", "a": "a directory has that name"})
    assert list(tmp_path.iterdir()) == []
    write_directory(place, {"a/one.sql": "x"})
    with pytest.raises(UsageError, match="not empty"):
        require_empty(place)
    with pytest.raises(EnvironmentFault, match="cannot write"):
        write_directory(place, {"a/two.sql": "y"})
    assert [p.name for p in (place / "a").iterdir()] == ["one.sql"]
