"""Create the data directory of an instance, whole or not at all, and repair it after a crash."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil
from psycopg.conninfo import make_conninfo

from loadgen.database.instance_files import Files, Postmaster
from loadgen.database.processes import end_all
from loadgen.database.programs import Account, Programs
from loadgen.errors import EnvironmentFault
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.database", "sql/cluster.sql")

SUPERUSER = "affluvia"
"""The superuser. Not named loadgen: the schema of that name would then come first on its search_path."""
DATABASE = "affluvia"
"""The default database, which the statement ``bootstrap`` creates."""

CONFIGURATION = "loadgen.conf"
INITDB_TIMEOUT_S = 300
INITDB_OPTIONS = (
    "--auth-local=trust",  # inside a directory that only this user and the server can enter
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",  # the same order of rows on every machine
    "--data-checksums",  # the default since PostgreSQL 18; explicit, so that older versions are comparable
    "--no-instructions",
    f"--username={SUPERUSER}",
)


def make_data(files: Files, programs: Programs, notify: Callable[[str], None]) -> None:
    """Run initdb beside the final place, then rename, so that a data directory is whole or not there."""
    partial = files.partial_data
    if partial.exists():
        notify(f"removing the incomplete data of an interrupted start in {partial}")
        end_all(partial)  # initdb goes on when the process that started it is killed
        shutil.rmtree(partial)
    notify(f"creating server {files.name} (PostgreSQL {programs.version}), a few seconds …")
    password = secrets.token_hex(16)
    password_file = files.home / "password.partial"
    try:
        partial.mkdir(mode=0o700)
        programs.account.own(partial)
        _write_private(password_file, password + "\n", programs.account)
        initdb = programs.run(
            "initdb", [*INITDB_OPTIONS, f"--pwfile={password_file}", f"--pgdata={partial}"], timeout_s=INITDB_TIMEOUT_S
        )
        if initdb.code != 0:
            raise EnvironmentFault(
                f"initdb failed for server {files.name}: {initdb.complaint}; "
                "is there space, and may the server's account write there?"
            )
        bootstrap = programs.run(
            "postgres",
            ["--single", "-D", str(partial), "template1"],
            timeout_s=INITDB_TIMEOUT_S,
            stdin=_SQL["bootstrap"],
        )
        if bootstrap.code != 0 or "ERROR:" in bootstrap.output:
            raise EnvironmentFault(
                f"cannot prepare server {files.name}: {bootstrap.complaint}; "
                "an installation with PostgreSQL's contrib modules is needed"
            )
        with (partial / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(
                f"\ninclude_if_exists = '{CONFIGURATION}'  # rewritten at every start; add yours below\n"
            )
        _write_private(files.pgpass, f"127.0.0.1:*:*:{SUPERUSER}:{password}\n")
        partial.rename(files.data)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        password_file.unlink(missing_ok=True)


def check_version(files: Files, programs: Programs) -> None:
    """Raise EnvironmentFault if another major version created the data, or they are not PostgreSQL's."""
    major = data_version(files.data)
    if major is None:
        raise EnvironmentFault(
            f"{files.data} has no PG_VERSION, so it is not PostgreSQL's data; "
            f"remove it: loadgen down {files.name} --delete"
        )
    if major != programs.major:
        raise EnvironmentFault(
            f"the data of server {files.name} are of PostgreSQL {major}, the programs are {programs.version}; "
            f"set LOADGEN_PG_BIN to a PostgreSQL {major}, use another --instance, "
            f"or remove the data: loadgen down {files.name} --delete"
        )


def socket_dsn(server: Postmaster) -> str:
    """DSN of the default database through the private socket, which needs no password."""
    return make_conninfo("", host=str(server.socket_dir), port=server.port, user=SUPERUSER, dbname=DATABASE)


def data_version(data: Path) -> str | None:
    """Major version of PostgreSQL that created the data; None if there are none."""
    try:
        return (data / "PG_VERSION").read_text("utf-8").strip()
    except OSError:
        return None


def mend(data: Path, notify: Callable[[str], None]) -> None:
    """Remove a stale ``postmaster.pid`` that PostgreSQL itself would take for a running server's.

    PostgreSQL notices by itself that the process has ended, and checks shared memory as well, so that case is left to
    it. It does not notice that the process id now belongs to another program, nor can it read a truncated file. Call
    this only while no server is running.
    """
    path = data / "postmaster.pid"
    if not path.exists():
        return
    stale = Postmaster.read(data)
    if stale is None or psutil.pid_exists(stale.pid):
        notify(f"removing a stale {path}, left by a server that did not stop in order")
        path.unlink()


def _write_private(path: Path, text: str, account: Account | None = None) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, "utf-8")
    if account is not None:
        account.own(path)
