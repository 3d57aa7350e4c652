"""A scenario's statements: one ``.sql`` file beside it, each statement under a typed header.

A header is a block of comment lines::

    -- name: open_goals (read, rows 0..)
    -- $1 user_id bigint = active_user
    SELECT …

``read`` or ``write``; ``rows`` is how many rows a call may return or change (``1``, ``0..1``, ``0..``). A parameter's
draw names what fills it: ``active_user`` (the user of this transaction, by activity rank), a function that the
scenario declares with ``@draw``, or such a function applied to the first row of an earlier statement:
``simulate(inputs)``. Each statement ends where the next header begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from loadgen.engine.wire import TYPES
from loadgen.errors import UsageError
from loadgen.runs.format.scenario import ParameterDescription, StatementDescription
from loadgen.sql_files import Section, sections
from loadgen.user_files import MIB, FileKind, read_text

FILE: Final = FileKind("statements", "a scenario's are in a .sql file beside it", MIB)
"""Files of statements and their largest size; assumption: a hundred times the longest that is shipped."""

_HEADER: Final = re.compile(
    r"--\s*name:\s*(?P<name>\w+)\s*\((?P<kind>read|write),\s*rows\s+(?P<least>\d+)(?P<most>\.\.\d*)?\)"
)
_FORM: Final = "'-- name: NAME (read, rows 0..)' or (write, rows 1)"
_PARAMETER: Final = re.compile(
    r"^--\s*\$(?P<n>\d+)\s+(?P<name>\w+)\s+(?P<type>[a-z ]+?)\s*=\s*(?P<draw>\w+)(?:\((?P<of>\w+)\))?$"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$n``: its type, the draw that fills it, and the earlier statement whose first row the draw reads."""

    name: str
    type: str
    draw: str
    of: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement as prepared. ``most_rows`` is None for any number. Compared by identity, for sessions' look-ups."""

    name: str
    sql: str
    writes: bool
    parameters: tuple[Parameter, ...]
    least_rows: int
    most_rows: int | None

    def describe(self) -> StatementDescription:
        """Describe the statement for ``loadgen.scenario/1``."""
        parameters = tuple(
            ParameterDescription(p.name, p.type, f"{p.draw}({p.of})" if p.of else p.draw) for p in self.parameters
        )
        return StatementDescription(self.name, self.sql, self.writes, parameters, (self.least_rows, self.most_rows))


def load(path: Path) -> dict[str, Statement]:
    """Read a file of statements, by name. Raises UsageError naming file and line."""
    found = sections(read_text(path, FILE), str(path), _HEADER, _FORM)
    return {name: _parse(path, section) for name, section in found.items()}


@cache
def own_statements() -> dict[str, Statement]:
    """Statements that the engine sends beside a scenario's: ``identify``, and the positions that routing compares."""
    return load(Path(__file__).with_name("own.sql"))


def _parse(path: Path, section: Section) -> Statement:
    start, head = section.line, section.header
    parameters: list[Parameter] = []
    for line in section.lines:
        if not line.startswith("-- $"):
            break
        place = start + len(parameters) + 1
        match = _PARAMETER.match(line.strip())
        if not match or int(match["n"]) != len(parameters) + 1:
            expected = f"'-- ${len(parameters) + 1} NAME TYPE = DRAW'"
            raise UsageError(f"{path}:{place}: expected {expected}, found {line.strip()!r}")
        if match["type"] not in TYPES:
            known = ", ".join(TYPES)
            raise UsageError(f"{path}:{place}: unknown parameter type {match['type']!r}; known are {known}")
        parameters.append(Parameter(match["name"], match["type"], match["draw"], match["of"]))
    sql = "\n".join(line for line in section.lines if not line.startswith("--")).strip().rstrip(";")
    used = {int(n) for n in re.findall(r"\$(\d+)", sql)}
    if used != set(range(1, len(parameters) + 1)):
        raise UsageError(f"{path}:{start}: {head['name']} uses ${sorted(used)} but declares {len(parameters)}")
    least, span = int(head["least"]), head["most"]
    most = least if span is None else (int(span[2:]) if span[2:] else None)
    return Statement(head["name"], sql, head["kind"] == "write", tuple(parameters), least, most)
