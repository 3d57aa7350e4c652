"""Runs of a sweep as measurements for an estimate of capacity."""

from __future__ import annotations

from collections.abc import Iterable

from capacity.scalability import Repeat
from loadgen.runs.format.sweep import SweepPoint
from loadgen.runs.format.verdict import TOO_MANY_ERRORS


def repeat_of(point: SweepPoint, percentile: float) -> Repeat | None:
    """Throughput, percentile of response and failed share of one run; None for a run that may not be used.

    Such a run is not ``valid``, or has too few transactions for the percentile.
    """
    response_ms = point.response.percentile_ms(percentile) if point.response else None
    if point.verdict.status != "valid" or response_ms is None or point.throughput_tps is None:
        return None
    if point.throughput_tps.value <= 0 or response_ms.value <= 0:
        return None
    return Repeat(
        point.level, point.throughput_tps.value, response_ms.value, point.error_share or 0.0, block=point.repeat
    )


def failed_repeat_of(point: SweepPoint) -> Repeat | None:
    """Failed share of a run in which too many transactions failed although no server did.

    None for a run that failed for another reason, which is no evidence about its level.
    """
    reasons = point.verdict.reasons
    if not reasons or reasons[0].code != TOO_MANY_ERRORS or point.error_share is None:
        return None
    return Repeat(point.level, 0.0, 0.0, point.error_share, block=point.repeat)


def judged_repeats(points: Iterable[SweepPoint], percentile: float) -> tuple[Repeat, ...]:
    """Runs that show whether a level meets an objective, those with too many failed transactions included."""
    repeats = (repeat_of(point, percentile) or failed_repeat_of(point) for point in points)
    return tuple(repeat for repeat in repeats if repeat is not None)
