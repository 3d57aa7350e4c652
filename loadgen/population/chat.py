"""Chat by slices of time, with the messages of all users interleaved as they arrived.

Loading chat user by user would store each person's messages side by side, which makes index scans too fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Bools, Ints
from loadgen.population.activity import ActivityRanks, zipf_ranks
from loadgen.population.calendar import Calendar
from loadgen.population.columns import US_PER_S, Choice, Column, Kind, Rows
from loadgen.population.shape import ChatShape
from loadgen.population.streams import Part, Stream, choose
from loadgen.population.vocabulary import chat_texts

SESSION_LENGTHS: Final = np.array([0.34, 0.25, 0.16, 0.10, 0.07, 0.05, 0.03])  # one to seven messages: assumption
_TRIES: Final = 40


@dataclass(frozen=True)
class ChatSlice:
    """One of ``slices`` equal shares of all messages, in the order of time; ids are contiguous over slices."""

    number: int
    slices: int
    first_id: int
    messages: int


def chat_messages(seed: int, calendar: Calendar, ranks: ActivityRanks, part: ChatSlice, shape: ChatShape) -> Rows:
    """Messages of one slice, ordered by time. Users write only after their sign-up."""
    stream = Stream(seed, Part.CHAT, part.number)
    # Enough sessions for all messages; the last is truncated.
    lengths = 1 + choose(stream.random(part.messages), SESSION_LENGTHS)
    sessions = int(np.searchsorted(np.cumsum(lengths), part.messages)) + 1
    lengths = lengths[:sessions]
    began_us = calendar.chat_us((part.number + stream.random(sessions)) / part.slices)
    users = _who(stream, calendar, ranks, began_us, shape)

    session = np.repeat(np.arange(sessions), lengths)[: part.messages]
    # Assumption: twenty seconds to two minutes between the messages of a session.
    gaps_us = ((20 + 100 * stream.random(part.messages)) * US_PER_S).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, session[1:] != session[:-1]])
    so_far = np.cumsum(gaps_us)
    offset_us = so_far - so_far[starts][session]
    moments_us = np.minimum(began_us[session] + offset_us, calendar.end_us - 1)
    order = np.argsort(moments_us, kind="stable")
    is_first = np.zeros(part.messages, bool)
    is_first[starts] = True

    return Rows(
        "chat_messages",
        (
            Column("id", Kind.BIGINT, part.first_id + np.arange(part.messages)),
            Column("user_id", Kind.BIGINT, users[session][order]),
            *_texts(stream, is_first[order], shape.unanswered),
            Column("timestamp", Kind.TIMESTAMPTZ, moments_us[order]),
        ),
    )


def _who(stream: Stream, calendar: Calendar, ranks: ActivityRanks, began_us: Ints, shape: ChatShape) -> Ints:
    """Draw the user of each session by activity, among those who had signed up; ids follow the order of sign-up."""
    signed_up = np.maximum((calendar.share_signed_up(began_us) * ranks.users).astype(np.int64), 1)
    users = 1 + stream.integers(signed_up, len(began_us))  # kept if no draw below has signed up
    missing = np.arange(len(began_us))
    for _ in range(_TRIES):
        candidates = ranks.user_of(zipf_ranks(stream, shape.writers(ranks.users), shape.skew, missing.size))
        fits = candidates <= signed_up[missing]
        users[missing[fits]] = candidates[fits]
        missing = missing[~fits]
    return users


def _texts(stream: Stream, is_first: Bools, unanswered: float) -> tuple[Column, Column]:
    rows = len(is_first)
    texts = chat_texts()
    question = stream.integers(texts.questions, rows)
    follow_up = stream.integers(len(texts.asked) - texts.questions, rows)
    answer = stream.integers(len(texts.answers), rows)
    message = np.where(is_first, question, texts.questions + follow_up)
    answered = np.where(stream.chance(unanswered, rows), -1, answer)
    return (
        Column("message", Kind.TEXT, Choice(texts.asked, message)),
        Column("response", Kind.TEXT, Choice(texts.answers, answered)),
    )
