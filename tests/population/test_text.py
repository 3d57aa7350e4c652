"""Text of many rows at once reads as the same text made row by row."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.population import text
from loadgen.population.text import Piece, join, json_array, json_object, lines

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def written(numbers: text.Text) -> list[bytes]:
    """The numbers of rows of JSON, without the blanks around them."""
    return [line.strip() for line in lines(numbers)]


NUMBERS = st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=8)


@given(NUMBERS)
def test_whole_numbers(values: list[int]) -> None:
    assert lines(text.integers(np.array(values), text.NUL)) == [str(value).encode() for value in values]
    assert written(text.integers(np.array(values))) == [str(value).encode() for value in values]


@given(NUMBERS, st.integers(1, 4))
def test_fractions_are_exact_and_without_superfluous_zeros(values: list[int], places: int) -> None:
    for number, value in zip(written(text.decimals(np.array(values), places)), values, strict=True):
        assert Decimal(number.decode()) == Decimal(value).scaleb(-places)
        assert number == b"0" or not number.startswith((b"0", b".")) or number.startswith(b"0.")
        assert b"." not in number or not number.endswith((b"0", b"."))


@given(st.lists(st.floats(-1e11, 1e11), min_size=1, max_size=8), st.integers(1, 4))
def test_rounding_is_to_the_nearest(values: list[float], places: int) -> None:
    """Amounts of either sign and of more than 32 bits, and those that round to zero from below."""
    for number, value in zip(written(text.rounded(np.array(values), places)), values, strict=True):
        assert Decimal(number.decode()) == Decimal(round(value * 10**places)).scaleb(-places)


def test_numbers_of_several_axes_keep_them() -> None:
    values = np.arange(24).reshape(2, 3, 4) * 997 - 5_000
    found = text.integers(values)
    assert found.shape[:3] == values.shape
    assert [int(line) for line in lines(found.reshape(24, -1))] == values.ravel().tolist()


NAIVE = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2150, 12, 31))  # noqa: DTZ001 - what the strategy takes


@given(st.lists(NAIVE, min_size=1, max_size=8))
def test_moments_and_dates(moments: list[dt.datetime]) -> None:
    since = [moment.replace(tzinfo=dt.UTC) - EPOCH for moment in moments]
    moments_us = np.array([delta // dt.timedelta(microseconds=1) for delta in since])
    expected = [moment.replace(microsecond=0).isoformat() + "Z" for moment in moments]
    assert [line.decode() for line in lines(text.moments(moments_us))] == expected
    days = np.array([delta.days for delta in since])
    assert [line.decode() for line in lines(text.dates(days))] == [moment.date().isoformat() for moment in moments]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(-99, 99)), min_size=1, max_size=8))
def test_documents_are_json_whatever_rows_leave_out(rows: list[tuple[bool, bool, bool, int]]) -> None:
    present = np.array([row[:3] for row in rows]).T
    numbers = np.array([row[3] for row in rows])
    words = text.pool(["one", "zwölf", ""])
    items: list[tuple[text.Bools, Piece]] = [
        (present[0], b"1"),
        (present[1], text.quoted(words[numbers % 3])),
        (present[2], json_object({})),
    ]
    document = json_object(
        {
            "n": text.integers(numbers),
            "list": json_array(items),
            "maybe": text.where(present[0], text.booleans(present[1]), b"null"),
            "inner": json_object({"a": b"true"}),
        }
    )
    for line, (first, second, third, number) in zip(lines(join(len(rows), document)), rows, strict=True):
        word = ("one", "zwölf", "")[number % 3]
        expected = [item for here, item in ((first, 1), (second, word), (third, {})) if here]
        assert json.loads(line) == {
            "n": number, "list": expected, "maybe": second if first else None, "inner": {"a": True},
        }  # fmt: skip


def test_a_pool_refuses_what_json_would_escape() -> None:
    with pytest.raises(ValueError, match="escapes"):
        text.pool(["plain", 'with "quotes"'])
