"""CPU of the server's processes, where they run on this machine."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Final

import psutil

from loadgen.observe.queries import Connection, text

_SAME_START_S = 5.0
"""A session notes its start after its process began, and both clocks are whole ticks."""
_REPLAY: Final = re.compile(r"^postgres: (?:\S+: )?(?:startup|walreceiver)\b")
"""With ``cluster_name`` between the two, where one is set."""


@dataclass(slots=True)
class ServerProcesses:
    """The postmaster and what it started."""

    postmaster: psutil.Process
    _most: float = field(default=0.0, init=False)
    """A process that ends while the others are read is missed once; a counter that fell would pass for a restart."""

    def cpu_s(self) -> float | None:
        """CPU seconds since the server started, of processes that ended too. None: it is gone, or we may not look.

        On Linux; elsewhere the system does not tell what ended processes used, and the figure is a little low.
        """
        try:
            own = self.postmaster.cpu_times()
            total = own.user + own.system + own.children_user + own.children_system
            for process in self.postmaster.children(recursive=True):
                try:
                    used = process.cpu_times()
                except psutil.NoSuchProcess:  # ended just now: its time is in the postmaster's at the next sample
                    continue
                total += used.user + used.system
        except psutil.Error:
            return None
        self._most = max(self._most, float(total))
        return self._most

    def replay_cpu_s(self) -> float | None:
        """CPU seconds of the processes that receive the log and replay it, since these began. None: none is seen.

        A standby's process of replay is called "startup", and says what it recovers; that of receiving "walreceiver".
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
    """The processes behind a connection. None unless the server runs on this machine, in sight of this process.

    A session of a remote server has a pid that means nothing here, or by chance something else: it must be
    a child of a process of the same name that began when the session says it did.
    """
    row = connection.execute(text("backend")).fetchone()
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
