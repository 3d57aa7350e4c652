"""CPU time of the server's processes, where they run on this machine."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Final

import psutil

from loadgen.observe.queries import Connection
from loadgen.sql_files import SqlFile

_SQL: Final = SqlFile("loadgen.observe", "sql/server.sql")

_SAME_START_S = 5.0
"""Largest difference between a session's start and its process's, in s: clocks have ticks, and the session is later."""
_REPLAY: Final = re.compile(r"^postgres: (?:\S+: )?(?:startup|walreceiver)\b")
"""Titles of the replay processes; ``cluster_name`` stands between, where one is set."""


@dataclass(slots=True)
class ServerProcesses:
    """The postmaster and its child processes."""

    postmaster: psutil.Process
    _most: float = field(default=0.0, init=False)
    """Highest total so far. A process that ends during a sample is missed once, and a drop would count as a restart."""

    def cpu_s(self) -> float | None:
        """CPU seconds since the server started, ended processes included; None if it is gone or access is denied.

        Outside of Linux the time of ended processes is unknown, and the figure a little low.
        """
        try:
            own = self.postmaster.cpu_times()
            total = own.user + own.system + own.children_user + own.children_system
            for process in self.postmaster.children(recursive=True):
                try:
                    used = process.cpu_times()
                except psutil.NoSuchProcess:  # its time is in the postmaster's at the next sample
                    continue
                total += used.user + used.system
        except psutil.Error:
            return None
        self._most = max(self._most, float(total))
        return self._most

    def replay_cpu_s(self) -> float | None:
        """CPU seconds of the processes that receive and replay WAL, since they started; None if there is none in sight.

        The process titles of a standby are "startup", with what it recovers, and "walreceiver".
        """
        try:
            total = None
            for process in self.postmaster.children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if _REPLAY.search(" ".join(process.cmdline())):
                        used = process.cpu_times()
                        total = (total or 0.0) + float(used.user + used.system)
        except psutil.Error:
            return None
        return total


def local_server(connection: Connection) -> ServerProcesses | None:
    """Find the processes behind a connection; None unless the server runs on this machine, visible to this process.

    A remote session's pid may be that of another process here: it has to be the child of a process of the same name,
    and to have started when the session did.
    """
    row = connection.execute(_SQL["backend"]).fetchone()
    if row is None:
        return None
    pid, began = row
    if not isinstance(pid, int) or not isinstance(began, float):
        return None
    try:
        backend = psutil.Process(pid)
        postmaster = backend.parent()
        if postmaster is None or abs(backend.create_time() - began) > _SAME_START_S:
            return None
        if not all("postgres" in process.name().lower() for process in (backend, postmaster)):
            return None
    except psutil.Error:
        return None
    return ServerProcesses(postmaster)
