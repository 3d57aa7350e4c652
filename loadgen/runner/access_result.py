"""Access of a window: connections opened, waited for and routed, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loadgen.runs.estimate import latency
from loadgen.runs.format.latency import Latency
from loadgen.runs.format.result import AccessResult, RoutingResult
from loadgen.runs.histogram import Histogram
from loadgen.runs.spool import AccessTally, Second

_NOTHING = AccessTally()


def access_result(window: Sequence[Second]) -> AccessResult | None:
    """Sum the access of a window; None when nothing was opened, waited for or routed in it."""
    if all(second.access is None for second in window):
        return None
    tallies = [second.access or _NOTHING for second in window]
    reads = Counter[int]()
    for tally in tallies:
        reads.update(tally.reads)
    routing = None
    if reads:
        routing = RoutingResult(
            primary=reads[-1],
            replicas=tuple(reads[n] for n in range(max(reads) + 1)),
            fallbacks=sum(t.fallbacks for t in tallies),
            unreachable=sum(t.unreachable for t in tallies),
            stale=sum(t.stale for t in tallies),
            wait=_latency([t.replica_wait for t in tallies]),
        )
    return AccessResult(
        connects=sum(t.connect.total for t in tallies),
        connect=_latency([t.connect for t in tallies]),
        pool_wait=_latency([t.pool_wait for t in tallies]),
        routing=routing,
    )


def _latency(seconds: list[Histogram]) -> Latency | None:
    return latency(seconds) if any(histogram.total for histogram in seconds) else None
