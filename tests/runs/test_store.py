"""Records are complete or absent, and found by what people type."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadgen.errors import EnvironmentFault, UsageError
from loadgen.runs import documents, store

NOON = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)


def put(parent: Path, subject: str, kind: store.Kind, when: dt.datetime = NOON) -> Path:
    """A minimal record of ``kind``."""
    with store.new_record(parent, store.new_id(subject, when)) as directory:
        document = directory / store.DOCUMENTS[kind]
        document.write_text(json.dumps({"format": f"loadgen.{kind}/1"}))
    (final,) = parent.glob(f"*{directory.name[1 : -len('.partial')]}")
    return final


def test_ids_are_utc_sortable_and_safe_as_file_names() -> None:
    east = dt.timezone(dt.timedelta(hours=2))
    name = store.new_id("Dash board/../x", dt.datetime(2026, 3, 1, 1, 30, tzinfo=east))
    assert name.startswith("20260228T233000Z-dash-board-x-")
    assert store.new_id("a", NOON) != store.new_id("a", NOON)
    with pytest.raises(ValueError, match="time zone"):
        store.new_id("a", dt.datetime(2026, 3, 1))  # noqa: DTZ001 - the refused case


def test_a_record_appears_only_when_complete(tmp_path: Path) -> None:
    with store.new_record(tmp_path / "results", "one") as directory:
        (directory / "manifest.json").write_text("{}")
        assert not (tmp_path / "results" / "one").exists()
        assert store.leftovers(tmp_path / "results") == (directory,)
    assert (tmp_path / "results" / "one" / "manifest.json").exists()
    assert store.leftovers(tmp_path / "results") == ()


@pytest.mark.parametrize("outcome", [RuntimeError, KeyboardInterrupt])
def test_a_record_that_fails_leaves_nothing(tmp_path: Path, outcome: type[BaseException]) -> None:
    with pytest.raises(outcome), store.new_record(tmp_path, "one") as directory:
        (directory / "timeline.csv").write_text("half")
        raise outcome
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_that_fails_keeps_the_runs_it_completed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.new_record(tmp_path, "sweep") as directory:
        put(directory / "runs", "dashboard", "run")
        raise RuntimeError
    assert not store.leftovers(tmp_path)
    (kept,) = tmp_path.iterdir()
    assert store.resolve(tmp_path, kept.name) == kept / "manifest.json"


def test_what_a_killed_process_left_is_cleared_by_the_next_and_what_one_writes_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep killed with a run completed, a page killed in its writing; beside them a record that is being written."""
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from loadgen import partials; from loadgen.runs import store\n"
        "here = Path(sys.argv[1])\n"
        "with store.new_record(here, 'sweep') as sweep, partials.replacing(here / 'out' / 'page.html') as page:\n"
        "    with store.new_record(sweep / 'runs', 'run') as run: (run / 'manifest.json').write_text('{}')\n"
        "    with store.new_record(sweep / 'runs', 'half'): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with store.new_record(tmp_path, "busy") as busy:
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
        assert sorted(path.name for path in tmp_path.glob(".*"))[0].startswith(".busy")
        put(tmp_path, "next", "run")
        documents.write_atomically(tmp_path / "out" / "page.html", "whole")
        assert list(tmp_path.glob(".*")) == [busy]
    assert (tmp_path / "run" / "manifest.json").exists()
    first, second = capsys.readouterr().err.splitlines()
    assert ".sweep.partial, left incomplete" in first
    assert "complete runs are kept" in first
    assert ".page.html." in second


def test_a_record_is_written_once(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(EnvironmentFault, match="written once"), store.new_record(tmp_path, "one"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_an_unwritable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EnvironmentFault, match=r"cannot write .*--results-dir"),
        store.new_record(tmp_path / "file", "x"),
    ):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which is always full, on this system")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="No space left"), store.new_record(tmp_path, "x"):
        Path("/dev/full").write_text("x")
    with pytest.raises(ConnectionError), store.new_record(tmp_path, "x"):  # not the disk's: left as it is
        raise ConnectionResetError(104, "reset")
    assert list(tmp_path.iterdir()) == []


def test_resolving_by_id_prefix_directory_and_file(tmp_path: Path) -> None:
    run = put(tmp_path, "dashboard", "run")
    sweep = put(tmp_path, "montecarlo", "sweep", NOON + dt.timedelta(seconds=1))
    inner = put(sweep / "runs", "montecarlo", "run", NOON + dt.timedelta(seconds=2))
    manifest = run / "manifest.json"
    assert store.resolve(tmp_path, run.name) == manifest
    assert store.resolve(tmp_path, "20260301T120000Z") == manifest
    assert store.resolve(tmp_path, str(run)) == manifest
    assert store.resolve(tmp_path, str(manifest)) == manifest
    assert store.resolve(tmp_path, inner.name) == inner / "manifest.json"
    assert store.resolve(tmp_path, str(sweep)) == sweep / "sweep.json"


def test_what_does_not_resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "a", "run")
    put(tmp_path, "b", "run")
    for name, message in [
        ("2026", "matches 2 records"),
        ("nope", "no record"),
        ("", "needs a name"),
        ("../x", "no record"),
    ]:
        with pytest.raises(UsageError, match=message):
            store.resolve(tmp_path, name)
    with pytest.raises(UsageError, match="none of"):
        store.resolve(tmp_path, str(tmp_path))
    with pytest.raises(UsageError, match="no record"):
        store.resolve(tmp_path / "absent", "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "loadgen.run/3"}', "this version reads 1, 2"),
        ('{"format": "loadgen.other/1"}', "not a record of this tool"),
        ('{"format": 3}', "not a record of this tool"),
        ("[]", "not a record of this tool"),
        ("{", "not JSON"),
        ("\xff", "not JSON"),
    ],
)
def test_unknown_and_newer_documents_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=message):
        store.kind_of(path)


def test_kinds_and_the_newest_of_each(tmp_path: Path) -> None:
    later = NOON + dt.timedelta(hours=1)
    put(tmp_path, "dashboard", "run")
    same_second = put(tmp_path, "dashboard", "run")
    stamp = (same_second / "manifest.json").stat().st_mtime_ns + 1_000_000
    os.utime(same_second / "manifest.json", ns=(stamp, stamp))
    sweep = put(tmp_path, "montecarlo", "sweep", later)
    put(sweep / "runs", "dashboard", "run", later)
    assert store.newest(tmp_path, "run") == same_second / "manifest.json"
    assert len(store.newest_first(tmp_path, "run", "dashboard")) == 2
    assert store.newest(tmp_path, "run", "montecarlo") is None
    found = store.newest(tmp_path, "sweep", "montecarlo")
    assert found is not None
    assert store.kind_of(found) == "sweep"
    assert store.newest(tmp_path, "plan") is None
    assert store.newest(tmp_path / "absent", "run") is None
