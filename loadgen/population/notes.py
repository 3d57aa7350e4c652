"""Text that fills values up to the width that a shape asks for: production's documents hold more than the model's."""

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
"""Of the mean width: assumption."""
_SENTENCES: Final = 2_000
_MEMBER: Final = b',"notes":"'


def with_notes(rows: Rows, shape: DocumentShape, seed: int, part: Part, number: int) -> Rows:
    """The rows with notes in the columns that the shape names: a member of each JSON object, or the end of a text.

    ``part`` and ``number`` say which rows these are. JSON arrays have no place for notes and stay as they are.
    """
    wanted = {column.name: shape.notes_bytes(rows.table, column.name) for column in rows.columns}
    if not any(wanted.values()):
        return rows
    stream = Stream(seed, Part.NOTES, 2 * number + (part is Part.CHAT))
    return Rows(
        rows.table,
        tuple(
            _filled(column, stream, wanted[column.name]) if wanted[column.name] else column for column in rows.columns
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
        return Column(column.name, column.kind, join(len(column), *pieces), column.present)  # and not solid
    filled = [
        None if document is None else b"".join((document[:-1], _MEMBER, note, b'"}'))
        for document, note in zip(cast(Sequence[bytes | None], column.values), lines(notes), strict=True)
    ]
    return Column(column.name, column.kind, filled)


def _notes(stream: Stream, rows: int, mean_bytes: int) -> Text:
    """Sentences cut to length: windows into one long text, each at a place of its own."""
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
