"""Columns in the conditions of a scenario's statements, which decide whether partitions can be pruned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from capacity.measurements import StatementUse
from loadgen.runs.format.scenario import ScenarioDescription, StatementDescription

_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+(?:ONLY\s+)?(?:public\.)?([a-z_]+)", re.IGNORECASE)
_WHERE = re.compile(r"\bWHERE\b(.*?)(?=\b(?:ORDER|GROUP|LIMIT|RETURNING|FOR|HAVING|WINDOW)\b|\Z)", re.IGNORECASE | re.S)
_ON = re.compile(
    r"\bON\s+(?!CONFLICT\b)(.*?)(?=\b(?:WHERE|ORDER|GROUP|LIMIT|JOIN|LEFT|INNER)\b|\Z)", re.IGNORECASE | re.S
)
_COMPARED = re.compile(r"\b(?:[a-z_]+\.)?([a-z_]+)\s*(?:=|<=|>=|<|>|\bIN\b|\bBETWEEN\b)", re.IGNORECASE)
_COMPARED_RIGHT = re.compile(r"(?:=|<=|>=|<|>)\s*(?:[a-z_]+\.)?([a-z_]+)\b(?!\s*\()", re.IGNORECASE)
_STRINGS = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_INSERT: Final = re.compile(r"\s*INSERT\b", re.IGNORECASE)


def statement_uses(scenario: ScenarioDescription) -> tuple[StatementUse, ...]:
    """Return a use for each table of each statement, without plain INSERTs, which always go to one partition.

    The text is searched by keywords, not parsed: a comparison anywhere in WHERE or ON counts for all its tables.
    """
    return tuple(use for statement in scenario.statements for use in _uses(scenario.name, statement))


def _uses(scenario: str, statement: StatementDescription) -> Iterator[StatementUse]:
    text = _STRINGS.sub(" ", statement.sql)
    if _INSERT.match(text) and not re.search(r"\bSELECT\b", text, re.IGNORECASE):
        return
    conditions = " ".join(found for pattern in (_WHERE, _ON) for found in pattern.findall(text))
    columns = {name.lower() for pattern in (_COMPARED, _COMPARED_RIGHT) for name in pattern.findall(conditions)}
    for table in dict.fromkeys(name.lower() for name in _TABLE.findall(text)):
        yield StatementUse(f"{scenario}.{statement.name}", table, tuple(sorted(columns)))
