"""The process from which workers are forked: it makes what all of them need once, while others go on here."""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from typing import Final

CAN_FORK: Final = "forkserver" in multiprocessing.get_all_start_methods()
_READY: Final = "loadgen.seeding.ready"


def get_ready() -> None:
    """Begin. Nothing where the system cannot fork, or it was begun: workers then make what they need themselves."""
    if CAN_FORK:
        forkserver.set_forkserver_preload([_READY])
        forkserver.ensure_running()
