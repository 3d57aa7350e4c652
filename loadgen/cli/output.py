"""Output: text for people goes to stderr, the one JSON document to stdout."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from loadgen import interrupts
from loadgen.errors import EnvironmentFault

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text


NO_SIZE: Final = 80
"""Width in columns assumed for a terminal that reports none."""


def console() -> Console:
    """Make a console on stderr, without colours when it is not a terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_fitting(build: Callable[[bool], Table]) -> None:
    """Print the table of ``build(False)``, or the narrow one of ``build(True)`` where the terminal is narrower."""
    out = console()
    wide = build(False)
    unlimited = out.options.update(width=1000)
    out.print(wide if out.measure(wide, options=unlimited).maximum <= out.width else build(True))


def folded(cells: Iterable[str]) -> list[str]:
    """Break cells like "value (low–high)", with the interval below the value."""
    return [cell.replace(" (", "\n(", 1) for cell in cells]


def say(line: str) -> None:
    """Print one line for people, with control characters escaped; a terminal gets it wrapped between words.

    A word that is longer than the terminal is wide, such as a path, stays whole, so that it can be copied.
    """
    if sys.stderr is None:  # print would write to stdout instead
        return
    shown = printable(line)
    if sys.stderr.isatty():
        shown = "\n".join(_wrapped(part, _columns()) for part in shown.split("\n"))
    print(shown, file=sys.stderr, flush=True)


def _columns() -> int:
    """Width of the terminal of stderr; as rich finds it, without importing rich, since a signal may have come."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or NO_SIZE
    except (OSError, ValueError):
        return NO_SIZE


def _wrapped(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    wrapped = textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
    return "\n".join(wrapped)


def say_labelled(text: Text, indent: int) -> None:
    """Print a line whose first ``indent`` characters are a label, below which a terminal wraps the rest."""
    out = console()
    if not out.is_terminal:
        out.print(text)
        return
    label, rest = text[:indent], text[indent:]
    for n, part in enumerate(rest.wrap(out, out.width - indent)):
        out.print(label if n == 0 else " " * indent, part, sep="")


def printable(text: str) -> str:
    """Escape control characters, except line breaks, and lone surrogates."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def show_cursor() -> None:
    """Show the cursor again, which an interrupted progress bar leaves hidden."""
    if sys.stderr is not None and sys.stderr.isatty():
        console().show_cursor(True)


_emitted: list[int] = []
"""Lengths of the documents that this process emitted."""


def documents_emitted() -> int:
    """Number of documents that this process has emitted."""
    return len(_emitted)


def emit(document: str) -> None:
    """Print the one JSON document of this command. Raises EnvironmentFault where stdout cannot be written to."""
    if sys.stdout is None:
        raise EnvironmentFault("standard output is closed; redirect it to a file or a program")
    try:
        with interrupts.deferred():
            _emitted.append(len(document))
            sys.stdout.flush()
            # Buffered, whatever PYTHONUNBUFFERED says: an unbuffered write that a signal interrupts loses the rest.
            with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as stdout:
                stdout.write(document if document.endswith("\n") else document + "\n")
    except OSError as error:
        raise EnvironmentFault(f"cannot write to standard output: {error.strerror}; redirect it elsewhere") from error


def emit_values(format_name: str, **values: Any) -> None:
    """Print the one JSON document of a verb without a record."""
    import orjson

    emit(orjson.dumps({"format": format_name, **values}, default=str, option=orjson.OPT_INDENT_2).decode())


@contextmanager
def progress() -> Iterator[Progress]:
    """Show a progress bar on stderr with elapsed and remaining time; plain lines are left to the caller."""
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
