"""Encode rows in PostgreSQL's binary COPY format, a matrix of bytes at a time.

The format: a signature, then for each row the number of its fields and each field as its length and its bytes, at the
end −1. Integers are big-endian; dates and times count from 2000-01-01 UTC. (PostgreSQL manual, COPY, Binary Format.)

Fields lie side by side in one matrix with a row for each row of the table. Most texts are narrower than the widest, so
a mask marks the bytes that belong to the stream; solid JSON needs none. Texts of a choice, documents of very different
lengths, and those that are often NULL come last in each row and are appended one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from struct import Struct
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from capacity.arrays import Bools, Ints
from loadgen.population.columns import Choice, Column, Kind, Rows
from loadgen.population.text import Text, solid_lines

_STDIN: Final = sql.SQL("STDIN")
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no header extension
_END: Final = b"\xff\xff"
_LENGTH: Final = Struct(">i")
_FIELDS: Final = Struct(">h")
_NULL: Final = _LENGTH.pack(-1)
_JSONB_VERSION: Final = b"\x01"
_DAYS_TO_2000: Final = 10_957
_US_TO_2000: Final = _DAYS_TO_2000 * 86_400_000_000

# numeric with two decimals: up to three digits of base 10,000 before the point and one behind it. The server drops
# leading zeros.
_NUMERIC: Final = np.dtype(
    [("length", ">i4"), ("digits", ">i2"), ("weight", ">i2"), ("sign", ">i2"), ("scale", ">i2"), ("digit", ">i2", 4)]
)
MOST_CENTS: Final = 10**14 - 1


@dataclass(frozen=True, slots=True)
class _Field:
    """A field with its length prefix, ``width`` bytes at most."""

    width: int
    fill: Callable[[Text], Bools | None]
    """Writes the field of every row and returns a mask of the bytes that count; None if all do."""


def copy_statement(rows: Rows, source: sql.Composable = _STDIN) -> sql.Composed:
    """COPY statement for the output of :func:`encode`, by default from this connection."""
    return sql.SQL("COPY {} ({}) FROM {} (FORMAT binary)").format(
        sql.Identifier("public", rows.table),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in _in_order(rows)),
        source,
    )


def encode(rows: Rows) -> bytes:
    """Encode rows as one complete COPY stream."""
    columns = _in_order(rows)
    listed = [_listed(column) for column in columns if _is_listed(column)]
    fields = [_constant(_FIELDS.pack(len(columns)))]
    fields += [_FIELD[column.kind](column) for column in columns[: len(columns) - len(listed)]]
    joined, mask = _side_by_side(len(rows), fields)
    if not listed:
        return b"".join((_SIGNATURE, (joined.reshape(-1) if mask is None else joined[mask]).data, _END))
    return b"".join((_SIGNATURE, *_in_turn([_split(joined, mask), *chain.from_iterable(listed)]), _END))


def _in_turn(parts: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Interleave parts: the first of each, the second of each, …"""
    pieces = [b""] * sum(map(len, parts))
    for number, part in enumerate(parts):
        pieces[number :: len(parts)] = part
    return pieces


def _is_listed(column: Column) -> bool:
    return not isinstance(column.values, np.ndarray) or (column.solid and column.present is not None)


def _in_order(rows: Rows) -> list[Column]:
    """Columns in the order of the stream."""
    return sorted(rows.columns, key=_is_listed)


def _side_by_side(rows: int, fields: Sequence[_Field]) -> tuple[Text, Bools | None]:
    joined = np.empty((rows, sum(field.width for field in fields)), np.uint8)
    mask: Bools | None = None
    at = 0
    for field in fields:
        columns = slice(at, at + field.width)
        counting = field.fill(joined[:, columns])
        if counting is not None:
            if mask is None:
                mask = np.ones(joined.shape, np.bool_)
            mask[:, columns] = counting
        at = columns.stop
    return joined, mask


def _split(values: Text, mask: Bools | None) -> list[bytes]:
    """Split a matrix into its rows, without the bytes that do not count."""
    if mask is None:
        return solid_lines(values)
    ends = np.cumsum(_counts(mask)).tolist()
    flat = values[mask].tobytes()
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _counts(mask: Bools) -> Ints:
    """Number of true values in each row; NumPy's count_nonzero along an axis takes twice as long."""
    return np.asarray(mask.view(np.uint8).sum(axis=1, dtype=np.uint32), np.int64)


def _constant(value: bytes) -> _Field:
    def fill(out: Text) -> None:
        out[:] = np.frombuffer(value, np.uint8)

    return _Field(len(value), fill)


def _structured(fields: NDArray[np.void]) -> _Field:
    def fill(out: Text) -> None:
        out[:] = fields.view(np.uint8).reshape(out.shape)

    return _Field(fields.dtype.itemsize, fill)


def _fixed(type_code: str, values: Ints) -> _Field:
    fields = np.empty(len(values), np.dtype([("length", ">i4"), ("value", type_code)]))
    fields["length"] = fields.dtype["value"].itemsize
    fields["value"] = values
    return _structured(fields)


def _bigint(column: Column) -> _Field:
    return _fixed(">i8", cast(Ints, column.values))


def _timestamptz(column: Column) -> _Field:
    return _fixed(">i8", cast(Ints, column.values) - _US_TO_2000)


def _date(column: Column) -> _Field:
    return _fixed(">i4", cast(Ints, column.values) - _DAYS_TO_2000)


def _cents(column: Column) -> _Field:
    cents = cast(Ints, column.values)
    if len(cents) and not 0 <= int(cents.min()) <= int(cents.max()) <= MOST_CENTS:
        raise ValueError(f"column {column.name} holds an amount that its numeric field cannot")
    dollars = cents // 100
    fields = np.zeros(len(cents), _NUMERIC)
    fields["length"] = _NUMERIC.itemsize - _LENGTH.size
    fields["digits"] = 4
    fields["weight"] = 2
    fields["scale"] = 2
    fields["digit"] = np.column_stack([dollars // 10**8, dollars // 10**4 % 10**4, dollars % 10**4, cents % 100 * 100])
    return _structured(fields)


def _text(column: Column) -> _Field:
    return _with_length(column, b"")


def _jsonb(column: Column) -> _Field:
    return _solid(cast(Text, column.values)) if column.solid else _with_length(column, _JSONB_VERSION)


def _solid(text: Text) -> _Field:
    """A JSON field of the same length in every row."""
    start = _LENGTH.pack(len(_JSONB_VERSION) + text.shape[1]) + _JSONB_VERSION

    def fill(out: Text) -> None:
        out[:, : len(start)] = np.frombuffer(start, np.uint8)
        out[:, len(start) :] = text

    return _Field(len(start) + text.shape[1], fill)


def _with_length(column: Column, before: bytes) -> _Field:
    """A field of length, ``before`` and text; NULL is the length −1 alone."""
    text = cast(Text, column.values)
    rows, start = len(text), _LENGTH.size + len(before)

    def fill(out: Text) -> Bools:
        counting = np.ones(out.shape, np.bool_)
        counting[:, start:] = text != 0
        lengths = _counts(counting) - _LENGTH.size
        if column.present is not None:
            counting[~column.present, _LENGTH.size :] = False
            lengths[~column.present] = -1
        out[:, : _LENGTH.size] = lengths.astype(">i4").view(np.uint8).reshape(rows, _LENGTH.size)
        out[:, _LENGTH.size : start] = np.frombuffer(before, np.uint8)
        out[:, start:] = text
        return counting

    return _Field(start + text.shape[1], fill)


def _listed(column: Column) -> Sequence[Sequence[bytes]]:
    """Fields of a column one by one; each is the concatenation of its items in the returned sequences."""
    if isinstance(column.values, Choice):
        fields = _fields_of(column.values.entries)
        return (list(map(fields.__getitem__, column.values.index.tolist())),)
    before = _JSONB_VERSION if column.kind is Kind.JSONB else b""
    heads, values = [_NULL] * len(column), [b""] * len(column)
    if isinstance(column.values, np.ndarray):
        assert column.present is not None, "a matrix of values that are all there is no list"
        texts = solid_lines(column.values[column.present].astype(np.uint8, copy=False))
        head = _LENGTH.pack(column.values.shape[1] + len(before)) + before
        for place, value in zip(np.flatnonzero(column.present).tolist(), texts, strict=True):
            heads[place], values[place] = head, value
        return heads, values
    for place, document in enumerate(column.values):
        if document is not None:
            heads[place], values[place] = _LENGTH.pack(len(document) + len(before)) + before, document
    return heads, values


@cache
def _fields_of(texts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Each text as a field, then NULL, which is index −1 of a choice."""
    return (*(_LENGTH.pack(len(text)) + text for text in texts), _NULL)


_FIELD: Final[dict[Kind, Callable[[Column], _Field]]] = {
    Kind.BIGINT: _bigint,
    Kind.TEXT: _text,
    Kind.JSONB: _jsonb,
    Kind.TIMESTAMPTZ: _timestamptz,
    Kind.DATE: _date,
    Kind.CENTS: _cents,
}
