"""Names, socket directories and the files that say how a server is reached."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from loadgen.database.instance_files import SOCKET_PATH_LIMIT_BYTES, Files, Postmaster, Record
from loadgen.database.programs import Account
from loadgen.errors import UsageError

pytestmark = pytest.mark.user

ME = Account(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid(), switched=False)


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "-x", "ünï", "x" * 41, "a b", "a\n"])
def test_a_name_cannot_leave_the_state_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name of a server"):
        Files(tmp_path, name)


def test_a_short_socket_directory_is_beside_the_data(state_dir: Path) -> None:
    files = Files(state_dir, "a")
    files.make(ME)
    found = files.socket_dir(None, ME)
    assert found == files.home / "socket"
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


def test_a_long_one_is_private_and_elsewhere_and_kept(tmp_path: Path) -> None:
    files = Files(tmp_path / ("x" * 100), "a")
    files.make(ME)
    found = files.socket_dir(None, ME)
    try:
        assert len(os.fsencode(found / ".s.PGSQL.65535")) <= SOCKET_PATH_LIMIT_BYTES
        assert stat.S_IMODE(found.stat().st_mode) == 0o700
        assert files.socket_dir(found, ME) == found
        found.chmod(0o755)  # as if somebody else had made it
        other = files.socket_dir(found, ME)
        other.rmdir()
        assert other != found
    finally:
        found.rmdir()


def test_a_record_comes_back(tmp_path: Path) -> None:
    record = Record(5433, Path("/tmp/x"))
    record.write(tmp_path / "instance.json")
    assert Record.read(tmp_path / "instance.json") == record


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"port": "x", "socket_dir": "y"}', "\x00"])
def test_an_unreadable_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "instance.json").write_text(text)
    assert Record.read(tmp_path / "instance.json") is None


@pytest.mark.parametrize("text", ["", "12", "x\ny\n", "12\n/data\n0\n"])
def test_a_pid_file_that_is_cut_short_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "postmaster.pid").write_text(text)
    assert Postmaster.read(tmp_path) is None
