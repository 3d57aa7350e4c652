"""pgbench's syntax: constants without variables, statements with parameters, choices without loops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from loadgen.runs.format.scenario import StatementDescription

_VARIABLE = re.compile(r"(?<!:):[A-Za-z_\u0080-\U0010ffff]\w*")
_DOLLAR = re.compile(r"'(?:[^']|'')*'|\$(\d+)")

T = TypeVar("T")


def taken_for_variable(sql: str) -> str | None:
    """The first text of a statement that pgbench would take for a variable, even in string constants; else None."""
    match = _VARIABLE.search(sql)
    return match[0] if match else None


def constant(text: str | None) -> str:
    """An SQL constant without a colon, after which pgbench would see a variable."""
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{escaped}'" if "\\" in escaped else f"'{escaped}'"


def with_parameters(statement: StatementDescription, values: Mapping[int, str]) -> str:
    """The statement with ``values`` in place of its $n, cast to their types, since pgbench's parameters have none."""

    def fill(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0]
        n = int(match[1])
        return f"{values[n]}::{statement.parameters[n - 1].type}"

    return _DOLLAR.sub(fill, statement.sql)


def ended(sql: str) -> str:
    """The statement with a semicolon, on a line of its own after a comment."""
    return f"{sql}\n;" if "--" in sql.splitlines()[-1] else f"{sql};"


def choose(options: Sequence[tuple[int, T]], write: Callable[[T], Iterable[str]]) -> Iterator[str]:
    """Nested ``\\if`` that choose by bisection: each option counts for ``variant`` up to its number."""
    if len(options) == 1:
        yield from write(options[0][1])
        return
    half = len(options) // 2
    yield f"\\if :variant <= {options[half - 1][0]}"
    yield from choose(options[:half], write)
    yield "\\else"
    yield from choose(options[half:], write)
    yield "\\endif"


def choice(variable: str, values: Sequence[int], first: int) -> str:
    """Expression for the value at index ``variable``, first … first + n − 1, by bisection."""
    if len(values) == 1:
        return str(values[0])
    half = len(values) // 2
    low, high = choice(variable, values[:half], first), choice(variable, values[half:], first + half)
    return f"CASE WHEN :{variable} < {first + half} THEN {low} ELSE {high} END"
