"""Runs of a sweep as the measurements that a capacity is made from."""

from __future__ import annotations

from capacity.scalability import Repeat
from loadgen.runs.format.sweep import SweepPoint


def repeat_of(point: SweepPoint, percentile: float) -> Repeat | None:
    """One run's throughput, percentile of response and failed share; None for a run that may not be used.

    That is one whose verdict is not ``valid``, or with too few transactions for the percentile.
    """
    response_ms = point.response.percentile_ms(percentile) if point.response else None
    if point.verdict.status != "valid" or response_ms is None or point.throughput_tps is None:
        return None
    if point.throughput_tps.value <= 0 or response_ms.value <= 0:
        return None
    return Repeat(
        point.level, point.throughput_tps.value, response_ms.value, point.error_share or 0.0, block=point.repeat
    )
