"""Progress of a run: its phase, and the time until its end."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from loadgen.cli.output import console, say

if TYPE_CHECKING:
    from loadgen.runs.control import PhaseBegan
    from loadgen.runs.format.schedule import Schedule


class PhaseProgress:
    """A bar over the planned seconds of one run on a terminal, a line per phase elsewhere. A context manager."""

    def __init__(self, title: str, schedule: Schedule) -> None:
        self._title = title
        self._total_s = schedule.ramp_s + schedule.warmup_s + schedule.measure_s
        self._stack = ExitStack()
        self._stop = threading.Event()

    def __enter__(self) -> PhaseProgress:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._terminal = console().is_terminal
        if self._terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bar = self._stack.enter_context(Progress(*columns, console=console(), transient=True))
            self._task = self._bar.add_task(self._title, total=self._total_s)
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._stack.close()

    def phase_began(self, event: PhaseBegan) -> None:
        """Show the phase that begins."""
        if self._terminal:
            self._bar.update(self._task, description=f"{self._title}: {event.phase}")
        else:
            say(f"{self._title}: {event.phase}")

    def _tick(self) -> None:
        while not self._stop.wait(0.2):
            self._bar.advance(self._task, 0.2)
