"""Files of an embedded instance, and how to read them.

::

    <state>/.<name>.lock     held while it is started, stopped or deleted
    <state>/<name>/
        instance.json        port and socket directory of the latest start
        pgpass               password of the superuser over TCP, 0600, as libpq's PGPASSFILE reads it
        data/                the cluster; data.partial/ until initdb has ended
        log/server.log       the server's log
        socket/              its socket, 0700, unless the path would be too long for one
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loadgen.database.programs import Account
from loadgen.errors import EnvironmentFault, UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

SOCKET_PATH_LIMIT_BYTES = 103
"""sun_path less its terminator: 107 on Linux, 103 on macOS."""
LONGEST_SOCKET_NAME = "/.s.PGSQL.65535"


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of one instance. Raises UsageError for a name that could leave the state directory."""

    state_dir: Path
    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UsageError(f"{self.name!r} is not a name of a server; use at most 40 letters, digits, - and _")

    @property
    def home(self) -> Path:
        return self.state_dir / self.name

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def partial_data(self) -> Path:
        return self.home / "data.partial"

    @property
    def log(self) -> Path:
        return self.home / "log" / "server.log"

    @property
    def pgpass(self) -> Path:
        return self.home / "pgpass"

    @property
    def record(self) -> Path:
        return self.home / "instance.json"

    @property
    def lock(self) -> Path:
        # Outside of home, so that deleting an instance does not delete the lock that others wait for.
        return self.state_dir / f".{self.name}.lock"

    @property
    def own_socket_dir(self) -> Path:
        return self.home / "socket"

    def make(self, account: Account) -> None:
        """Create the missing directories. Only those that the server itself writes to belong to its account."""
        for path in (self.state_dir, self.home):
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        account.own(self.log.parent)

    def socket_dir(self, recorded: Path | None, account: Account) -> Path:
        """A directory with mode 0700 whose socket's path is short enough; created if missing."""
        if len(os.fsencode(self.own_socket_dir)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT_BYTES:
            directory = self.own_socket_dir
            directory.mkdir(mode=0o700, exist_ok=True)
        elif recorded is not None and _is_private(recorded, account):
            return recorded
        else:
            directory = Path(tempfile.mkdtemp(prefix="loadgen-", dir=_short_temp_dir()))
        account.own(directory)
        return directory


@dataclass(frozen=True, slots=True)
class Record:
    """``instance.json``: the address of the latest start, which the next one keeps."""

    port: int
    socket_dir: Path

    @staticmethod
    def read(path: Path) -> Record | None:
        """Read the file; None if it is missing or unreadable, since it only holds preferences."""
        try:
            values = json.loads(path.read_text("utf-8"))
            return Record(port=int(values["port"]), socket_dir=Path(values["socket_dir"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Keep the record as JSON."""
        values = {"format": "loadgen.instance/1", "port": self.port, "socket_dir": str(self.socket_dir)}
        path.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server process and its address, from PostgreSQL's ``postmaster.pid``."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool
    """False while the server starts, recovers or stops."""

    @staticmethod
    def read(data: Path) -> Postmaster | None:
        """Read the pid file; None if it is missing or incomplete."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            ready = len(lines) > 7 and lines[7].strip() == "ready"
            return Postmaster(pid=int(lines[0]), port=int(lines[3]), socket_dir=Path(lines[4]), ready=ready)
        except (OSError, ValueError, IndexError):
            return None


@contextlib.contextmanager
def locked(files: Files, notify: Callable[[str], None]) -> Iterator[None]:
    """Hold the instance's lock, and tell the user while waiting for it. The kernel releases it with the process."""
    try:
        files.state_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(files.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write to {files.state_dir}: {error.strerror}; set LOADGEN_STATE_DIR to a directory of yours"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            notify(f"waiting: server {files.name} is being started or stopped by another process")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_private(directory: Path, account: Account) -> bool:
    """Return whether a directory in a shared place still belongs to this instance's account alone."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    return status.st_uid == account.uid and status.st_mode & 0o170777 == 0o040700


def _short_temp_dir() -> Path:
    for candidate in (Path(tempfile.gettempdir()), Path("/tmp")):  # TMPDIR may be as long as the state directory
        if len(os.fsencode(candidate)) <= SOCKET_PATH_LIMIT_BYTES - len(LONGEST_SOCKET_NAME) - 20:
            return candidate
    return Path("/tmp")
