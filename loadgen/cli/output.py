"""What people see goes to stderr, the one JSON document to stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from loadgen import interrupts
from loadgen.errors import EnvironmentFault

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table


def console() -> Console:
    """A console on stderr: colours off when it is not a terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_fitting(build: Callable[[bool], Table]) -> None:
    """A table as wide as it is; where the terminal is narrower, the narrow one that ``build(True)`` makes."""
    out = console()
    wide = build(False)
    anything = out.options.update(width=1000)
    out.print(wide if out.measure(wide, options=anything).maximum <= out.width else build(True))


def folded(cells: Iterable[str]) -> list[str]:
    """Cells like "value (low–high)", each with the interval below its value."""
    return [cell.replace(" (", "\n(", 1) for cell in cells]


def say(line: str) -> None:
    """One line for people; what a name in it would do to their terminal is shown instead."""
    if sys.stderr is not None:  # print would take stdout instead
        print(printable(line), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """The text with control characters and lone surrogates escaped, but for line breaks."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def show_cursor() -> None:
    """Undo what a progress bar that was broken off did to the terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        console().show_cursor(True)


_emitted: list[int] = []
"""Lengths of the documents that this process emitted."""


def documents_emitted() -> int:
    """How many documents this process has emitted."""
    return len(_emitted)


def emit(document: str) -> None:
    """The one JSON document of this command. Raises EnvironmentFault where nobody takes it."""
    if sys.stdout is None:
        raise EnvironmentFault("standard output is closed; redirect it to a file or a program")
    try:
        with interrupts.deferred():
            _emitted.append(len(document))
            sys.stdout.write(document if document.endswith("\n") else document + "\n")
            sys.stdout.flush()
    except OSError as error:
        # What could not be written is still in the buffer, and Python would try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise EnvironmentFault(f"cannot write to standard output: {error.strerror}; redirect it elsewhere") from error


def emit_values(format_name: str, **values: Any) -> None:
    """The one JSON document of a verb that has no record of its own."""
    import orjson

    emit(orjson.dumps({"format": format_name, **values}, default=str, option=orjson.OPT_INDENT_2).decode())


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on stderr with elapsed and remaining time; plain lines are left to the caller."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console(),
        transient=False,
    ) as bar:
        yield bar
