"""Rows to PostgreSQL's binary COPY format, a matrix of bytes at a time.

The format: a signature, then for each row the number of its fields and each field as its length and its bytes, at the
end −1. Integers are big-endian; dates and times count from 2000-01-01 UTC. (PostgreSQL manual, COPY, Binary Format.)

Fields lie side by side in one matrix, a row of it a row of the table, beside a mask of the bytes that count: text is
narrower in most rows than in the widest. What the mask keeps is the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from struct import Struct
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from loadgen.population.columns import Column, Kind, Rows
from loadgen.population.streams import Bools, Ints
from loadgen.population.text import Text

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

Field = tuple[Text, Bools | None]
"""Bytes of a field in every row, its length before them, and which of them count; None: all do."""


def copy_statement(rows: Rows) -> sql.Composed:
    """The COPY that takes what :func:`encode` makes of these rows."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier("public", rows.table),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in _in_order(rows)),
    )


def encode(rows: Rows) -> bytes:
    """One whole COPY stream."""
    columns = _in_order(rows)
    count = np.frombuffer(_FIELDS.pack(len(columns)), np.uint8)
    matrices = [column for column in columns if isinstance(column.values, np.ndarray)]
    fields: list[Field] = [(np.broadcast_to(count, (len(rows), len(count))), None)]
    fields += [_FIELD[column.kind](column) for column in matrices]
    beginnings, mask = _side_by_side(len(rows), fields)
    listed = [_listed(column) for column in columns[len(matrices) :]]
    if not listed:
        return b"".join((_SIGNATURE, beginnings[mask].tobytes(), _END))
    pieces = zip(_split(beginnings, mask), *listed, strict=True)
    return b"".join(chain((_SIGNATURE,), chain.from_iterable(pieces), (_END,)))


def _in_order(rows: Rows) -> list[Column]:
    """Columns as they are sent: those that are lists come last."""
    return sorted(rows.columns, key=lambda column: not isinstance(column.values, np.ndarray))


def _side_by_side(rows: int, fields: Sequence[Field]) -> tuple[Text, Bools]:
    width = sum(values.shape[1] for values, _ in fields)
    joined, mask = np.empty((rows, width), np.uint8), np.ones((rows, width), np.bool_)
    at = 0
    for values, counting in fields:
        there = slice(at, at + values.shape[1])
        joined[:, there] = values
        if counting is not None:
            mask[:, there] = counting
        at = there.stop
    return joined, mask


def _split(values: Text, mask: Bools) -> list[bytes]:
    ends = np.cumsum(_counts(mask)).tolist()
    flat = values[mask].tobytes()
    return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _counts(mask: Bools) -> Ints:
    """True values by row; NumPy's count_nonzero along an axis takes twice as long."""
    return np.asarray(mask.view(np.uint8).sum(axis=1, dtype=np.uint32), np.int64)


def _fixed(type_code: str, values: Ints) -> Field:
    fields = np.empty(len(values), np.dtype([("length", ">i4"), ("value", type_code)]))
    fields["length"] = fields.dtype["value"].itemsize
    fields["value"] = values
    return _bytes_of(fields), None


def _bytes_of(fields: NDArray[np.void]) -> Text:
    return fields.view(np.uint8).reshape(len(fields), fields.dtype.itemsize)


def _bigint(column: Column) -> Field:
    return _fixed(">i8", cast(Ints, column.values))


def _timestamptz(column: Column) -> Field:
    return _fixed(">i8", cast(Ints, column.values) - _US_TO_2000)


def _date(column: Column) -> Field:
    return _fixed(">i4", cast(Ints, column.values) - _DAYS_TO_2000)


def _cents(column: Column) -> Field:
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
    return _bytes_of(fields), None


def _text(column: Column) -> Field:
    return _with_length(column, b"")


def _jsonb(column: Column) -> Field:
    return _with_length(column, _JSONB_VERSION)


def _with_length(column: Column, before: bytes) -> Field:
    """Length, what comes before each text, and the text; a NULL is a length of −1 and nothing else."""
    text = cast(Text, column.values)
    rows, start = len(text), _LENGTH.size + len(before)
    values = np.empty((rows, start + text.shape[1]), np.uint8)
    counting = np.ones(values.shape, np.bool_)
    counting[:, start:] = text != 0
    lengths = _counts(counting) - _LENGTH.size
    if column.present is not None:
        counting[~column.present, _LENGTH.size :] = False
        lengths[~column.present] = -1
    values[:, : _LENGTH.size] = lengths.astype(">i4").view(np.uint8).reshape(rows, _LENGTH.size)
    values[:, _LENGTH.size : start] = np.frombuffer(before, np.uint8)
    values[:, start:] = text
    return values, counting


def _listed(column: Column) -> list[bytes]:
    """Fields of a column that is a list."""
    before = _JSONB_VERSION if column.kind is Kind.JSONB else b""
    pack, extra = _LENGTH.pack, len(before)
    return [
        _NULL if value is None else pack(len(value) + extra) + before + value
        for value in cast("Sequence[bytes | None]", column.values)
    ]


_FIELD: Final[dict[Kind, Callable[[Column], Field]]] = {
    Kind.BIGINT: _bigint,
    Kind.TEXT: _text,
    Kind.JSONB: _jsonb,
    Kind.TIMESTAMPTZ: _timestamptz,
    Kind.DATE: _date,
    Kind.CENTS: _cents,
}
