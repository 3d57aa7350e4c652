"""A real PgBouncer on loopback before the session's server.

It refuses to run as root, and so runs as another account.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import make_state_dir, requires
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loadgen.database.programs import server_account
from loadgen.database.target import Target
from loadgen.runs.format.access import PoolerMode

CONFIGURATION = """
[databases]
* = host={socket} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
server_lifetime = 60
admin_users = {admins}
logfile =
pidfile =
"""


def pgbouncer_version() -> tuple[int, ...]:
    done = subprocess.run([requires("pgbouncer"), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"PgBouncer (\d+)\.(\d+)", done.stdout)
    assert found
    return int(found[1]), int(found[2])


class Pooler:
    """``pooler(target, "transaction", size=2)``: the same database, through a PgBouncer that ends with the test.

    ``admin`` lets the user of the target ask PgBouncer about itself.
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._started: dict[int, tuple[subprocess.Popen[bytes], Path]] = {}

    def __call__(
        self, target: Target, mode: PoolerMode, *, size: int = 20, admin: bool = False, more: str = ""
    ) -> Target:
        parts = conninfo_to_dict(target.conninfo)
        directory = make_state_dir()
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            listen = probe.getsockname()[1]
        users = directory / "users.txt"
        users.write_text(f'"{parts["user"]}" ""\n')
        ini = directory / "pgbouncer.ini"
        ini.write_text(
            CONFIGURATION.format(
                socket=parts["host"], port=parts["port"], user=parts["user"], listen=listen, users=users, mode=mode,
                size=size, admins=parts["user"] if admin else "nobody_here",
            )
            + more
        )  # fmt: skip
        account = server_account()
        who = {"user": account.uid, "group": account.gid, "extra_groups": []} if os.geteuid() == 0 and account else {}
        process = subprocess.Popen(
            [self._program, "-q", str(ini)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **who
        )
        self._started[listen] = process, directory
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", listen), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "PgBouncer does not listen"
                assert process.poll() is None, "PgBouncer ended"
                time.sleep(0.05)
        conninfo = make_conninfo("", user=parts["user"], dbname=target.database, host="127.0.0.1", port=listen)
        return replace(target, conninfo=conninfo, embedded=False)

    def move(self, through: Target, target: Target) -> None:
        """Have the entry of one lead to another server from now on, whoever is connected."""
        process, directory = self._started[int(str(conninfo_to_dict(through.conninfo)["port"]))]
        parts = conninfo_to_dict(target.conninfo)
        ini = directory / "pgbouncer.ini"
        entry = f"* = host={parts['host']} port={parts['port']} user={parts['user']}"
        ini.write_text(re.sub(r"^\* = .*$", entry, ini.read_text(), flags=re.MULTILINE))
        process.send_signal(signal.SIGHUP)

    def end(self) -> None:
        for process, directory in self._started.values():
            process.send_signal(signal.SIGTERM)  # at once, whoever is connected
            process.wait(10)
            shutil.rmtree(directory)


@pytest.fixture
def pooler() -> Iterator[Pooler]:
    pooler = Pooler(requires("pgbouncer"))
    yield pooler
    pooler.end()
