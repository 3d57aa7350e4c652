"""Binary format of PostgreSQL: encoders of parameters, and decoders of the few result types that draws read."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Value = int | float | bool | str | bytes | None

_INT2: Final = struct.Struct("!h")
_INT4: Final = struct.Struct("!i")
_INT8: Final = struct.Struct("!q")
_FLOAT4: Final = struct.Struct("!f")
_FLOAT8: Final = struct.Struct("!d")


@dataclass(frozen=True, slots=True)
class WireType:
    """A parameter type: its OID and its encoder from Python values."""

    oid: int
    encode: Callable[..., bytes]


def _text(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _jsonb(value: str | bytes) -> bytes:
    return b"\x01" + _text(value)  # 1 is the only version of jsonb's binary format


TYPES: Final[dict[str, WireType]] = {
    "bigint": WireType(20, _INT8.pack),
    "integer": WireType(23, _INT4.pack),
    "boolean": WireType(16, lambda value: b"\x01" if value else b"\x00"),
    "double precision": WireType(701, _FLOAT8.pack),
    "text": WireType(25, _text),
    "jsonb": WireType(3802, _jsonb),
}
"""Types that a statement's header may name. Each has one OID, so the same SQL is never prepared twice."""

DECODERS: Final[dict[int, Callable[[bytes], Value]]] = {
    16: lambda raw: raw == b"\x01",
    20: lambda raw: _INT8.unpack(raw)[0],
    21: lambda raw: _INT2.unpack(raw)[0],
    23: lambda raw: _INT4.unpack(raw)[0],
    25: lambda raw: raw.decode(),
    700: lambda raw: _FLOAT4.unpack(raw)[0],
    701: lambda raw: _FLOAT8.unpack(raw)[0],
    1043: lambda raw: raw.decode(),
    3802: lambda raw: raw[1:],
}
"""Decoders of result types by OID; a statement has to cast others (``numeric`` to double precision)."""
