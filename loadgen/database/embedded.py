"""The embedded server: a real PostgreSQL from a wheel, several named instances side by side.

Clients of this machine use the socket in a directory that only this user and the server can enter, without a
password. Anything else uses 127.0.0.1 with the generated password of ``<state>/<name>/pgpass``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loadgen import interrupts
from loadgen.database.cluster import check_version, data_version, make_data, mend
from loadgen.database.instance_files import NAME, Files, Postmaster, locked
from loadgen.database.launching import START_TIMEOUT_S, launch
from loadgen.database.processes import ready_in, running_in, shut_down, wait_for_orphans
from loadgen.database.programs import find_programs, server_account
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.settings import Settings

DEFAULT_NAME = "default"
STOP_TIMEOUT_S = 120  # a fast shutdown ends with a checkpoint


def say_on_stderr(line: str) -> None:
    """Print a progress line to stderr."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Status:
    """State of an instance. ``postmaster`` is None if it is not running, ``version`` None if it has no data yet."""

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
    """A named embedded server: start, stop, inspect and delete it."""

    files: Files
    pg_bin: Path | None = None
    notify: Callable[[str], None] = field(default=say_on_stderr, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings, *, notify: Callable[[str], None] = say_on_stderr) -> Instance:
        """The instance that settings name, below their state directory."""
        return cls(Files(settings.state_dir.absolute(), settings.instance or DEFAULT_NAME), settings.pg_bin, notify)

    def status(self) -> Status:
        """Read the current state, without changing it."""
        files = self.files
        return Status(files.name, running_in(files.data), data_version(files.data), files.data, files.log, files.pgpass)

    def start(self, port: int | None = None) -> Postmaster:
        """Start the server unless it is running. Creates the data at first, and repairs them after a crash.

        ``port`` is on 127.0.0.1; None keeps the last one if it is free, else takes any free one. Raises UsageError for
        an impossible port, EnvironmentFault when the server cannot run.
        """
        if port is not None and not 1024 <= port <= 65535:
            raise UsageError(f"port {port} cannot be used; choose one from 1024 to 65535")
        running = running_in(self.files.data)
        if running is None or not running.ready:
            with locked(self.files, self.notify):
                running = ready_in(self.files.data, START_TIMEOUT_S) or self._start(port)
        if port is not None and running.port != port:
            raise EnvironmentFault(
                f"server {self.files.name} already runs on port {running.port}; "
                f"to move it, run first: loadgen down {self.files.name}"
            )
        return running

    def stop(self) -> bool:
        """Stop the server with a checkpoint. False if it was not running."""
        if not self.files.home.exists():
            return False
        with locked(self.files, self.notify):
            return self._stop()

    def delete(self) -> None:
        """Stop the server and delete its data."""
        with locked(self.files, self.notify):
            self._stop()
            # Renamed first: an interrupted deletion leaves nothing that looks like an instance.
            doomed = self.files.state_dir / f".{self.files.name}.{os.getpid()}.deleted"
            with interrupts.deferred():
                with contextlib.suppress(FileNotFoundError):
                    self.files.home.rename(doomed)
                shutil.rmtree(doomed, ignore_errors=True)

    def _start(self, port: int | None) -> Postmaster:
        files = self.files
        try:
            for doomed in files.state_dir.glob(f".{files.name}.*.deleted"):  # left by a process that was killed
                self.notify(f"removing the rest of a deleted server in {doomed}")
                shutil.rmtree(doomed, ignore_errors=True)
            programs = find_programs(files.state_dir, self.pg_bin, server_account())
            files.make(programs.account)
            wait_for_orphans(files.data)
            if not files.data.exists():
                make_data(files, programs, self.notify)
            check_version(files, programs)
            mend(files.data, self.notify)
            self.notify(f"starting server {files.name} …")
            return launch(files, programs, port)
        except OSError as error:
            raise EnvironmentFault(
                f"cannot start server {files.name}: {error.strerror}: {error.filename}; "
                "set LOADGEN_STATE_DIR to a directory of yours with free space"
            ) from error

    def _stop(self) -> bool:
        running = running_in(self.files.data)
        if running is None:
            return False
        if not shut_down(running, self.files.data, STOP_TIMEOUT_S):
            raise EnvironmentFault(
                f"server {self.files.name} (pid {running.pid}) did not stop within {STOP_TIMEOUT_S} s; "
                f"its log is {self.files.log}"
            )
        if running.socket_dir != self.files.own_socket_dir:
            shutil.rmtree(running.socket_dir, ignore_errors=True)
        return True


def all_instances(settings: Settings) -> tuple[Status, ...]:
    """State of every instance below the state directory, sorted by name."""
    if not settings.state_dir.is_dir():
        return ()
    names = sorted(
        path.name
        for path in settings.state_dir.iterdir()
        if NAME.fullmatch(path.name) and ((path / "data").exists() or (path / "data.partial").exists())
    )
    return tuple(Instance(Files(settings.state_dir.absolute(), name), settings.pg_bin).status() for name in names)
