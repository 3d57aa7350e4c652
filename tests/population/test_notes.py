"""Documents as wide as a shape asks for, and otherwise the same."""

import datetime as dt
from dataclasses import replace

import numpy as np
import orjson
import pytest

from loadgen.population.columns import Column, Rows
from loadgen.population.model import CHUNK_TABLES, Population
from loadgen.population.shape import DEFAULT_SHAPE, Notes

AS_OF = dt.date(2026, 3, 1)
WIDE = replace(
    DEFAULT_SHAPE,
    documents=replace(
        DEFAULT_SHAPE.documents,
        notes=(
            Notes("financial_profiles", "basic_info", 700),
            Notes("financial_profiles", "monte_carlo_results", 300),
            Notes("chat_messages", "response", 200),
        ),
    ),
)


def column(tables: tuple[Rows, ...], table: str, name: str) -> Column:
    return next(c for rows in tables if rows.table == table for c in rows.columns if c.name == name)


def test_only_the_named_columns_change_and_by_the_width_asked_for() -> None:
    first_ids = dict.fromkeys(CHUNK_TABLES, 1)
    plain = Population(400, 3, AS_OF).chunk_rows(0, first_ids).tables
    wide = Population(400, 3, AS_OF, shape=WIDE).chunk_rows(0, first_ids).tables
    for rows, wider in zip(plain, wide, strict=True):
        for before, after in zip(rows.columns, wider.columns, strict=True):
            mean_bytes = WIDE.documents.notes_bytes(rows.table, before.name)
            if not mean_bytes:
                assert list(before.to_list()) == list(after.to_list())
                continue
            documents = [orjson.loads(text) for text in after.to_list() if isinstance(text, bytes)]
            notes = [document.pop("notes") for document in documents]
            assert documents == [orjson.loads(text) for text in before.to_list() if isinstance(text, bytes)]
            assert np.mean([len(note) for note in notes]) == pytest.approx(mean_bytes, rel=0.1)
            assert len(set(notes)) == len(notes)
    nulls = [text is None for text in column(wide, "financial_profiles", "monte_carlo_results").to_list()]
    assert nulls == [text is None for text in column(plain, "financial_profiles", "monte_carlo_results").to_list()]


def test_chat_texts_go_on_and_nulls_stay() -> None:
    plain, wide = (Population(300, 3, AS_OF, shape=shape) for shape in (DEFAULT_SHAPE, WIDE))
    part = plain.chat_slice(0)
    before, after = (column((p.chat_rows(part),), "chat_messages", "response").to_list() for p in (plain, wide))
    assert any(text is None for text in before)
    for short, long in zip(before, after, strict=True):
        assert (short is None) == (long is None)
        if isinstance(short, bytes) and isinstance(long, bytes):
            assert long.startswith(short + b" ")
            assert 100 <= len(long) - len(short) <= 301
