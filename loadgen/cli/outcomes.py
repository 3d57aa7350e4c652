"""Conversion of any exception to one of ``errors.py``, and of any message to one line that is safe to print.

This is the one place that handles unexpected exceptions: ``cli/app.py`` calls it for any that leaves a verb.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from pathlib import Path
from typing import Final

from loadgen.cli.output import printable
from loadgen.errors import EnvironmentFault, LoadgenError, UsageError

TRACEBACK_VARIABLE: Final = "LOADGEN_TRACEBACK"
MOST_CHARACTERS: Final = 1_000
"""Longest message (assumption: a dozen lines). A longer one loses its middle, since its end says what to do."""
SHORTEST_ANYWHERE: Final = 4
"""Shortest password that is masked inside words too (assumption); a shorter one only where it stands alone, since its
letters are in most words."""
_URI_PASSWORD: Final = re.compile(r"(://[^\s/@:]{0,200}:)[^\s@]{1,200}(?=@)")
_KEY_PASSWORD: Final = re.compile(
    r"((?:ssl)?password\s{0,9}=\s{0,9})(?:'[^']{0,200}'?|[^\s'&;,]{1,200})", re.IGNORECASE
)
"""Passwords in a DSN, as a URI and as pairs; bounded, so that long values are searched in little time."""


def as_loadgen_error(error: Exception) -> LoadgenError:
    """Convert an exception; one that is neither the user's nor the system's is an internal error."""
    if os.environ.get(TRACEBACK_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    match error:
        case LoadgenError():
            return error
        case MemoryError():
            return EnvironmentFault("there is not enough memory; give smaller files, or use a machine with more")
        case OSError():
            return _of_the_system(error)
        case UnicodeError():
            return UsageError(f"input is not UTF-8: {error}; convert it")
    return _of_a_library(error) or _of_this_tool(error)


def _of_the_system(error: OSError) -> LoadgenError:
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    why = error.strerror or str(error) or type(error).__name__
    advice = "check the path, its permissions and the space on the disk"
    return EnvironmentFault(f"cannot use {path}: {why}; {advice}" if path else f"{why}; {advice}")


def _of_a_library(error: Exception) -> LoadgenError | None:
    """Convert an exception of the driver or of pydantic."""
    import psycopg
    from pydantic import ValidationError

    from loadgen.database.faults import translate
    from loadgen.runs.documents import first_mistake

    if isinstance(error, psycopg.Error):
        return translate(error, None)
    if isinstance(error, ValidationError):
        return UsageError(f"cannot read a JSON document: {first_mistake(error)}; correct it")
    return None


def _of_this_tool(error: Exception) -> LoadgenError:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return EnvironmentFault(
        f"internal error: {type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno}); "
        f"please report it with the traceback, which {TRACEBACK_VARIABLE}=1 prints"
    )


def one_line(message: str) -> str:
    """Strip a message of passwords, control characters and lone surrogates, to at most ``MOST_CHARACTERS``."""
    masked = _KEY_PASSWORD.sub(r"\1***", _URI_PASSWORD.sub(r"\1***", message))
    if secret := os.environ.get("PGPASSWORD"):
        escaped = re.escape(secret)
        masked = re.sub(escaped if len(secret) >= SHORTEST_ANYWHERE else rf"(?<!\w){escaped}(?!\w)", "***", masked)
    if len(masked) > MOST_CHARACTERS:
        masked = f"{masked[: MOST_CHARACTERS * 6 // 10]} … {masked[-MOST_CHARACTERS * 3 // 10 :]}"
    return printable(masked).replace("\n", "\\n")


def check_arguments(arguments: list[str]) -> None:
    """Refuse arguments that no option takes: empty, with a NUL, not UTF-8. Raises UsageError.

    Arguments after ``--`` are for another program, and may be empty.
    """
    for place, argument in enumerate(arguments):
        if argument == "--":
            return
        option, equals, value = argument.partition("=") if argument.startswith("--") else (argument, "", argument)
        if not value and (equals or not option):
            before = arguments[place - 1] if place and not equals else ""
            name = option or (before if before.startswith("-") else f"argument {place + 1}")
            raise UsageError(f"{name} is empty; give a value, or leave it out")
        if "\0" in argument or not _is_utf8(argument):
            raise UsageError(f"argument {place + 1} {argument!r} is not UTF-8 text; correct or rename it")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
