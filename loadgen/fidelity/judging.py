"""Published against stored: the verdict on one figure. Pure."""

from __future__ import annotations

from loadgen.fidelity.format import Figure, Verdict
from loadgen.fidelity.published import Published
from loadgen.fidelity.sampling import Measured

STANDARD_ERRORS = 3.0
"""A mean may be off by so many, where that is more than its tolerance."""


def judge(published: Published, found: Measured) -> Figure:
    """The figure with its error and verdict.

    Within: the error is what is allowed or less, and there are enough households to tell (1.96 standard errors, of a
    mean one, within the tolerance). Outside: the whole interval is. Else undecided. Allowed is the tolerance; for a
    mean, whose error alone then decides, three of its standard errors if that is more.
    """
    p = published
    to_error = 1.0 if p.unit == "percent" else 100 / abs(p.value)
    allowed = p.tolerance
    if p.statistic == "mean" and found.standard_error is not None:
        allowed = max(allowed, STANDARD_ERRORS * found.standard_error * to_error)
    error = None if found.value is None else (found.value - p.value) * to_error
    return Figure(
        topic=p.topic,
        measure=p.measure,
        group=p.group,
        statistic=p.statistic,
        unit=p.unit,
        published=p.value,
        stored=found.value,
        low=found.low,
        high=found.high,
        households=found.households,
        error=error,
        allowed=allowed,
        verdict=_verdict(p, found, error, allowed, to_error),
        source=p.source,
    )


def _verdict(p: Published, found: Measured, error: float | None, allowed: float, to_error: float) -> Verdict:
    if error is None:
        return "undecided"
    if _enough(p, found, to_error) and (abs(error) <= allowed or p.statistic == "mean"):
        return "within" if abs(error) <= allowed else "outside"
    if p.statistic == "mean":  # its allowance has the standard error in it already
        return "outside" if found.standard_error is not None and abs(error) > allowed else "undecided"
    above = found.low is not None and (found.low - p.value) * to_error > allowed
    below = found.high is not None and (found.high - p.value) * to_error < -allowed
    return "outside" if above or below else "undecided"


def _enough(p: Published, found: Measured, to_error: float) -> bool:
    if found.low is None or found.high is None:
        return False
    if p.statistic == "mean":
        return found.standard_error is not None and found.standard_error * to_error <= p.tolerance
    return (found.high - found.low) / 2 * to_error <= p.tolerance
