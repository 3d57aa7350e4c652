"""Anonymise a statement's text: read it token by token, and write it again from a fixed vocabulary.

pg_stat_statements replaces constants by ``$n``, but not everywhere and not in every version. So none of its text is
copied: each token is either a word of :mod:`loadgen.profiling.names` and is written as that word, or it becomes a
placeholder: literals and parameters become ``$1``, ``$2``, …, unknown identifiers, quoted or not, ``x1``, ``x2``, …, in
the order of their first appearance. Comments are dropped. Even a misread text cannot reveal more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from loadgen.profiling.names import FUNCTIONS, KEYWORDS, NAMES, OPERATORS

LONGEST_TEXT: Final = 200_000
LONGEST_RESULT: Final = 4_000
VERBS: Final = ("select", "insert", "update", "delete", "merge", "with")
"""First words of statements that are kept. All others are utilities, whose constants are not replaced."""

_WORD = r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*"
_TOKEN = re.compile(
    rf"""
      (?P<blank>   [ \t\n\r\f\v]+ | --[^\n\r]* )
    | (?P<comment> /\* )
    | (?P<dollar>  \$ (?: [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]* )? \$ )
    | (?P<parameter> \$[0-9]+ )
    | (?P<string>  (?: [eEbBxXnN] | [uU]& )? ' (?: [^'\\] | '' )* ' )
    | (?P<quoted>  " (?: [^"] | "" )+ " )
    | (?P<number>  (?: [0-9] | \.[0-9] ) [0-9A-Za-z_.]* )
    | (?P<word>    {_WORD} )
    | (?P<operator> (?: (?! -- | /\* ) [-+*/<>=~!@\#%^&|`?] )+ | := | => )
    | (?P<mark>    :: | [()\[\],;.:] )
    """,
    re.VERBOSE,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_MAY_END_IN_SIGN = frozenset("~!@#%^&|`?")


class Kind(Enum):
    """Kind of a token, which decides how it is written."""

    KEYWORD = auto()
    NAME = auto()
    FUNCTION = auto()
    UNKNOWN = auto()
    VALUE = auto()
    OPERATOR = auto()
    MARK = auto()


class Token(NamedTuple):
    """A token. ``key`` is its text, or for a placeholder the identity that equal ones share."""

    kind: Kind
    key: str


class _Unreadable(Exception):
    pass


class Normalised(NamedTuple):
    """An anonymised statement, which may be shown."""

    text: str
    verb: str
    writes: bool
    names: frozenset[str]
    """Names of the application's schema in the statement."""


def normalise(text: str) -> Normalised | None:
    """Anonymise a statement; None if it is no query, or cannot be read with certainty."""
    if len(text) > LONGEST_TEXT:
        return None
    try:
        tokens = _without_lists(list(_tokens(text)))
    except _Unreadable:
        return None
    while tokens and tokens[-1] == Token(Kind.MARK, ";"):
        tokens.pop()
    verb = next((t.key for t in tokens if t.key != "("), "")
    first = next((t.kind for t in tokens if t.key != "("), None)
    if first is not Kind.KEYWORD or verb not in VERBS or Token(Kind.MARK, ";") in tokens:
        return None
    written = _write(tokens)
    if len(written) > LONGEST_RESULT:
        return None
    names = frozenset(t.key for t in tokens if t.kind is Kind.NAME)
    return Normalised(written, verb, _writes(tokens), names)


def _tokens(text: str) -> Iterator[Token]:
    """Tokens by the rules of PostgreSQL's scanner. Raises _Unreadable where they depend on settings."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Unreadable
        kind, word, at = str(match.lastgroup), match.group(), match.end()
        if kind == "comment":
            at = _end_of_comment(text, at)
        elif kind == "dollar":
            end = text.find(word, at)
            if end < 0:
                raise _Unreadable
            at = end + len(word)
            yield Token(Kind.VALUE, f"literal at {at}")
        elif kind == "parameter":
            yield Token(Kind.VALUE, word)
        elif kind in ("string", "number"):
            yield Token(Kind.VALUE, f"literal at {at}")
        elif kind == "quoted":
            name = word[1:-1]
            yield Token(Kind.NAME, name) if name in NAMES else Token(Kind.UNKNOWN, f'"{name}')
        elif kind == "word":
            yield _word(word.lower())
        elif kind == "operator":
            word = _operator(word)
            at = match.start() + len(word)
            yield Token(Kind.OPERATOR, word)
        elif kind == "mark":
            yield Token(Kind.MARK, word)


def _end_of_comment(text: str, at: int) -> int:
    """End of a comment that has begun; comments nest."""
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, at)
        if edge is None:
            raise _Unreadable
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
    return at


def _word(word: str) -> Token:
    if word in NAMES:
        return Token(Kind.NAME, word)
    if word in KEYWORDS:
        return Token(Kind.KEYWORD, word)
    return Token(Kind.FUNCTION if word in FUNCTIONS else Kind.UNKNOWN, word)


def _operator(run: str) -> str:
    """The operator that a run of characters begins with: only some may end in a sign, so ``=-1`` is two tokens."""
    while len(run) > 1 and run[-1] in "+-" and not _MAY_END_IN_SIGN & set(run):
        run = run[:-1]
    if run not in OPERATORS:
        raise _Unreadable
    return run


def _without_lists(tokens: list[Token]) -> list[Token]:
    """Shorten ``IN ($1, $2, $3)`` to ``IN ($1)``, so that the length of a list does not distinguish statements."""
    result: list[Token] = []
    for token in tokens:
        if token.kind is Kind.VALUE and [t.key for t in result[-4:]][:2] == ["in", "("] and result[-1].key == ",":
            result.pop()
        else:
            result.append(token)
    return result


def _writes(tokens: list[Token]) -> bool:
    """Return whether the statement changes rows; FOR UPDATE and FOR NO KEY UPDATE only lock them."""
    words = [t.key if t.kind is Kind.KEYWORD else "" for t in tokens]
    before = ["", *words]
    return any(
        word in ("insert", "delete", "merge") or (word == "update" and last not in ("for", "key"))
        for word, last in zip(words, before, strict=False)
    )


def _write(tokens: list[Token]) -> str:
    """Write tokens in one line, with placeholders numbered by first appearance."""
    numbers: dict[Kind, dict[str, int]] = {Kind.VALUE: {}, Kind.UNKNOWN: {}}
    parts: list[str] = []
    last: Token | None = None
    for token in tokens:
        if token.kind in numbers:
            placeholders = numbers[token.kind]
            number = placeholders.setdefault(token.key, len(placeholders) + 1)
            word = f"${number}" if token.kind is Kind.VALUE else f"x{number}"
        else:
            word = token.key.upper() if token.kind is Kind.KEYWORD else token.key
        if last is not None and not _joined(last, token):
            parts.append(" ")
        parts.append(word)
        last = token
    return "".join(parts)


def _joined(left: Token, right: Token) -> bool:
    if left.kind is Kind.MARK and left.key in "([.::":
        return True
    if right.kind is Kind.MARK and right.key in ")],.;::[":
        return True
    return right.key == "(" and left.kind in (Kind.NAME, Kind.FUNCTION, Kind.UNKNOWN)
