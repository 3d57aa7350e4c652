"""The data directory of an instance: making it whole or not at all, and mending what a bad end left in it."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
from psycopg.conninfo import make_conninfo

from loadgen.database.database_sql import statement
from loadgen.database.instance_files import Files, Postmaster
from loadgen.database.processes import end_all
from loadgen.database.programs import Account, Programs
from loadgen.errors import EnvironmentFault

SUPERUSER = "affluvia"
"""Not named like the schema loadgen, which would then come first on its search_path."""
DATABASE = "affluvia"
"""The default database; ``sql/bootstrap.sql`` makes it."""

CONFIGURATION = "loadgen.conf"
INITDB_TIMEOUT_S = 300
INITDB_OPTIONS = (
    "--auth-local=trust",  # inside a directory that only this user and the server can enter
    "--auth-host=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",  # the same order of rows on every machine
    "--data-checksums",  # the default since PostgreSQL 18; said, so that older programs are comparable
    "--no-instructions",
    f"--username={SUPERUSER}",
)


def make_data(files: Files, programs: Programs, notify: Callable[[str], None]) -> None:
    """initdb beside the final place, then rename: a data directory is whole or not there."""
    partial = files.partial_data
    if partial.exists():
        notify(f"removing the half-made data of an interrupted start in {partial}")
        end_all(partial)  # initdb goes on when the process that started it is killed
        shutil.rmtree(partial)
    notify(f"creating server {files.name} (PostgreSQL {programs.version}), a few seconds …")
    password = secrets.token_hex(16)
    password_file = files.home / "password.partial"
    try:
        partial.mkdir(mode=0o700)
        programs.account.own(partial)
        _write_private(password_file, password + "\n", programs.account)
        made = programs.run(
            "initdb", [*INITDB_OPTIONS, f"--pwfile={password_file}", f"--pgdata={partial}"], timeout_s=INITDB_TIMEOUT_S
        )
        if made.code != 0:
            raise EnvironmentFault(
                f"initdb failed for server {files.name}: {made.complaint}; "
                "is there space, and may the server's account write there?"
            )
        filled = programs.run(
            "postgres",
            ["--single", "-D", str(partial), "template1"],
            timeout_s=INITDB_TIMEOUT_S,
            stdin=statement("bootstrap").decode(),
        )
        if filled.code != 0 or "ERROR:" in filled.output:
            raise EnvironmentFault(
                f"cannot prepare server {files.name}: {filled.complaint}; "
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
    """Raises EnvironmentFault if the data were made by another major version, or are not PostgreSQL's."""
    found = data_version(files.data)
    if found is None:
        raise EnvironmentFault(
            f"{files.data} has no PG_VERSION, so it is not PostgreSQL's data; "
            f"remove it: loadgen down {files.name} --delete"
        )
    if found != programs.major:
        raise EnvironmentFault(
            f"the data of server {files.name} are of PostgreSQL {found}, the programs are {programs.version}; "
            f"set LOADGEN_PG_BIN to a PostgreSQL {found}, use another --instance, "
            f"or remove the data: loadgen down {files.name} --delete"
        )


def socket_dsn(server: Postmaster) -> str:
    """The default database through the private socket, where no password is needed."""
    return make_conninfo("", host=str(server.socket_dir), port=server.port, user=SUPERUSER, dbname=DATABASE)


def data_version(data: Path) -> str | None:
    """The major version that made the data; None if there are none."""
    try:
        return (data / "PG_VERSION").read_text("utf-8").strip()
    except OSError:
        return None


def mend(data: Path, notify: Callable[[str], None]) -> None:
    """Remove a stale ``postmaster.pid`` that PostgreSQL itself would take for a running server's.

    It sees for itself that a process is gone, and then checks shared memory too, so that case is left to it. It
    cannot see that the number now belongs to another program, nor read a file that was cut short. No server is
    running when this is called.
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
