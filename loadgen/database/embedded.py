"""The embedded server: a real PostgreSQL from a wheel, several named instances side by side.

Clients of this machine use the socket in a directory that only this user and the server can enter, without a
password. Anything else uses 127.0.0.1 with the generated password of ``<state>/<name>/pgpass``.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files as resources
from pathlib import Path

import psutil

from loadgen.database.instance_files import NAME, Files, Postmaster, Record, locked
from loadgen.database.machine import server_settings, this_machine
from loadgen.database.programs import Account, Programs, find_programs, server_account
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.settings import Settings

SUPERUSER = "loadgen"
DATABASE = "affluvia"

INITDB_TIMEOUT_S = 300
START_TIMEOUT_S = 600  # a crash is recovered from before the server answers
STOP_TIMEOUT_S = 120  # a fast shutdown ends with a checkpoint
ORPHANS_TIMEOUT_S = 20
LOG_KEPT_BYTES = 16 * 1024**2
PORT_ATTEMPTS = 5


def say_on_stderr(line: str) -> None:
    """One line for whoever waits."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Status:
    """What there is of an instance. ``postmaster`` None: not running; ``version`` None: no data yet."""

    name: str
    postmaster: Postmaster | None
    version: str | None
    data_dir: Path
    log: Path
    pgpass: Path

    @property
    def running(self) -> bool:
        return self.postmaster is not None


@dataclass(frozen=True, slots=True)
class Instance:
    """One named server: its data, whether it runs, starting and stopping it."""

    files: Files
    pg_bin: Path | None = None
    notify: Callable[[str], None] = field(default=say_on_stderr, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings, *, notify: Callable[[str], None] = say_on_stderr) -> Instance:
        return cls(Files(settings.state_dir.absolute(), settings.instance), settings.pg_bin, notify)

    def status(self) -> Status:
        """What there is now, without changing it."""
        try:
            version = (self.files.data / "PG_VERSION").read_text().strip()
        except OSError:
            version = None
        return Status(self.files.name, self._running(), version, self.files.data, self.files.log, self.files.pgpass)

    def start(self, port: int | None = None) -> Postmaster:
        """Start it, or find it running. Makes the data at first, and mends what an earlier end left behind.

        ``port``: on 127.0.0.1; None keeps the last one if it is free, else takes any that is. Raises UsageError for
        an impossible port, EnvironmentFault when the server cannot run.
        """
        if port is not None and not 1024 <= port <= 65535:
            raise UsageError(f"port {port} cannot be used; choose one from 1024 to 65535")
        running = self._running()
        if running is None:
            with locked(self.files, self.notify):
                running = self._running() or self._start(port)
        if port is not None and running.port != port:
            raise EnvironmentFault(
                f"server {self.files.name} already runs on port {running.port}; run: loadgen down {self.files.name}"
            )
        return running

    def stop(self) -> bool:
        """Stop it, writing everything to disk. False if it was not running."""
        if not self.files.home.exists():
            return False
        with locked(self.files, self.notify):
            return self._stop()

    def delete(self) -> None:
        """Stop it and remove its data, for good."""
        with locked(self.files, self.notify):
            self._stop()
            # Renamed first, so that a removal that is interrupted leaves nothing that looks like an instance.
            doomed = self.files.state_dir / f".{self.files.name}.{os.getpid()}.deleted"
            with contextlib.suppress(FileNotFoundError):
                self.files.home.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)

    # --- while the lock is held ---------------------------------------------------------------------------------

    def _start(self, port: int | None) -> Postmaster:
        account = server_account()
        programs = find_programs(self.files.state_dir, self.pg_bin, account)
        try:
            self.files.make(account)
            self._wait_for_orphans()
            if not self.files.data.exists():
                self._make_data(programs)
            self._check_version(programs)
            self._mend()
            return self._launch(programs, port)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot start server {self.files.name}: {error.strerror}: {error.filename}; "
                "set LOADGEN_STATE_DIR to a directory of yours with free space"
            ) from error

    def _make_data(self, programs: Programs) -> None:
        """initdb beside the final place, then rename: a data directory is whole or not there."""
        partial, account = self.files.partial_data, programs.account
        if partial.exists():
            self.notify(f"removing the half-made data of an interrupted start in {partial}")
            shutil.rmtree(partial)
        self.notify(f"creating server {self.files.name} (PostgreSQL {programs.version}), a few seconds …")
        partial.mkdir(mode=0o700)
        account.own(partial)
        password = secrets.token_hex(16)
        password_file = self.files.home / "password.partial"
        try:
            _write_private(password_file, password + "\n", account)
            options = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--no-locale"]
            options += ["--data-checksums", "--no-instructions", f"--username={SUPERUSER}"]
            made = programs.run(
                "initdb",
                [*options, f"--pwfile={password_file}", f"--pgdata={partial}"],
                timeout_s=INITDB_TIMEOUT_S,
            )
            if made.code != 0:
                raise EnvironmentFault(f"initdb failed for server {self.files.name}: {made.complaint}; see {partial}")
            script = (resources("loadgen.database") / "sql" / "bootstrap.sql").read_text("utf-8")
            filled = programs.run(
                "postgres", ["--single", "-D", str(partial), "template1"], timeout_s=INITDB_TIMEOUT_S, stdin=script
            )
            if filled.code != 0 or "ERROR:" in filled.output:
                raise EnvironmentFault(
                    f"cannot prepare server {self.files.name}: {filled.complaint}; "
                    "an installation with PostgreSQL's contrib modules is needed"
                )
            with (partial / "postgresql.conf").open("a", encoding="utf-8") as configuration:
                configuration.write(
                    "\ninclude_if_exists = 'loadgen.conf'  # rewritten at every start; add yours below\n"
                )
            _write_private(self.files.pgpass, f"127.0.0.1:*:*:{SUPERUSER}:{password}\n")
            partial.rename(self.files.data)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            password_file.unlink(missing_ok=True)

    def _check_version(self, programs: Programs) -> None:
        found = (self.files.data / "PG_VERSION").read_text().strip()
        if found != programs.major:
            raise EnvironmentFault(
                f"the data of server {self.files.name} is of PostgreSQL {found}, the programs are {programs.version}; "
                f"set LOADGEN_PG_BIN to a PostgreSQL {found}, use another --instance, "
                f"or remove the data: loadgen down {self.files.name} --delete"
            )

    def _mend(self) -> None:
        """Remove a stale ``postmaster.pid`` that PostgreSQL itself would take for a running server.

        It sees for itself that a process is gone, and then checks shared memory too, so that case is left to it. It
        cannot see that the number now belongs to another program, nor read a file that was cut short.
        """
        path = self.files.data / "postmaster.pid"
        if not path.exists():
            return
        stale = Postmaster.read(self.files.data)
        if stale is None or psutil.pid_exists(stale.pid):
            self.notify(f"removing a stale {path}, left by a server that did not stop in order")
            path.unlink()

    def _launch(self, programs: Programs, port: int | None) -> Postmaster:
        record = Record.read(self.files.record)
        socket_dir = self.files.socket_dir(record.socket_dir if record else None, programs.account)
        for leftover in socket_dir.iterdir():
            leftover.unlink()
        if self.files.log.exists() and self.files.log.stat().st_size > LOG_KEPT_BYTES:
            self.files.log.replace(self.files.log.with_suffix(".log.1"))
        self.notify(f"starting server {self.files.name} …")
        preferred = record.port if record else None
        for _ in range(PORT_ATTEMPTS):
            chosen = _check_port(port) if port is not None else _free_port(preferred)
            self._configure(chosen, socket_dir)
            Record(chosen, socket_dir).write(self.files.record)
            complaint = self._run_pg_ctl(programs)
            if complaint is None:
                break
            if port is not None or "Address already in use" not in complaint:
                raise EnvironmentFault(
                    f"server {self.files.name} did not start: {complaint}; its log is {self.files.log}"
                )
            preferred = None  # somebody took it between the choice and the start
        running = self._running()
        if running is None:
            raise EnvironmentFault(f"server {self.files.name} ended right after its start; its log is {self.files.log}")
        return running

    def _run_pg_ctl(self, programs: Programs) -> str | None:
        """None once the server answers, else what it complained of. Leaves nothing running when interrupted."""
        log_start = self.files.log.stat().st_size if self.files.log.exists() else 0
        arguments = ["start", "--wait", f"--timeout={START_TIMEOUT_S}", f"--pgdata={self.files.data}"]
        try:
            finished = programs.run(
                "pg_ctl", [*arguments, f"--log={self.files.log}", "--silent"], timeout_s=START_TIMEOUT_S + 10
            )
            if finished.code == 0:
                return None
        except BaseException:
            self._kill_all()
            raise
        self._kill_all()
        with self.files.log.open("rb") as log:
            log.seek(log_start)
            said = log.read().decode(errors="replace").splitlines()
        # Why an address cannot be had stands in an earlier, lesser line than the FATAL one that follows from it.
        causes = [line for line in said if "could not bind" in line] or [line for line in said if "FATAL:" in line]
        return causes[0].split(":  ", 1)[-1].strip() if causes else finished.complaint

    def _configure(self, port: int, socket_dir: Path) -> None:
        settings = server_settings(this_machine()) | {
            "listen_addresses": "'127.0.0.1'",
            "port": str(port),
            "unix_socket_directories": _quoted(socket_dir),
        }
        path = self.files.data / "loadgen.conf"
        partial = path.with_suffix(".partial")
        partial.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), "utf-8")
        partial.chmod(0o644)
        partial.replace(path)

    def _stop(self) -> bool:
        running = self._running()
        if running is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGINT)  # PostgreSQL's fast shutdown
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _works_in(running.pid, self.files.data):  # not psutil's wait: a zombie has ended too
            if time.monotonic() > deadline:
                raise EnvironmentFault(
                    f"server {self.files.name} (pid {running.pid}) did not stop within {STOP_TIMEOUT_S} s; "
                    f"its log is {self.files.log}"
                )
            time.sleep(0.02)
        if running.socket_dir != self.files.own_socket_dir:
            shutil.rmtree(running.socket_dir, ignore_errors=True)
        return True

    # --- processes ----------------------------------------------------------------------------------------------

    def _running(self) -> Postmaster | None:
        """The server process, if the pid file names one and that one really works in this data directory."""
        found = Postmaster.read(self.files.data)
        return found if found is not None and _works_in(found.pid, self.files.data) else None

    def _processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _works_in(process.pid, self.files.data)]

    def _wait_for_orphans(self) -> None:
        """Backends outlive a killed postmaster for a moment; a second server on their data would ruin it."""
        deadline = time.monotonic() + ORPHANS_TIMEOUT_S
        while orphans := self._processes():
            if time.monotonic() > deadline:
                raise EnvironmentFault(
                    f"processes of an earlier server {self.files.name} are still there "
                    f"(pid {', '.join(str(p.pid) for p in orphans)}); end them, then try again"
                )
            time.sleep(0.05)

    def _kill_all(self) -> None:
        """End whatever a start left: by SIGQUIT, PostgreSQL's immediate shutdown, then by SIGKILL."""
        for sent in (signal.SIGQUIT, signal.SIGKILL):
            processes = self._processes()
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(sent)
            psutil.wait_procs(processes, timeout=10)


def all_instances(settings: Settings) -> list[Status]:
    """Every instance below the state directory, by name."""
    if not settings.state_dir.is_dir():
        return []
    names = sorted(
        path.name
        for path in settings.state_dir.iterdir()
        if NAME.fullmatch(path.name) and ((path / "data").exists() or (path / "data.partial").exists())
    )
    return [Instance(Files(settings.state_dir.absolute(), name), settings.pg_bin).status() for name in names]


def _works_in(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL server of this data directory, which is where all of its processes work."""
    try:
        process = psutil.Process(pid)
        return "postgres" in process.name() and Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def _check_port(port: int) -> int:
    try:
        _bind(port)
    except OSError as error:
        raise EnvironmentFault(
            f"port {port} on 127.0.0.1 cannot be used: {error.strerror}; choose another with --port, or leave it out"
        ) from None
    return port


def _free_port(preferred: int | None) -> int:
    if preferred is not None:
        with contextlib.suppress(OSError):
            return _bind(preferred)
    return _bind(0)


def _bind(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str, account: Account | None = None) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if account is not None:
        account.own(path)


def _quoted(path: Path) -> str:
    """A string of postgresql.conf, and in it one element of a list, either of which a path may need quoted."""
    element = '"' + str(path).replace('"', '""') + '"'
    return "'" + element.replace("\\", "\\\\").replace("'", "''") + "'"
