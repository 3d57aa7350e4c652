"""Silence: time of the measured window without an answer although answers were due, and its cause (pure).

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
"""Answers due in a silent time from which it is no chance, which would be e⁻²⁰."""
SILENT_SHARE: Final = 0.05
"""Share of a window that may be silent: beyond it, a twentieth of the arrivals meet the silence and set the p95;
assumption."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of who was away: samples of the server, and the name of the load's pooler, if any."""

    samples: Sequence[Sample] = ()
    pooler: str | None = None


def silence(
    window: Sequence[Second], warmup: Sequence[Second], schedule: Schedule, evidence: Evidence
) -> Reason | None:
    """Reason for a window that was silent for too long to be valid; None if it was not.

    Its code is ``not_answered``, with who was away; ``generator_late`` if the generator itself stalled.
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
    why, do = _cause(longest, evidence)
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
    # Nothing was answered at all: answers were due if users do not think, or by the warm-up's rate.
    return gaps if not failed and (not schedule.think or before * len(window) >= DUE) else []


def _answers(second: Second) -> int:
    """Answers of the server within a second: an error is one, unless its connection broke."""
    return sum(t.ended - t.failed + sum(t.errors.values()) - broken(t) for t in second.transactions.values())


def _cause(gap: Sequence[Second], evidence: Evidence) -> tuple[str, str]:
    """Who did not answer, and what to do."""
    begin, end = gap[0].at, gap[-1].at + 1.0
    samples = [sample for sample in evidence.samples if begin <= sample.at < end]
    if len(samples) < len(gap) / 2:  # samples come once a second
        do = "check the server's log, memory and network, then run it again"
        return "the server did not answer monitoring queries either", do
    if evidence.pooler is not None:
        do = "check the pooler's log, and run it again once it answers"
        return f"the server answered monitoring queries, but the pooler ({evidence.pooler}) did not respond", do
    waits = Counter[str]()
    for sample in samples:
        waits.update(sample.waits)
    waited = f"; its sessions waited for {waits.most_common(1)[0][0]}" if waits else ""
    do = "check what blocked the load's sessions, and the network to them; then run it again"
    return f"the server answered monitoring queries{waited}", do
