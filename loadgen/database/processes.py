"""The processes of an instance: which are there, waiting for them, ending them."""

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
KILL_TIMEOUT_S = 10
POLL_S = 0.02


def running_in(data: Path) -> Postmaster | None:
    """The server process, if the pid file names one and that one really works in this data directory."""
    found = Postmaster.read(data)
    return found if found is not None and _works_in(found.pid, data) else None


def shut_down(postmaster: Postmaster, data: Path, timeout_s: float) -> bool:
    """PostgreSQL's fast shutdown: clients are sent away, everything is written. False if it takes longer."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(postmaster.pid, signal.SIGINT)
    deadline = time.monotonic() + timeout_s
    while _works_in(postmaster.pid, data):  # not psutil's wait: a zombie has ended too
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def wait_for_orphans(data: Path) -> None:
    """Backends outlive a killed postmaster for a moment; a second server on their data would ruin it."""
    deadline = time.monotonic() + ORPHANS_TIMEOUT_S
    while orphans := _all_in(data):
        if time.monotonic() > deadline:
            numbers = ", ".join(str(process.pid) for process in orphans)
            raise EnvironmentFault(
                f"processes of an earlier server are still at work in {data} (pid {numbers}); end them, then try again"
            )
        time.sleep(POLL_S)


def end_all(data: Path) -> None:
    """End whatever a start left there: by SIGQUIT, PostgreSQL's immediate shutdown, then by SIGKILL."""
    for sent in (signal.SIGQUIT, signal.SIGKILL):
        processes = _all_in(data)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(sent)
        psutil.wait_procs(processes, timeout=KILL_TIMEOUT_S)


def _all_in(data: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _works_in(process.pid, data)]


def _works_in(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL server of this data directory, which is where all of its processes work."""
    try:
        process = psutil.Process(pid)
        return "postgres" in process.name() and Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False
