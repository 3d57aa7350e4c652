"""The process from which workers are forked: it makes what all of them need once, while others go on here."""

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
    """Begin. Nothing where the system cannot fork, or it was begun: workers then make what they need themselves."""
    if CAN_FORK:
        forkserver.set_forkserver_preload([_READY])
        with interrupts.deferred():
            resource_tracker.ensure_running()  # now, since it unblocks what is blocked next
            # Ctrl-C goes to the whole group: this process hears it, and ends those that are forked.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                forkserver.ensure_running()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            interrupts.register(_end)


def _end() -> None:
    """End the process at once: while it gets ready it would not notice that this one has ended; with its socket."""
    pid = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined] # there is no public way
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    util._exit_function()  # type: ignore[attr-defined]
