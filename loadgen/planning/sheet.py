"""CSV files as people give them: every row with its line, so that an error can name it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from capacity.formatting import counted
from loadgen.errors import UsageError
from loadgen.user_files import FileKind, read_text

ASSUMED: Final = re.compile(r"#\s*assumption\b", re.IGNORECASE)
"""Beginning of a comment above the header that marks the file's values as assumptions."""
MISSING: Final = frozenset(("", "na", "n/a", "nan", "null", "none"))
"""Texts of a missing value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of a CSV file, for its error messages."""

    what: str
    example: str
    """Example of a header."""
    each: str
    """Noun for what a row is about."""
    most_rows: int
    most_bytes: int
    shorter: str
    """Advice for a file with more rows."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Contents of a CSV file: the header in lower case, the lines above and below it."""

    header: tuple[str, ...]
    where: str
    """File and line number of the header."""
    comments: tuple[str, ...]
    """Lines above the header."""
    lines: tuple[tuple[str, str], ...]
    """Rows, as file and line number, and text."""

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Iterate over rows: file and line number, and cells. Raises UsageError for a row of another length."""
        for where, line in self.lines:
            cells = _cells(line, where)
            if len(cells) != len(self.header):
                raise UsageError(
                    f"{where}: {counted(len(cells), 'value')} for {counted(len(self.header), 'column')}; write one "
                    "value per column, with a decimal point"
                )
            yield where, cells


def read_sheet(path: Path, kind: Kind) -> Sheet:
    """Read a CSV file with a header, without blank lines and ``#`` lines. Raises UsageError if it cannot be read."""
    text = read_text(path, FileKind(kind.what, "give a CSV file", kind.most_bytes))
    above: list[str] = []
    header: tuple[int, str] | None = None
    rows: list[tuple[str, str]] = []
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if header is None and (line.startswith("#") or not line.strip()):
            above.append(line)
        elif header is None:
            header = (number, line)
        elif line.strip() and not line.startswith("#"):
            rows.append((f"{path}: line {number}", line.rstrip("\n")))
            if len(rows) > kind.most_rows:
                raise UsageError(f"{path}: more than {kind.most_rows:,} rows; {kind.shorter}")
    if header is None:
        raise UsageError(f"{path}: no rows; write a header {kind.example} and one row per {kind.each}")
    where = f"{path}: line {header[0]}"
    for separator, separators in ((";", "semicolons"), ("\t", "tabs")):
        if separator in header[1] and "," not in header[1]:
            raise UsageError(f"{where}: columns are separated by {separators}; write commas, such as {kind.example}")
    names = tuple(name.lower() for name in _cells(header[1].rstrip("\n"), where))
    return Sheet(names, where, tuple(above), tuple(rows))


def _cells(line: str, where: str) -> list[str]:
    if '"' not in line:  # a tenth of the time of a reader for each line
        return [cell.strip() for cell in line.split(",")]
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True))]
    except csv.Error as error:
        raise UsageError(f"{where}: not CSV ({error}); correct the row") from error
