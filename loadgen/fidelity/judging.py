"""Verdict on one figure: the stored value against the published one. Pure."""

from __future__ import annotations

from loadgen.fidelity.format import Figure, Verdict
from loadgen.fidelity.published import Published
from loadgen.fidelity.sampling import Measured

STANDARD_ERRORS = 3.0
"""Standard errors that a mean may be off by, where that is more than its tolerance."""


def judge(published: Published, stored: Measured) -> Figure:
    """Compare a stored figure with the published one; returns it with its error and verdict.

    Within: the error is at most the allowed one, and there are enough households to tell (1.96 standard errors, of a
    mean one, within the tolerance). Outside: the whole interval exceeds it. Else undecided. The allowed error is the
    tolerance; for a mean, whose error alone then decides, three of its standard errors if that is more.
    """
    p = published
    to_error = 1.0 if p.unit == "percent" else 100 / abs(p.value)
    allowed = p.tolerance
    if p.statistic == "mean" and stored.standard_error is not None:
        allowed = max(allowed, STANDARD_ERRORS * stored.standard_error * to_error)
    error = None if stored.value is None else (stored.value - p.value) * to_error
    return Figure(
        topic=p.topic,
        measure=p.measure,
        group=p.group,
        statistic=p.statistic,
        unit=p.unit,
        published=p.value,
        stored=stored.value,
        low=stored.low,
        high=stored.high,
        households=stored.households,
        error=error,
        allowed=allowed,
        verdict=_verdict(p, stored, error, allowed, to_error),
        source=p.source,
    )


def _verdict(p: Published, stored: Measured, error: float | None, allowed: float, to_error: float) -> Verdict:
    if error is None:
        return "undecided"
    if _enough(p, stored, to_error) and (abs(error) <= allowed or p.statistic == "mean"):
        return "within" if abs(error) <= allowed else "outside"
    if p.statistic == "mean":  # its allowance has the standard error in it already
        return "outside" if stored.standard_error is not None and abs(error) > allowed else "undecided"
    above = stored.low is not None and (stored.low - p.value) * to_error > allowed
    below = stored.high is not None and (stored.high - p.value) * to_error < -allowed
    return "outside" if above or below else "undecided"


def _enough(p: Published, stored: Measured, to_error: float) -> bool:
    if stored.low is None or stored.high is None:
        return False
    if p.statistic == "mean":
        return stored.standard_error is not None and stored.standard_error * to_error <= p.tolerance
    return (stored.high - stored.low) / 2 * to_error <= p.tolerance
