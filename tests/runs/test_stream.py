"""Exactly once, whatever the wire does."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.runs.stream import RESEND_S, Inbox, Outbox


@given(st.integers(0, 2**32), st.floats(0, 0.6), st.floats(0, 0.6))
@settings(max_examples=200)
def test_every_line_is_taken_once_and_in_order(seed: int, lost: float, doubled: float) -> None:
    rng = random.Random(seed)
    outbox, inbox = Outbox(), Inbox()
    taken: list[bytes] = []
    late: list[tuple[int, list[bytes]]] = []
    added = [b"%d" % n for n in range(30)]
    pending = list(added)
    now = 0.0
    for _ in range(2000):
        if pending and rng.random() < 0.5:
            outbox.add(pending.pop(0))
        report = outbox.report(now)
        sent = [] if rng.random() < lost else [report]
        if rng.random() < doubled:
            late.append(report)
        if late and rng.random() < 0.3:
            sent.append(late.pop(rng.randrange(len(late))))
        for first, lines in sent:
            taken += inbox.take(first, lines)
            if rng.random() >= lost:
                outbox.acknowledged(inbox.next)
        assert taken == added[: len(taken)]
        now += rng.random() * RESEND_S
        if not pending and not len(outbox):
            break
    assert taken == added


def test_what_is_under_way_is_not_sent_again_until_it_counts_as_lost() -> None:
    outbox = Outbox()
    outbox.add(b"a")
    assert outbox.report(0.0) == (0, [b"a"])
    outbox.add(b"b")
    assert outbox.report(3.0) == (1, [b"b"])
    assert outbox.report(4.0) == (2, [])
    assert outbox.report(RESEND_S) == (0, [b"a", b"b"])
    outbox.acknowledged(2)
    assert (len(outbox), outbox.report(99.0)) == (0, (2, []))


def test_a_gap_is_not_taken() -> None:
    inbox = Inbox()
    assert inbox.take(1, [b"b"]) == ()
    assert inbox.take(0, [b"a", b"b"]) == [b"a", b"b"]
    assert inbox.take(1, [b"b", b"c"]) == [b"c"]
    assert inbox.next == 3
