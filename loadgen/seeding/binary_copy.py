"""Rows to PostgreSQL's binary COPY format, a column at a time.

The format: a signature, then for each row the number of its fields and each field as its length and its bytes, at the
end −1. Integers are big-endian; dates and times count from 2000-01-01 UTC. (PostgreSQL manual, COPY, Binary Format.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from struct import Struct
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from loadgen.population.columns import Column, Kind, Rows
from loadgen.population.streams import Ints

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


def copy_statement(rows: Rows) -> sql.Composed:
    """The COPY that takes what :func:`encode` makes of these rows."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier("public", rows.table), sql.SQL(", ").join(sql.Identifier(column.name) for column in rows.columns)
    )


def encode(rows: Rows) -> bytes:
    """One whole COPY stream."""
    row_start = repeat(_FIELDS.pack(len(rows.columns)), len(rows))
    fields = zip(row_start, *(_FIELD_BYTES[column.kind](column) for column in rows.columns), strict=True)
    return b"".join(chain((_SIGNATURE,), chain.from_iterable(fields), (_END,)))


def _slices(values: NDArray[np.void]) -> list[bytes]:
    """The bytes of each item of a structured array."""
    width, data = values.dtype.itemsize, values.tobytes()
    return [data[at : at + width] for at in range(0, len(data), width)]


def _fixed(type_code: str, values: Ints) -> list[bytes]:
    fields = np.empty(len(values), np.dtype([("length", ">i4"), ("value", type_code)]))
    fields["length"] = fields.dtype["value"].itemsize
    fields["value"] = values
    return _slices(fields)


def _bigint(column: Column) -> list[bytes]:
    return _fixed(">i8", cast(Ints, column.values))


def _timestamptz(column: Column) -> list[bytes]:
    return _fixed(">i8", cast(Ints, column.values) - _US_TO_2000)


def _date(column: Column) -> list[bytes]:
    return _fixed(">i4", cast(Ints, column.values) - _DAYS_TO_2000)


def _cents(column: Column) -> list[bytes]:
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
    return _slices(fields)


def _text(column: Column) -> list[bytes]:
    values = cast("Sequence[str | None]", column.values)
    return _prefixed([None if value is None else value.encode() for value in values])


def _ascii(column: Column) -> list[bytes]:
    return _prefixed(cast("Sequence[bytes | None]", column.values))


def _jsonb(column: Column) -> list[bytes]:
    pack, extra = _LENGTH.pack, len(_JSONB_VERSION)
    return [
        _NULL if value is None else pack(len(value) + extra) + _JSONB_VERSION + value
        for value in cast("Sequence[bytes | None]", column.values)
    ]


def _prefixed(values: Sequence[bytes | None]) -> list[bytes]:
    pack = _LENGTH.pack
    return [_NULL if value is None else pack(len(value)) + value for value in values]


_FIELD_BYTES: Final[dict[Kind, Callable[[Column], list[bytes]]]] = {
    Kind.BIGINT: _bigint,
    Kind.TEXT: _text,
    Kind.ASCII: _ascii,
    Kind.JSONB: _jsonb,
    Kind.TIMESTAMPTZ: _timestamptz,
    Kind.DATE: _date,
    Kind.CENTS: _cents,
}
