"""The embedded server through its life: started, stopped, killed, interrupted, mended. Real processes throughout."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from conftest import make_state_dir, remove_state_dir, requires_that

from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance, all_instances
from loadgen.database.instance_files import Files
from loadgen.database.processes import running_in
from loadgen.database.programs import find_programs, server_account
from loadgen.errors import EnvironmentFault
from loadgen.settings import Settings

pytestmark = pytest.mark.user

Said = list[str]


@pytest.fixture(scope="module")
def life() -> Iterator[Instance]:
    """One instance, with a table of one row, that the tests of this module stop and kill as they like."""
    state_dir = make_state_dir()
    instance = Instance(Files(state_dir, "life"), notify=lambda line: None)
    with connect(embedded_target(instance)) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    yield instance
    remove_state_dir(state_dir)


def answer(instance: Instance) -> object:
    """Start it if need be, and read the row."""
    with connect(embedded_target(instance)) as conn:
        row = conn.execute("SELECT answer FROM kept").fetchone()
    return row[0] if row else None


def kill_hard(instance: Instance) -> int:
    server = instance.status().postmaster
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not instance.status().running)
    return server.pid


def until(condition: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.01)


def postgres_processes(data_dir: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if "postgres" in process.name() and str(data_dir) in " ".join([process.cwd(), *process.cmdline()]):
                found.append(process.pid)
    return found


def start_in_child(state_dir: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "loadgen", "up", "--json"],
        env=os.environ | {"LOADGEN_STATE_DIR": str(state_dir)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_is_durable_and_counts_statements(life: Instance) -> None:
    with connect(embedded_target(life)) as conn:
        for name, value in {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "track_io_timing": "on",
            "listen_addresses": "127.0.0.1",
            "data_checksums": "on",
        }.items():
            assert conn.info.parameter_status(name) in (None, value)
            assert conn.execute("SELECT current_setting(%s)", (name,)).fetchone() == (value,)
        assert conn.execute("SELECT count(*) > 0 FROM pg_stat_statements").fetchone() == (True,)


def test_only_its_user_can_reach_it_without_the_password(life: Instance) -> None:
    server = life.start()
    assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(life.files.pgpass.stat().st_mode) == 0o600
    assert stat.S_IMODE(life.files.data.stat().st_mode) == 0o700
    tcp = f"host=127.0.0.1 port={server.port} user=affluvia dbname=affluvia connect_timeout=10"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(f"{tcp} passfile=/dev/null")
    with psycopg.connect(f"{tcp} passfile={life.files.pgpass}") as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_stop_keeps_rows_and_address(life: Instance) -> None:
    before = life.start()
    assert life.stop()
    assert not life.stop()
    assert life.status().postmaster is None
    assert postgres_processes(life.files.data) == []
    assert answer(life) == 42
    assert life.start().port == before.port


def test_starting_twice_is_starting_once(life: Instance) -> None:
    assert life.start() == life.start()


def test_after_kill_9_it_recovers(life: Instance) -> None:
    life.start()
    pid = kill_hard(life)
    assert answer(life) == 42
    assert life.start().pid != pid


def test_a_stale_pid_file_with_a_strangers_pid_is_removed(life: Instance) -> None:
    life.start()
    kill_hard(life)
    until(lambda: not postgres_processes(life.files.data))
    account = server_account()
    # Of the server's own account, so that PostgreSQL by itself would take it for the server and refuse to start.
    with subprocess.Popen(["/bin/sleep", "600"], user=account.uid if account.switched else None, cwd="/") as stranger:
        pid_file = life.files.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        said: Said = []
        assert not life.status().running
        assert answer(Instance(life.files, notify=said.append)) == 42
        assert any("stale" in line for line in said)
        assert stranger.poll() is None  # it was not taken for ours and ended
        stranger.kill()


def test_a_pid_file_cut_short_is_removed(life: Instance) -> None:
    life.stop()
    (life.files.data / "postmaster.pid").write_text("")
    assert answer(life) == 42


def test_a_taken_port_is_refused_in_one_line(life: Instance) -> None:
    life.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=f"port {port} .* in use; choose another"):
            life.start(port)
    assert not life.status().running
    assert life.start(port).port == port
    with pytest.raises(EnvironmentFault, match=f"already runs on port {port}"):
        life.start(port - 1 if port > 1024 else port + 1)


def test_a_port_taken_since_the_last_start_is_replaced(life: Instance) -> None:
    port = life.start().port
    life.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert life.start().port != port


def test_data_of_another_major_version_are_refused(life: Instance) -> None:
    life.stop()
    version = life.files.data / "PG_VERSION"
    own = version.read_text()
    version.write_text("14\n")
    try:
        with pytest.raises(EnvironmentFault, match=r"are of PostgreSQL 14, the programs are 1\d\.\d+; set LOADGEN_PG"):
            life.start()
    finally:
        version.write_text(own)
    assert answer(life) == 42


def test_what_the_server_says_against_starting_is_passed_on(life: Instance) -> None:
    life.stop()
    configuration = life.files.data / "postgresql.conf"
    own = configuration.read_text()
    configuration.write_text(own + "\nmax_connections = -1\n")
    try:
        with pytest.raises(EnvironmentFault, match=r"did not start: .*configuration file .* contains errors.*its log"):
            life.start()
    finally:
        configuration.write_text(own)
    assert postgres_processes(life.files.data) == []


def test_two_starts_at_once_give_one_server(state_dir: Path) -> None:
    children = [start_in_child(state_dir) for _ in range(3)]
    found = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], found
    assert len({json.loads(out)["pid"] for out, _ in found}) == 1


def test_instances_live_side_by_side(state_dir: Path) -> None:
    one, two = (Instance(Files(state_dir, name), notify=lambda line: None) for name in ("one", "two"))
    first, second = one.start(), two.start()
    assert (first.pid, first.port, first.socket_dir) != (second.pid, second.port, second.socket_dir)
    with connect(embedded_target(one)) as conn:
        conn.execute("CREATE TABLE only_in_one ()")
    with connect(embedded_target(two)) as conn:
        assert conn.execute("SELECT to_regclass('only_in_one')").fetchone() == (None,)
    one.stop()
    found = all_instances(Settings(state_dir=state_dir))
    assert [(status.name, status.running) for status in found] == [("one", False), ("two", True)]
    two.delete()
    assert [status.name for status in all_instances(Settings(state_dir=state_dir))] == ["one"]
    assert postgres_processes(two.files.data) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_first_start_is_mended(state_dir: Path, sent: signal.Signals) -> None:
    files = Files(state_dir, "default")
    with start_in_child(state_dir) as child:
        until((files.partial_data / "base").exists)
        child.send_signal(sent)
        _, said = child.communicate(timeout=60)
    if sent != signal.SIGKILL:
        assert child.returncode == 130
        assert said.splitlines()[-1] == "interrupted"
        assert not files.partial_data.exists()
    assert not files.data.exists()
    until(lambda: not postgres_processes(files.partial_data))
    deleted = state_dir / ".default.1.deleted"  # what a killed `down --delete` leaves
    deleted.mkdir()
    said_later: Said = []
    with connect(embedded_target(Instance(files, notify=said_later.append))) as conn:
        assert conn.execute("SELECT current_database()").fetchone() == ("affluvia",)
    assert (sent == signal.SIGKILL) == any("incomplete data" in line for line in said_later)
    assert not deleted.exists()
    assert any(str(deleted) in line for line in said_later)


def test_an_interrupted_launch_leaves_nothing_running(state_dir: Path) -> None:
    """pg_ctl is slowed down behind the server's start, so that the interruption surely falls in between."""
    files = Files(state_dir, "default")
    Instance(files, notify=lambda line: None).start()
    Instance(files).stop()
    programs = find_programs(state_dir, None, server_account())
    slow = state_dir / "slow"
    slow.mkdir(mode=0o755)
    for program in programs.bin_dir.iterdir():
        (slow / program.name).symlink_to(program)
    (slow / "pg_ctl").unlink()
    (slow / "pg_ctl").write_text(f'#!/bin/sh\n"{programs.path("pg_ctl")}" "$@"\nsleep 600\n')
    (slow / "pg_ctl").chmod(0o755)
    with start_in_child(state_dir, LOADGEN_PG_BIN=str(slow)) as child:
        until(lambda: running_in(files.data) is not None)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    assert child.returncode == 130
    assert postgres_processes(files.data) == []
    Instance(files).start()


def test_a_long_state_directory_has_its_socket_elsewhere(state_dir: Path) -> None:
    deep = state_dir / ("d" * 60) / ("e" * 60)
    instance = Instance(Files(deep, "far"), notify=lambda line: None)
    server = instance.start()
    try:
        with connect(embedded_target(instance)) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        instance.delete()
    assert not server.socket_dir.exists()


def test_a_state_directory_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="set LOADGEN_STATE_DIR"):
        Instance(Files(tmp_path / "file", "default")).start()


def test_the_oldest_version_works_too(state_dir: Path) -> None:
    """The schema and the server's settings on PostgreSQL 15, the oldest that is supported."""
    from loadgen.database import guard

    directory = Path("/usr/lib/postgresql/15/bin")
    requires_that("postgresql-15", (directory / "postgres").exists(), f"there is none in {directory}")
    instance = Instance(Files(state_dir, "old"), pg_bin=directory, notify=lambda line: None)
    with connect(embedded_target(instance)) as conn:
        assert conn.info.server_version // 10000 == 15
        assert guard.initialise(conn)
        assert guard.initialise(conn) == ()
