"""Find, wait for and end the processes of an instance."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from loadgen.database.instance_files import Postmaster
from loadgen.errors import EnvironmentFault

ORPHANS_TIMEOUT_S = 20
END_TIMEOUT_S = 20
POLL_S = 0.02


def running_in(data: Path) -> Postmaster | None:
    """The server process of the pid file, if it really works in this data directory; else None."""
    postmaster = Postmaster.read(data)
    return postmaster if postmaster is not None and _works_in(postmaster.pid, data) else None


def ready_in(data: Path, timeout_s: float) -> Postmaster | None:
    """Wait until the server has started or stopped; None if it has stopped.

    Another process may have started it and been killed before it was ready.
    """
    deadline = time.monotonic() + timeout_s
    while (running := running_in(data)) is not None and not running.ready:
        if time.monotonic() > deadline:
            raise EnvironmentFault(
                f"the server with pid {running.pid} in {data} has neither started nor stopped after {timeout_s:.0f} s; "
                "see its log"
            )
        time.sleep(POLL_S)
    return running


def shut_down(postmaster: Postmaster, data: Path, timeout_s: float) -> bool:
    """Request PostgreSQL's fast shutdown, which disconnects clients. False if it takes longer than ``timeout_s``."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(postmaster.pid, signal.SIGINT)
    deadline = time.monotonic() + timeout_s
    while _works_in(postmaster.pid, data):  # not psutil's wait: a zombie has ended too
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def wait_for_orphans(data: Path) -> None:
    """Wait for backends that outlive a killed postmaster: a second server beside them would corrupt the data."""
    if not _gone(data, ORPHANS_TIMEOUT_S):
        numbers = ", ".join(str(process.pid) for process in _all_in(data))
        raise EnvironmentFault(
            f"processes of an earlier server still run in {data} (pid {numbers}); end them, then try again"
        )


def end_all(data: Path) -> None:
    """End the processes that a start left: by a signal to the parent of each family, then by SIGKILL."""
    processes = _all_in(data)
    numbers = {process.pid for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in numbers:
                process.send_signal(signal.SIGINT)
    if not _gone(data, END_TIMEOUT_S):
        for process in _all_in(data):
            with contextlib.suppress(psutil.Error):
                process.kill()
        _gone(data, END_TIMEOUT_S)


def _gone(data: Path, timeout_s: float) -> bool:
    """Wait until no process works in the directory; a zombie does not count."""
    deadline = time.monotonic() + timeout_s
    while _all_in(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _all_in(data: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _works_in(process.pid, data)]


def _works_in(pid: int, data: Path) -> bool:
    """Return whether a process is PostgreSQL's and works on this data directory.

    It is the working directory of every process of a server, and an argument of initdb and pg_ctl.
    """
    try:
        process = psutil.Process(pid)
        name = process.name()
        if "postgres" in name:
            return Path(process.cwd()).samefile(data)
        return name in ("initdb", "pg_ctl") and f"--pgdata={data}" in process.cmdline()
    except (psutil.Error, OSError):
        return False
