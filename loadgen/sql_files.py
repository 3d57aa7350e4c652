"""Read ``.sql`` files: statements in sections, each under a header line with its name.

::

    -- What this file is about.

    -- name: users_by_month
    -- Why it is needed, or what it returns.
    SELECT …

A section ends where the next header begins. Above the first header there are comments at most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, LiteralString

from loadgen.errors import UsageError

_BEGIN: Final = "-- name:"
_HEADER: Final = re.compile(r"-- name: (?P<name>[a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Section:
    """One section: the number of its header line, from 1, the match of that line, and the lines below it."""

    line: int
    header: re.Match[str]
    lines: list[str]


@dataclass(frozen=True, slots=True)
class SqlFile:
    """The statements of a package's own ``.sql`` file; it is read when the first of them is asked for.

    ``file["name"]`` is a statement with the comments below its header. Raises KeyError for a name that the file does
    not have, and UsageError as :func:`sections`.
    """

    package: str
    path: str

    def __getitem__(self, name: str) -> LiteralString:
        return _statements(self.package, self.path)[name]


def sections(
    text: str, file: str, header: re.Pattern[str] = _HEADER, form: str = "'-- name: NAME'"
) -> dict[str, Section]:
    """Split a file into its sections, by name: the group ``name`` of ``header``, which each header line must match.

    Raises UsageError that names ``file`` and line: for a file without sections, for text above the first, for a wrong
    header, which ``form`` describes, and for a name that is used twice.
    """
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(_BEGIN)]
    if not starts:
        raise UsageError(f"{file}: no statement found; each begins with {form}")
    for number, line in enumerate(lines[: starts[0]], 1):
        if line.strip() and not line.startswith("--"):
            raise UsageError(f"{file}:{number}: this is above the first header: write {form} above it")
    found: dict[str, Section] = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = header.fullmatch(lines[start].strip())
        if match is None:
            raise UsageError(f"{file}:{start + 1}: not a header: write {form}")
        if match["name"] in found:
            raise UsageError(f"{file}:{start + 1}: there is a statement {match['name']!r} already; rename one")
        found[match["name"]] = Section(start + 1, match, lines[start + 1 : end])
    return found


@cache
def _statements(package: str, path: str) -> dict[str, LiteralString]:
    text = files(package).joinpath(path).read_text("utf-8")
    return {name: "\n".join(section.lines).strip() for name, section in sections(text, path).items()}
