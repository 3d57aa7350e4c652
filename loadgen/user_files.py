"""Read users' files: regular files of UTF-8 text up to a size; anything else is refused in one line.

A path can name anything: a directory, a pipe without a writer, an endless device, gigabytes. The type is checked on the
opened file, not on its name, and no more is read than the limit.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadgen.errors import UsageError

KIB: Final = 1 << 10
MIB: Final = 1 << 20
SHELL_PIPES: Final = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
"""Paths of pipes that have a writer, unlike a named pipe, which may never get one."""
MOST_PERIODS: Final = 100
"""Most periods in a line of TOML (assumption: more than any text or number there needs). The standard library's parser
takes 40 s for a key of 32,000 parts."""


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file: its name and advice in error messages, and its size limit."""

    name: str
    """Name with its article, as in ``a history``."""
    advice: str
    """Advice for a file that cannot be read."""
    most_bytes: int


RECORD: Final = FileKind("a record", "give a record of this tool", 64 * MIB)
"""A record of this tool. Its size limit is an assumption: a plan of every level and table takes less than 2 MiB."""
SETTINGS: Final = FileKind("settings", "correct the file, or unset LOADGEN_CONFIG", 64 * KIB)
"""The settings file. Its size limit is an assumption: it has a few lines."""


def read_bytes(path: Path, kind: FileKind) -> bytes:
    """Content of a regular file, or of a pipe of the shell, as in ``<(…)``.

    Raises UsageError for anything else, and for more than ``kind.most_bytes``.
    """
    try:
        # Without blocking: opening a pipe without a writer would never return.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _refusal(path, kind, error.strerror if isinstance(error, OSError) else str(error)) from error
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) and str(path).startswith(SHELL_PIPES):
            os.set_blocking(descriptor, True)
        elif not stat.S_ISREG(mode):
            raise _refusal(path, kind, f"it is {_kind_of_file(mode)}, not a file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(kind.most_bytes + 1)
    except OSError as error:
        raise _refusal(path, kind, error.strerror) from error
    finally:
        os.close(descriptor)
    if len(content) > kind.most_bytes:
        raise _refusal(path, kind, f"it has more than {kind.most_bytes:,} bytes")
    return content


def read_text(path: Path, kind: FileKind) -> str:
    """Text of a file, without a byte order mark. Raises UsageError as :func:`read_bytes`, and for invalid UTF-8."""
    try:
        return read_bytes(path, kind).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(path, kind, "it is not UTF-8 text") from error


def read_toml(path: Path, kind: FileKind) -> dict[str, Any]:
    """Parse a TOML file. Raises UsageError as :func:`read_text`, and for invalid TOML."""
    text = read_text(path, kind)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > MOST_PERIODS:
            raise UsageError(f"{path}: line {number} has more than {MOST_PERIODS} periods; shorten it")
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply; correct it") from error
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits is another
        raise UsageError(f"{path} is not TOML: {error}; correct it") from error
    pending: list[object] = [document]
    while pending:
        match pending.pop():
            case dict() as table:
                pending += table.values()
            case list() as array:
                pending += array
            case int() as number if abs(number) >= 2**63:
                raise UsageError(f"{path} has an integer that does not fit into 64 bits; correct it")
    return document


def _refusal(path: Path, kind: FileKind, why: str | None) -> UsageError:
    return UsageError(f"cannot read {kind.name} from {path}: {why or 'the system refused to read it'}; {kind.advice}")


def _kind_of_file(mode: int) -> str:
    names = {stat.S_ISDIR: "a directory", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((name for is_one, name in names.items() if is_one(mode)), "a device")
