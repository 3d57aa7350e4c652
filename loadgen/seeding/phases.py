"""What a seeding is at, for whoever watches, and how long each phase took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int, str], None]
"""Hears the phase, how much of it is done and how much there is (0, 0 where that cannot be counted), and details."""


class Phases:
    """Times phases, and passes on what is heard of them."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    def show(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Report how far a phase is."""
        self._progress(phase, done, total, detail)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the body to ``name``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
