"""Phases of a seeding: progress for the caller, and the time that each takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int, str], None]
"""Progress callback: phase, amount done, total (0, 0 if that cannot be counted), details."""


class Phases:
    """Measures the time of phases, and reports their progress."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    def show(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Report how far a phase is."""
        self._progress(phase, done, total, detail)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the body to phase ``name``."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
