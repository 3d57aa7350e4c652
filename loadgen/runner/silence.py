"""Time of the measured window in which nothing was answered although answers were due, and why (pure).

If the n answers of a window W come as a Poisson process, all of them miss a given G seconds of it with a chance of
(1 − G/W)ⁿ, whatever their rate; for a short G that is e^(-λG). That judges a closed load. An open load says itself how
many answers were due: the arrivals meant for that time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from loadgen.observe.samples import Sample
from loadgen.observe.starts import INTENDED, clock
from loadgen.runner.arrivals import totals
from loadgen.runner.counting import broken
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.verdict import Reason
from loadgen.runs.spool import Second

GENERATOR_LATE: Final = "generator_late"
DUE: Final = 20
"""Answers due in a time without any, from which it is no chance: it would be one of e⁻²⁰."""
SILENT_SHARE: Final = 0.05
"""A window may be silent for this share of it: then a twentieth of the arrivals meet the silence, and p95 is its
length; assumption."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What else was seen of the servers: samples of the server, and the pooler that the load goes through, if any."""

    samples: Sequence[Sample] = ()
    pooler: str | None = None


def silence(window: Sequence[Second], warmup: Sequence[Second], schedule: Schedule, seen: Seen) -> Reason | None:
    """Why the window cannot be believed: it was silent for too long. None: it was not.

    ``not_answered`` names who was away, by the evidence; a generator that stood still is ``generator_late``.
    """
    gaps = _gaps(window, warmup, schedule)
    silent_s = sum(map(len, gaps))
    if silent_s <= SILENT_SHARE * len(window):
        return None
    longest = max(gaps, key=len)
    since = clock(longest[0].at)
    if not any(second.hub_lag.total for second in longest):
        what = f"the load generator stalled for {silent_s} s of the {len(window)} s window, longest from {since}"
        return Reason(GENERATOR_LATE, what, "check what stopped it or took its cores, and run it again")
    why, do = _cause(longest, seen)
    what = f"no answer in {silent_s} s of the {len(window)} s window, longest gap from {since}: {why}"
    return Reason("not_answered", what, f"{do}; {INTENDED}")


def _gaps(window: Sequence[Second], warmup: Sequence[Second], schedule: Schedule) -> list[list[Second]]:
    runs = [(any_answer, list(group)) for any_answer, group in groupby(window, lambda second: _answers(second) > 0)]
    gaps = [group for any_answer, group in runs if not any_answer]
    if schedule.rate is not None:
        return [gap for gap in gaps if sum(totals(s.transactions.values()).offered for s in gap) >= DUE]
    answers = sum(map(_answers, window))
    if answers:
        return [gap for gap in gaps if -answers * math.log1p(-len(gap) / len(window)) >= DUE]
    failed = any(t.calls for second in window for t in second.transactions.values())
    before = sum(map(_answers, warmup)) / max(len(warmup), 1)
    # Nobody was answered at all: due where users do not think, or by what the warm-up had.
    return gaps if not failed and (not schedule.think or before * len(window) >= DUE) else []


def _answers(second: Second) -> int:
    """Answers of the server within the second: what failed is one, unless its connection broke."""
    return sum(t.ended - t.failed + sum(t.errors.values()) - broken(t) for t in second.transactions.values())


def _cause(gap: Sequence[Second], seen: Seen) -> tuple[str, str]:
    """Who was away, and what to do."""
    begin, end = gap[0].at, gap[-1].at + 1.0
    within = [sample for sample in seen.samples if begin <= sample.at < end]
    if len(within) < len(gap) / 2:  # of one a second
        do = "check the server's log, memory and network, then run it again"
        return "the server did not answer monitoring queries either", do
    if seen.pooler is not None:
        do = "check the pooler's log, and run it again once it answers"
        return f"the server answered monitoring queries, but the pooler ({seen.pooler}) did not respond", do
    waits = Counter[str]()
    for sample in within:
        waits.update(sample.waits)
    waited = f"; its sessions waited for {waits.most_common(1)[0][0]}" if waits else ""
    do = "check what blocked the load's sessions, and the network to them; then run it again"
    return f"the server answered monitoring queries{waited}", do
