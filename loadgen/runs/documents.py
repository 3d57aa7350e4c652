"""Documents on disk: frozen dataclasses to JSON and back, checked field by field, written whole or not at all."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from loadgen import interrupts, partials
from loadgen.errors import EnvironmentFault, UsageError
from loadgen.user_files import RECORD, FileKind, read_bytes

T = TypeVar("T")


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Build and cache the adapter of a type, which takes longer than reading a document."""
    return TypeAdapter(kind)


def dump(value: object) -> str:
    """Write a frozen dataclass as a JSON document; an interval without an upper bound has the string "Infinity"."""
    return _adapter(cast("Any", type(value))).dump_json(value, indent=2).decode() + "\n"


def parse(kind: type[T], text: str | bytes, source: str) -> T:
    """Read a document of ``kind``. Raises UsageError that names ``source`` and the first field that is wrong."""
    try:
        return cast("T", _adapter(cast("Any", kind)).validate_json(text))
    except ValidationError as error:
        raise UsageError(f"{source}: {first_mistake(error)}; check that this tool wrote the file") from error


def first_mistake(error: ValidationError) -> str:
    """Name the first wrong field and its error."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{where}: {first['msg']}"


def read(kind: type[T], path: Path, file: FileKind = RECORD) -> T:
    """Read a document of ``kind`` from a file. Raises UsageError like :func:`parse`, and for an unreadable file."""
    return parse(kind, read_bytes(path, file), str(path))


def write_atomically(path: Path, text: str) -> None:
    """Write beside the target, then rename over it: a reader sees the old file or the whole new one.

    Raises UsageError for an existing path that is no file, such as /dev/null, which the rename would replace.
    """
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it is not a file; give the name of a file")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; give another name") from error
    try:
        with interrupts.deferred(), partials.replacing(path) as partial:
            partial.write_text(text, "utf-8")
    except OSError as error:
        raise EnvironmentFault(f"cannot write {path}: {error.strerror}; free space, or choose another place") from error
