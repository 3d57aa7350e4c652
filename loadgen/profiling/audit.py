"""Audit of a profile before it is written: check that it may hold every string in it."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

import orjson

from loadgen.errors import EnvironmentFault
from loadgen.profiling import names
from loadgen.profiling.format import PROFILE_FORMAT, NoteCode
from loadgen.profiling.lexer import VERBS, normalise

_WORDS: Final = frozenset(
    {"", PROFILE_FORMAT, *names.COLUMNS, *names.QUALIFIED, *names.TYPES, *names.METHODS, *names.SETTINGS, *VERBS}
    | names.SETTING_WORDS
    | {column for columns in names.COLUMNS.values() for column in columns}
    | set(get_args(NoteCode))
)
_PATTERNS: Final = (
    re.compile(r"(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?"),  # a month; the day of the profile
    re.compile(r"-?\d{1,20}(?:\.\d{1,6})?(?:B|kB|MB|ms|s|min)?"),  # a setting
)
_KEY: Final = re.compile(r"[a-z_]{1,40}")


def audit(document: str) -> str:
    """Return the document if it may hold all of its strings; else raise EnvironmentFault with the place of one."""
    _check(orjson.loads(document), "")
    return document


def _check(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _KEY.fullmatch(key):
                _refuse(where)
            _check(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            _check(inner, f"{where}.{place}")
    elif isinstance(value, str) and not _allowed(value, is_statement=where.endswith(".text")):
        _refuse(where)


def _allowed(value: str, *, is_statement: bool) -> bool:
    if is_statement:
        written = normalise(value)
        return written is not None and written.text == value
    return value in _WORDS or any(pattern.fullmatch(value) for pattern in _PATTERNS)


def _refuse(where: str) -> None:
    raise EnvironmentFault(
        f"the profile holds a string at {where.lstrip('.') or 'its top'} that is not on the list of what it may print; "
        "nothing was written; please report this as a bug"
    )
