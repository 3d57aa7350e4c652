"""Whatever dies in mid-load: a line that says so, and the same rows once the same command ran again."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from seeding_samples import MANY_PARTS, Start, checksums, end, loaded_by, quiet, until, until_half_loaded, workers_of

from loadgen.database.connect import connect, embedded_target
from loadgen.database.embedded import Instance
from loadgen.database.processes import running_in
from loadgen.database.target import Target
from loadgen.errors import EnvironmentFault
from loadgen.seeding import ledger, load
from loadgen.settings import Settings

Whole = tuple[Target, load.SeedResult]


def resume(target: Target) -> load.SeedResult:
    return load.seed(target, MANY_PARTS, 2, quiet)


def test_a_killed_parent_leaves_no_process_and_what_it_loaded(
    many_parts: Whole, empty_database: Target, start: Start
) -> None:
    process = start(empty_database)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        workers = workers_of(process)
        process.kill()
        until("workers end with the part they are at", lambda: not any(map(psutil.Process.is_running, workers)), 20)
        before = ledger.loaded(conn)
    end(process)
    assert 0 < before.parts_loaded < before.parts
    assert resume(empty_database).users_loaded == MANY_PARTS.users - before.users_loaded
    assert checksums(empty_database) == checksums(many_parts[0])


def test_a_killed_worker_is_said_in_a_line(many_parts: Whole, empty_database: Target, start: Start) -> None:
    process = start(empty_database)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        workers_of(process)[0].kill()
        code, _, err = end(process)
    assert code == 3
    assert "a seeding process ended with -9; run the same command again to resume" in err
    assert "Traceback" not in err
    resume(empty_database)
    assert checksums(empty_database) == checksums(many_parts[0])


def test_a_killed_server_loses_nothing(
    many_parts: Whole, state_dir: Path, server_settings: Settings, start: Start
) -> None:
    instance = Instance.from_settings(
        Settings(state_dir=state_dir, pg_bin=server_settings.pg_bin), notify=lambda line: None
    )
    target = embedded_target(instance)
    process = start(target)
    with connect(target, autocommit=True) as conn:
        until_half_loaded(conn)
        postmaster = running_in(state_dir / "default" / "data")
        assert postmaster is not None
        for server in [psutil.Process(postmaster.pid), *psutil.Process(postmaster.pid).children()]:
            with suppress(psutil.NoSuchProcess):
                server.kill()
    code, _, err = end(process)
    assert code == 3
    assert "Traceback" not in err
    target = embedded_target(instance)
    with connect(target, autocommit=True) as conn:
        assert ledger.loaded(conn).parts_loaded >= 3
    resume(target)
    assert checksums(target) == checksums(many_parts[0])


@pytest.mark.parametrize(
    "has_transaction", [True, pytest.param(False, marks=pytest.mark.ci)], ids=["a worker's", "the parent's"]
)
def test_a_connection_that_is_ended(
    many_parts: Whole, empty_database: Target, has_transaction: bool, start: Start
) -> None:
    process = start(empty_database)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        # Whoever loads is in a transaction nearly always; whoever watches only for as long as a look takes.
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'loadgen seed%%' "
            "AND (query LIKE '%%AS parts_loaded%%') <> %s ORDER BY pid LIMIT 1) AS one"
        )
        until("it is there", lambda: conn.execute(query, (has_transaction,)).fetchone() == (1,))
    code, _, err = end(process)
    assert code == 3
    assert "Traceback" not in err
    assert "run the same command again" in err
    resume(empty_database)
    assert checksums(empty_database) == checksums(many_parts[0])


class Relay:
    """A server's socket under another address, all of whose connections can be cut."""

    def __init__(self, directory: Path, behind: str) -> None:
        self._behind = behind
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / ".s.PGSQL.1"))
        self._listener.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._behind)
                self._open += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        self._listener.close()
        for end_ in self._open:
            with suppress(OSError):
                end_.shutdown(socket.SHUT_RDWR)
            end_.close()


@contextmanager
def through_a_relay(target: Target, directory: Path) -> Iterator[tuple[Target, Relay]]:
    parts = conninfo_to_dict(target.conninfo)
    relay = Relay(directory, f"{parts['host']}/.s.PGSQL.{parts['port']}")
    parts |= {"host": str(directory), "port": 1}
    yield replace(target, conninfo=make_conninfo("", **parts)), relay
    relay.cut()


def test_a_network_that_is_cut(many_parts: Whole, empty_database: Target, state_dir: Path, start: Start) -> None:
    with through_a_relay(empty_database, state_dir) as (target, relay):
        process = start(target)
        with connect(empty_database, autocommit=True) as conn:
            until_half_loaded(conn)
            relay.cut()
        code, _, err = end(process)
    assert code == 3
    assert "Traceback" not in err
    assert "the connection was lost" in err
    assert "run the same command again" in err
    resume(empty_database)
    assert checksums(empty_database) == checksums(many_parts[0])


def test_another_seed_is_refused_while_the_first_is_at_work(
    many_parts: Whole, empty_database: Target, start: Start
) -> None:
    process = start(empty_database)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        with pytest.raises(EnvironmentFault, match=r"holds 1000 users with seed 7 .* and not 1000 users with seed 8"):
            load.seed(empty_database, replace(MANY_PARTS, seed=8), 2, quiet)
    assert loaded_by(process) == (MANY_PARTS.users, 0)
    assert checksums(empty_database) == checksums(many_parts[0])


def test_a_load_is_not_resumed_by_another_version_of_the_model(
    many_parts: Whole, empty_database: Target, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    process = start(empty_database)
    with connect(empty_database, autocommit=True) as conn:
        until_half_loaded(conn)
        os.killpg(process.pid, signal.SIGKILL)
        end(process)
        with monkeypatch.context() as patch:
            patch.setattr(load, "MODEL_VERSION", "0")
            with pytest.raises(EnvironmentFault, match=r"and not .* \(model 0, .*loadgen reset"):
                resume(empty_database)
        before = ledger.loaded(conn)
    assert before.parts_loaded < before.parts
    resume(empty_database)
    assert checksums(empty_database) == checksums(many_parts[0])


def test_a_load_of_another_form_is_refused(empty_database: Target) -> None:
    """What an earlier version of this tool began is refused in one line."""
    with connect(empty_database, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA loadgen")
        conn.execute("CREATE TABLE loadgen.mark AS SELECT now() AS marked_at")
        conn.execute("CREATE TABLE loadgen.schema_migrations (version text, sha256 text)")
        conn.execute("INSERT INTO loadgen.schema_migrations VALUES ('0003_keys', 'x')")
    with pytest.raises(EnvironmentFault, match=r"0003_keys .* by another version of loadgen; run: loadgen reset"):
        resume(empty_database)
