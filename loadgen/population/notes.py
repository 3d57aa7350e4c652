"""Notes, which fill values up to the width of a shape: production's documents hold more than the model's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, cast

import numpy as np

from loadgen.population.columns import Choice, Column, Kind, Rows
from loadgen.population.shape import DocumentShape
from loadgen.population.streams import Part, Stream
from loadgen.population.text import Piece, Text, join, lines
from loadgen.population.vocabulary import chat_texts

_NARROWEST, _WIDEST = 0.5, 1.5
"""Narrowest and widest notes relative to the mean width: assumption."""
_SENTENCES: Final = 2_000
_MEMBER: Final = b',"notes":"'


def with_notes(rows: Rows, shape: DocumentShape, seed: int, part: Part, number: int) -> Rows:
    """Add notes to the columns that the shape names: as a member of each JSON object, or at the end of a text.

    ``part`` and ``number`` identify the rows. JSON arrays have no place for notes and do not change.
    """
    widths = {column.name: shape.notes_bytes(rows.table, column.name) for column in rows.columns}
    if not any(widths.values()):
        return rows
    stream = Stream(seed, Part.NOTES, 2 * number + (part is Part.CHAT))
    return Rows(
        rows.table,
        tuple(
            _filled(column, stream, widths[column.name]) if widths[column.name] else column for column in rows.columns
        ),
    )


def _filled(column: Column, stream: Stream, mean_bytes: int) -> Column:
    if column.kind not in (Kind.JSONB, Kind.TEXT):
        return column
    notes = _notes(stream, len(column), mean_bytes)
    if column.kind is Kind.TEXT:
        if isinstance(column.values, Choice):
            longer = zip(column.values.to_list(), lines(notes), strict=True)
            return Column(column.name, column.kind, [text and text + b" " + note for text, note in longer])
        text = cast(Text, column.values)
        return Column(column.name, column.kind, join(len(column), text, b" ", notes), column.present)
    if isinstance(column.values, np.ndarray):
        document = cast(Text, column.values)
        if not (document[:, -1] == ord("}")).all():
            return column
        pieces: tuple[Piece, ...] = (document[:, :-1], _MEMBER, notes, b'"}')
        return Column(column.name, column.kind, join(len(column), *pieces), column.present)  # solid no longer
    filled = [
        None if document is None else b"".join((document[:-1], _MEMBER, note, b'"}'))
        for document, note in zip(cast(Sequence[bytes | None], column.values), lines(notes), strict=True)
    ]
    return Column(column.name, column.kind, filled)


def _notes(stream: Stream, rows: int, mean_bytes: int) -> Text:
    """Notes as windows of random position and width into one long text."""
    share = _NARROWEST + (_WIDEST - _NARROWEST) * stream.random(rows)
    lengths = np.maximum(np.rint(share * mean_bytes), 1).astype(np.int64)
    widest = int(lengths.max(initial=1))
    sentences = _sentences()
    repeated = np.resize(sentences, len(sentences) + widest)
    windows = np.lib.stride_tricks.sliding_window_view(repeated, widest)
    notes = windows[stream.integers(len(sentences), rows)]
    return np.where(np.arange(widest) < lengths[:, None], notes, 0).astype(np.uint8)


@cache
def _sentences() -> Text:
    """One row of text, all of it ASCII: a cut never falls into a character."""
    answers = chat_texts().answers[:_SENTENCES]
    text = b" ".join(answer.decode().encode("ascii", "replace") for answer in answers)
    return np.frombuffer(text + b" ", np.uint8)
