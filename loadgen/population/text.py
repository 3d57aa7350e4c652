"""Text of many rows at once, as matrices of bytes.

A row of text is a row of the matrix. Pieces of fixed width, numbers among them, are put side by side. Narrower text is
padded: between the tokens of JSON by blanks, which may stay, and inside strings and in plain text by NULs, which are
removed when the rows are stored. So a thousand JSON documents cost a few hundred array operations and no loop in Python
over rows.

Numbers are written as JavaScript writes them: no leading zeros, no zeros at the end of a fraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from capacity.arrays import Bools, Floats, Ints

Text = NDArray[np.uint8]
"""Matrix of bytes, (rows, width); some have more axes in between."""

Magnitudes = NDArray[np.uint32] | NDArray[np.uint64]

Piece = bytes | Text | tuple["Piece", ...]
"""A part of every row: the same bytes for all, a matrix, or several parts side by side."""

NUL, BLANK = b"\0", b" "
"""Padding: NUL in strings and plain text, BLANK between the tokens of JSON."""

_BASE: Final = 10_000
_WORDS: Final = 2**32
"""Bound of whole numbers that fit in 32 bits, which are divided in a fifth of the time."""
_US_PER_S: Final = 1_000_000
_S_PER_DAY: Final = 86_400
_EPOCH_YEAR: Final = 1970
_FIRST_DAY, _LAST_DAY = np.datetime64("1900-01-01", "D"), np.datetime64("2150-12-31", "D")


@cache
def _four_digits(nothing: bytes) -> NDArray[np.uint32]:
    """Words of 0 … 9999 as four characters: with leading zeros; without, 0 as padding; without, 0 as "0"."""
    digits = np.frombuffer(b"".join(b"%04d" % n for n in range(_BASE)), np.uint8).reshape(_BASE, 4)
    leading = np.logical_and.accumulate(digits == ord("0"), axis=1)
    without = np.where(leading, ord(nothing), digits).astype(np.uint8)
    at_least_one = without.copy()
    at_least_one[0, 3] = ord("0")
    return np.concatenate([digits, without, at_least_one]).view(np.uint32).ravel()


@cache
def _fractions(places: int) -> NDArray[np.uint32]:
    """Words of a point and the digits of 0 … 10^places − 1, without trailing zeros, 0 as padding: (words, …)."""
    texts = [b"." + b"%0*d" % (places, n) if n else b"" for n in range(10**places)]
    words = -(-(places + 1) // 4)
    joined = b"".join(text.rstrip(b"0").ljust(4 * words) for text in texts)
    return np.ascontiguousarray(np.frombuffer(joined, np.uint32).reshape(len(texts), words).T)


@cache
def _two_digits() -> Text:
    return matrix([b"%02d" % n for n in range(100)])


@cache
def _days() -> Text:
    """Table of days from _FIRST_DAY on, as ``2026-01-31``."""
    months = np.arange(_FIRST_DAY, _LAST_DAY + 1, dtype="datetime64[M]")
    first = months.astype("datetime64[D]")
    lengths = np.diff(np.append(first, _LAST_DAY + 1)).astype(np.int64)
    year, month = np.divmod(months.astype(np.int64), 12)
    year, digits = year + _EPOCH_YEAR, _two_digits()
    begin = join(len(months), pick(digits, year // 100), pick(digits, year % 100), b"-", pick(digits, month + 1), b"-")
    day = 1 + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return join(len(day), np.repeat(begin, lengths, axis=0), pick(digits, day))


@cache
def _seconds() -> Text:
    """Table of the seconds of a day, as ``23:59:59``."""
    second, two = np.arange(_S_PER_DAY), _two_digits()
    return join(_S_PER_DAY, pick(two, second // 3600), b":", pick(two, second // 60 % 60), b":", pick(two, second % 60))


def matrix(texts: Sequence[bytes], nothing: bytes = NUL) -> Text:
    """Texts of any lengths as a matrix."""
    width = max((len(text) for text in texts), default=0)
    joined = b"".join(text.ljust(width, nothing) for text in texts)
    return np.frombuffer(joined, np.uint8).reshape(len(texts), width)


def pool(entries: Sequence[str]) -> Text:
    """Entries to pick from, in UTF-8; they must not need escapes in JSON."""
    texts = [entry.encode() for entry in entries]
    for text, entry in zip(texts, entries, strict=True):
        if orjson.dumps(entry)[1:-1] != text:
            raise ValueError(f"{entry!r} needs escapes in JSON, which a pool's entries may not")
    return matrix(texts)


def quoted_pool(entries: Sequence[str]) -> Text:
    """Entries to pick from, as for :func:`pool`, each a quoted JSON string."""
    return matrix([orjson.dumps(entry) for entry in entries], BLANK)


def pick(entries: Text, index: Ints) -> Text:
    """Pick the entry of a pool for each row; indexing the matrix would take four times as long."""
    return entries.take(index, axis=0)


def integers(values: Ints, nothing: bytes = BLANK) -> Text:
    """Whole numbers of any shape; the characters are the last axis."""
    return _signed(values, _digits(np.abs(values).astype(np.uint64), 0, nothing).view(np.uint8), nothing)


def decimals(scaled: Ints, places: int) -> Text:
    """Whole multiples of 10^−places (1 to 4 of them) in JSON, of any shape; the characters are the last axis."""
    absolute = np.abs(scaled)
    if absolute.max(initial=0) < _WORDS:
        return _signed(scaled, _fixed_point(absolute.astype(np.uint32), places), BLANK)
    return _signed(scaled, _fixed_point(absolute.astype(np.uint64), places), BLANK)


def rounded(values: Floats, places: int) -> Text:
    """Numbers rounded to 1 to 4 places, in JSON."""
    scaled = values * 10**places
    np.rint(scaled, out=scaled)
    if scaled.min(initial=0) >= 0 and scaled.max(initial=0) < _WORDS:
        return _fixed_point(scaled.astype(np.uint32), places)
    return decimals(scaled.astype(np.int64), places)


def dollars(amounts: Floats) -> Text:
    """Amounts to the cent, in JSON."""
    return rounded(amounts, 2)


def _fixed_point(scaled: Magnitudes, places: int) -> Text:
    fractions, unit = _fractions(places), scaled.dtype.type(10**places)
    whole = scaled // unit
    words = _digits(whole, len(fractions), BLANK)
    whole *= unit
    np.subtract(scaled, whole, out=whole)
    rest = whole.astype(np.uint32, copy=False)
    for number, fraction in enumerate(fractions, words.shape[-1] - len(fractions)):
        words[..., number] = fraction.take(rest)
    return words.view(np.uint8)


def _digits(values: Magnitudes, room: int, nothing: bytes) -> NDArray[np.uint32]:
    """Digits of whole numbers, four a word, and ``room`` empty words after them."""
    groups = 1
    largest = int(values.max(initial=0))
    while largest >= _BASE**groups:
        groups += 1
    if largest < _WORDS:
        values = values.astype(np.uint32, copy=False)
    number = values.dtype.type
    base, table = number(_BASE), _four_digits(nothing)
    words = np.empty((*values.shape, groups + room), np.uint32)
    quotient = values
    for group in reversed(range(groups)):
        start = number(2 * _BASE if group == groups - 1 else _BASE)
        if group:
            higher = quotient // base
            place = quotient - higher * base
            place += (higher == 0) * start
            quotient = higher
        else:
            place = quotient + start
        words[..., group] = table.take(place.astype(np.uint32, copy=False))
    return words


def _signed(values: Ints, text: Text, nothing: bytes) -> Text:
    """Put the sign of negative values right before the first digit."""
    if values.min(initial=0) >= 0:
        return text
    below = values < 0
    wider = np.concatenate([np.full((*values.shape, 1), ord(nothing), np.uint8), text], axis=-1)
    signed = wider[below]
    first = (signed != ord(nothing)).argmax(axis=-1)
    signed[np.arange(len(signed)), first - 1] = ord("-")
    wider[below] = signed
    return wider


def dates(days: Ints) -> Text:
    """Days of the Unix epoch, from 1900 to 2150, as ``2026-01-31``."""
    return pick(_days(), days - int(_FIRST_DAY.astype(np.int64)))


def moments(moments_us: Ints) -> Text:
    """Microseconds of the Unix epoch to the second, RFC 3339 in UTC: ``2026-01-31T23:59:59Z``."""
    seconds = moments_us // _US_PER_S
    days = seconds // _S_PER_DAY
    return join(len(seconds), dates(days), b"T", pick(_seconds(), seconds - days * _S_PER_DAY), b"Z")


@cache
def _truth() -> Text:
    return matrix([b"false", b"true"], BLANK)


def booleans(values: Bools) -> Text:
    """Booleans in JSON, ``true`` or ``false``."""
    return pick(_truth(), values.astype(np.int64))


def quoted(piece: Piece) -> Piece:
    """A JSON string of text that needs no escapes. It keeps the NULs of narrower text."""
    return (b'"', piece, b'"')


def json_members(members: Mapping[str, Piece]) -> Piece:
    """Members of a JSON object, without its braces."""
    parts: list[Piece] = []
    for name, value in members.items():
        parts += [(b"," if parts else b"") + orjson.dumps(name) + b":", value]
    return tuple(parts)


def json_object(members: Mapping[str, Piece]) -> Piece:
    """A JSON object in every row."""
    return (b"{", json_members(members), b"}")


def json_array(items: Sequence[tuple[Bools, Piece]], nothing: bytes = BLANK) -> Piece:
    """A JSON array in every row, of the items that are present in the row."""
    parts: list[Piece] = [b"["]
    so_far = None
    for present, item in items:
        if so_far is None:
            parts.append(where(present, item, nothing=nothing))
            so_far = present
        else:
            comma = where(present & so_far, b",", nothing=nothing)
            parts += [comma, where(present, item, nothing=nothing)]
            so_far = so_far | present
    return (*parts, b"]")


def where(condition: Bools, piece: Piece, otherwise: Piece = b"", nothing: bytes = BLANK) -> Text:
    """Choose ``piece`` in the rows of which the condition holds, ``otherwise`` in the others."""
    both = [_merged((option,)) for option in (piece, otherwise)]
    width = max(sum(map(_width, parts)) for parts in both)
    chosen, alternative = (join(len(condition), *parts, nothing * (width - sum(map(_width, parts)))) for parts in both)
    if chosen.size:
        np.copyto(_whole_rows(chosen), _whole_rows(alternative), where=~condition)
    return chosen


def join(rows: int, *pieces: Piece) -> Text:
    """Join pieces side by side in a new matrix."""
    parts = _merged(pieces)
    # Bytes that are the same in all rows are written first as whole rows: many narrow writes take longer.
    same = b"".join(part if isinstance(part, bytes) else bytes(_width(part)) for part in parts)
    out = np.empty((rows, len(same)), np.uint8)
    out[:] = np.frombuffer(same, np.uint8)
    at = 0
    for part in parts:
        width = _width(part)
        if width and rows and not isinstance(part, bytes):
            _whole_rows(out[:, at : at + width])[:] = _whole_rows(part)
        at += width
    return out


def _whole_rows(text: Text) -> NDArray[np.void]:
    """View each row as one value, which NumPy copies at once instead of byte by byte."""
    return text.view(np.dtype((np.void, text.shape[1])))[:, 0]


def solid_lines(text: Text) -> list[bytes]:
    """Rows of a matrix in which all bytes count."""
    rows: list[bytes] = _whole_rows(text).tolist()
    return rows


def lines(text: Text) -> list[bytes]:
    """Rows of a matrix without their NULs; none may hold a line feed."""
    ended = join(len(text), text, b"\n")
    stripped: bytes = ended[ended != 0].tobytes()
    return stripped.split(b"\n")[:-1]


def _width(part: bytes | Text) -> int:
    return len(part) if isinstance(part, bytes) else part.shape[1]


def _merged(pieces: Sequence[Piece]) -> list[bytes | Text]:
    """Flatten pieces, and merge adjacent bytes."""
    merged: list[bytes | Text] = []
    for part in _flat(pieces):
        last = merged[-1] if merged else None
        if isinstance(part, bytes) and isinstance(last, bytes):
            merged[-1] = last + part
        else:
            merged.append(part)
    return merged


def _flat(pieces: Sequence[Piece]) -> Iterator[bytes | Text]:
    for piece in pieces:
        if isinstance(piece, tuple):
            yield from _flat(piece)
        else:
            yield piece
