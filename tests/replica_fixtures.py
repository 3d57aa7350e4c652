"""A real streaming replica of the session's server, made with its own programs."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import psycopg
import pytest
from conftest import make_state_dir
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.connect import connect
from loadgen.database.programs import Programs, find_programs, server_account
from loadgen.database.target import Target
from loadgen.settings import Settings

_NUMBERS = itertools.count()


@dataclass
class Replica:
    """A hot standby. ``target`` is its copy of the database that it was asked for."""

    target: Target
    control: Callable[..., None]
    """Runs pg_ctl on it."""

    def stop(self) -> None:
        """As an operator would: its clients are told, and it writes what it has."""
        self.control("stop", "-m", "fast")

    def start(self) -> None:
        self.control("start", "-w")

    def pause(self) -> None:
        """From here on it receives and does not replay."""
        with connect(self.target, autocommit=True) as conn:
            conn.execute("SELECT pg_wal_replay_pause()")
            deadline = time.monotonic() + 10
            while conn.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                assert time.monotonic() < deadline, "replay does not pause"
                time.sleep(0.01)

    def resume(self) -> None:
        with connect(self.target, autocommit=True) as conn:
            conn.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="session")
def _standby(server: Target, server_settings: Settings) -> Iterator[Replica]:
    account = server_account()
    programs = find_programs(server_settings.state_dir, server_settings.pg_bin, account)
    directory = make_state_dir()
    account.own(directory)
    data = directory / "data"
    slot = f"test_{os.getpid()}_{next(_NUMBERS)}"
    source = conninfo_to_dict(server.conninfo)
    run(
        programs, "pg_basebackup", "-h", source["host"], "-p", source["port"], "-U", source["user"], "-D", str(data),
        "-R", "-X", "stream", "-c", "fast", "-C", "-S", slot, "--no-sync",
    )  # fmt: skip
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -k {directory} -c listen_addresses= -c fsync=off -c shared_buffers=32MB"

    def control(what: str, *how: str) -> None:
        started = ("-l", str(directory / "log"), "-o", options) if what == "start" else ()
        run(programs, "pg_ctl", what, *how, "-s", "-D", str(data), *started)

    control("start", "-w")
    target = replace(server, conninfo=make_conninfo(server.conninfo, host=str(directory), port=port), embedded=False)
    try:
        yield Replica(target, control)
    finally:
        control("stop", "-m", "immediate")
        shutil.rmtree(directory)
        with connect(server, autocommit=True) as conn:
            for _ in range(50):  # the primary notices a moment later that nobody reads the slot
                try:
                    conn.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
                    break
                except psycopg.errors.ObjectInUse:
                    time.sleep(0.1)


@pytest.fixture
def replica(_standby: Replica, seeded: Target) -> Iterator[Replica]:
    """A replica whose database is that of ``seeded``; it replays at the test's beginning and end."""
    found = following(_standby, seeded.database)
    yield found
    found.resume()


def following(standby: Replica, database: str) -> Replica:
    """The replica by another of its databases, once it has that."""
    # Creating the database is what it has to replay before anybody can connect to it.
    with connect(standby.target, autocommit=True) as conn:
        conn.execute("SELECT pg_wal_replay_resume()")
        deadline = time.monotonic() + 60
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        while not conn.execute(query, (database,)).fetchone():
            assert time.monotonic() < deadline, "the replica does not replay"
            time.sleep(0.05)
    return replace(standby, target=standby.target.with_database(database))


def run(programs: Programs, *command: str) -> None:
    done = programs.run(command[0], list(command[1:]), timeout_s=120)
    assert done.code == 0, done.complaint
