"""The sampler against real servers: what it counts, what it may not see, a server that goes away."""

from __future__ import annotations

import csv
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from conftest import requires_that
from psycopg.conninfo import make_conninfo

from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.instance_files import Postmaster
from loadgen.database.processes import wait_for_orphans
from loadgen.database.target import Target
from loadgen.observe.checkpoint import force_checkpoint
from loadgen.observe.probe import Probe
from loadgen.observe.processes import ServerProcesses, local_server
from loadgen.observe.sampler import COLUMNS, Sampler
from loadgen.settings import Settings

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for what another thread does; fails after half a minute."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"never happened: {what}")


def as_role(target: Target, conn: psycopg.Connection, role: str) -> Target:
    """The same database in a role without any privilege, made if need be."""
    if not conn.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        conn.execute(psycopg.sql.SQL("CREATE ROLE {}").format(psycopg.sql.Identifier(role)))
    return Target(
        make_conninfo(target.conninfo, options=f"-c role={role}"), target.password, target.embedded, target.database
    )


def test_a_window_of_work(database: Target, conn: psycopg.Connection, tmp_path: Path) -> None:
    with Sampler(database, tmp_path / "server.csv", interval_s=0.1) as sampler:
        eventually(lambda: len(sampler.samples) > 2, "samples")
        begin = time.monotonic()
        taken = len(sampler.samples)
        # What comes within the interval of the window's edge is split by interpolation.
        eventually(lambda: len(sampler.samples) > taken + 1, "a sample in the window")
        before = conn.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        conn.execute(
            "INSERT INTO users (email, password_hash) SELECT i || '@example.com', 'x' FROM generate_series(1, 5000) i"
        )
        wal = conn.execute("SELECT pg_current_wal_insert_lsn() - %s", before).fetchone()
        assert force_checkpoint(conn)
        worker = threading.Thread(target=conn.execute, args=("SELECT pg_sleep(1)",))
        worker.start()
        worker.join()
        end = time.monotonic()
        taken = len(sampler.samples)
        eventually(lambda: len(sampler.samples) > taken + 1, "a sample after the window")
    use = sampler.use(begin, end, transactions=10, checkpoints_forced=1)
    assert wal is not None
    assert use.wal_bytes >= int(wal[0])
    assert use.wal_bytes_per_txn == pytest.approx(use.wal_bytes / 10, abs=1)
    assert use.checkpoints >= 1
    assert use.checkpoints_forced == 1
    assert use.wait_events["Timeout:PgSleep"] >= 3
    assert use.cpu_cores is not None
    assert use.cpu_cores.value > 0
    assert sampler.notes(begin, end) == ()
    with (tmp_path / "server.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(sampler.samples)
    assert tuple(rows[0]) == COLUMNS
    assert any("Timeout:PgSleep=1" in row["waits"] for row in rows)


def test_a_lost_connection_is_a_gap(database: Target, conn: psycopg.Connection, tmp_path: Path) -> None:
    with Sampler(database, tmp_path / "server.csv", interval_s=0.05) as sampler:
        eventually(lambda: len(sampler.samples) > 2, "samples")
        ended = conn.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'loadgen sampler'"
        ).fetchone()
        assert ended == (1,)
        taken = len(sampler.samples)
        eventually(lambda: len(sampler.samples) > taken + 2, "samples after the loss")


@pytest.mark.parametrize("pg_bin", [None, pytest.param(DEBIAN_15, marks=pytest.mark.ci)], ids=["newest", "15"])
def test_a_restart_of_the_server_is_named_with_its_kind(
    pg_bin: Path | None, state_dir: Path, tmp_path: Path, server_settings: Settings
) -> None:
    requires_that("postgresql-15", pg_bin is None or (pg_bin / "postgres").exists(), "it is not installed")
    instance = Instance.from_settings(Settings(state_dir=state_dir, pg_bin=pg_bin or server_settings.pg_bin))
    target = embedded_target(instance)

    def postmaster() -> Postmaster:
        found = instance.status().postmaster
        assert found is not None
        return found

    def kill_backend() -> None:
        with connect(target) as conn:
            os.kill(conn.info.backend_pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                conn.execute("SELECT pg_sleep(9)")

    def kill_server() -> None:
        os.kill(postmaster().pid, signal.SIGKILL)
        wait_for_orphans(instance.status().data_dir)

    port = postmaster().port
    begin = time.monotonic()
    with Sampler(target, tmp_path / "server.csv", interval_s=0.05) as sampler:
        eventually(lambda: len(sampler.samples) > 2, "samples")
        first = sampler.samples[-1].counters
        for stop, how in (
            (instance.stop, "shut down in order"),
            (kill_backend, "crash of a backend"),
            (kill_server, "after a crash or an immediate shutdown"),
        ):
            before, down = time.monotonic(), len(sampler.samples)
            stop()
            instance.start(port)
            eventually(lambda down=down: len(sampler.samples) > down + 4, "samples after the restart")
            (fault,) = sampler.history.faults(before, time.monotonic())
            assert (fault.code, fault.what.endswith(f" UTC ({how})")) == ("server_restarted", True), fault
            assert sampler.history.faults(time.monotonic(), time.monotonic() + 1) == ()
        end = time.monotonic()
        (all_of_them,) = sampler.history.faults(begin, end)
        assert all_of_them.what.endswith("(shut down in order), and 2 times more")
        last = sampler.samples[-1].counters
        down_at = time.monotonic()
        instance.stop()
        eventually(lambda: bool(sampler.history.losses[-1].at > down_at), "the loss")
    (gone,) = sampler.history.faults(down_at, time.monotonic())
    assert gone.code == "server_gone"
    # What the server said last, or only that it is gone: that depends on whether the end was heard before asking.
    last_words = ("terminating connection due to administrator command", "server closed the connection")
    assert any(words in gone.what for words in last_words), gone.what
    assert last.wal_bytes >= first.wal_bytes
    assert first.cpu_s is not None
    assert last.cpu_s is not None
    use = sampler.use(begin, end, transactions=1)
    assert use.cpu_cores is not None


def test_stopping_does_not_wait_for_a_blocked_server(
    database: Target, conn: psycopg.Connection, tmp_path: Path
) -> None:
    sampler = Sampler(database, tmp_path / "server.csv", interval_s=0.05)
    sampler.start()
    eventually(lambda: len(sampler.samples) > 1, "samples")
    with connect(database, autocommit=True) as watcher:
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pg_catalog.pg_database'::regclass"
        watcher.execute(blocked)  # fills its caches, so that it does not block itself
        with conn.transaction():
            conn.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
            eventually(lambda: watcher.execute(blocked).fetchone() == (1,), "the sampler blocked")
            sampler.stop()
            eventually(lambda: not sampler.running, "the end of the thread, whose query was cancelled")


def test_a_server_that_is_away_is_noted(database: Target, tmp_path: Path) -> None:
    nowhere = Target(make_conninfo(database.conninfo, host=str(tmp_path)), database.password, False, database.database)
    with Sampler(nowhere, tmp_path / "server.csv", interval_s=0.05) as sampler:
        begin = time.monotonic()
        time.sleep(0.2)
    assert [note.code for note in sampler.notes(begin, time.monotonic())] == ["server_not_sampled"]
    assert sampler.use(begin, begin + 1, transactions=1).cpu_cores is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which is always full, on this system")
def test_a_full_disk_costs_the_file_and_not_the_figures(database: Target) -> None:
    begin = time.monotonic()
    with Sampler(database, Path("/dev/full"), interval_s=0.05) as sampler:
        eventually(lambda: len(sampler.samples) > 3, "samples")
    assert [note.code for note in sampler.notes(begin, time.monotonic())] == ["server_samples_lost"]


def test_missing_privileges_leave_something_out(database: Target, conn: psycopg.Connection, tmp_path: Path) -> None:
    weak = as_role(database, conn, "observer_without_privileges")
    conn.execute("REVOKE SELECT ON pg_catalog.pg_stat_io FROM PUBLIC")
    try:
        with Sampler(weak, tmp_path / "server.csv", interval_s=0.05) as sampler:
            begin = time.monotonic()
            eventually(lambda: len(sampler.samples) > 3, "samples")
            end = time.monotonic()
    finally:
        conn.execute("GRANT SELECT ON pg_catalog.pg_stat_io TO PUBLIC")
    assert sampler.samples[0].counters.file_reads is None
    assert sampler.samples[0].counters.checkpoints is not None
    notes = sampler.notes(begin, end)
    assert {note.code for note in notes} == {"server_not_seen"}
    assert any("file operations" in note.what for note in notes)
    assert any("wait for" in note.what for note in notes)
    assert sampler.history.presences, "when it started, anybody may see"
    with connect(weak, autocommit=True) as unprivileged:
        assert not force_checkpoint(unprivileged)
        assert unprivileged.execute("SELECT 1").fetchone() == (1,)


def test_an_older_server(state_dir: Path) -> None:
    requires_that("postgresql-15", (DEBIAN_15 / "postgres").exists(), "Debian's postgresql-15 is not installed")
    target = embedded_target(Instance.from_settings(Settings(state_dir=state_dir, pg_bin=DEBIAN_15)))
    with connect(target, autocommit=True) as conn:
        assert conn.info.server_version // 10000 == 15
        probe = Probe(conn)
        before = probe.sample().counters
        assert before.checkpoints is not None
        assert force_checkpoint(conn)
        # The checkpointer publishes its counters some time after it has answered.
        deadline = time.monotonic() + 20
        while (after := probe.sample().counters).checkpoints == before.checkpoints and time.monotonic() < deadline:
            time.sleep(0.1)
        assert probe.unseen == {}
        assert after.checkpoints is not None
        assert after.checkpoints >= before.checkpoints + 1
        assert after.full_page_images is not None
        assert after.file_reads is None  # pg_stat_io came with 16


def test_a_session_is_found_among_this_machines_processes(conn: psycopg.Connection) -> None:
    found = local_server(conn)
    assert found is not None
    first = found.cpu_s()
    conn.execute("SELECT sum(i * random()) FROM generate_series(1, 300000) i")
    second = found.cpu_s()
    assert first is not None
    assert second is not None
    assert second > first


class Ending:
    """The postmaster's tree in the moment in which a child ends: it is seen, then missed, then reaped."""

    def __init__(self) -> None:
        self._seen = iter([(1.0, [4.0]), (1.0, []), (5.5, [])])

    def cpu_times(self) -> object:
        own, self._left = next(self._seen)
        return SimpleNamespace(user=own, system=0.0, children_user=0.0, children_system=0.0)

    def children(self, recursive: bool) -> list[object]:
        times = [SimpleNamespace(user=used, system=0.0) for used in self._left]
        return [SimpleNamespace(cpu_times=lambda one=one: one) for one in times]


def test_a_process_that_ends_between_two_looks_is_no_restart() -> None:
    found = ServerProcesses(Ending())  # type: ignore[arg-type]  # all of a psutil.Process that is asked
    assert [found.cpu_s() for _ in range(3)] == [5.0, 5.0, 5.5]
