"""The fork server of the workers. It prepares their shared data once, while this process goes on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from multiprocessing import forkserver, resource_tracker, util
from typing import Final

from loadgen import interrupts

CAN_FORK: Final = "forkserver" in multiprocessing.get_all_start_methods()
_READY: Final = "loadgen.seeding.ready"


def get_ready() -> None:
    """Start the fork server, if the system can fork. Without one, each worker prepares the data itself."""
    if CAN_FORK:
        forkserver.set_forkserver_preload([_READY])
        with interrupts.deferred():
            resource_tracker.ensure_running()  # now, since it unblocks what is blocked next
            # Ctrl-C goes to the whole process group; this process handles it and ends the workers.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                forkserver.ensure_running()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            interrupts.register(_end)


def _end() -> None:
    """Kill the fork server and remove its socket: while preparing it would not notice the end of this process."""
    pid = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined] # there is no public way
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    util._exit_function()  # type: ignore[attr-defined]
