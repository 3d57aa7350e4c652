"""Response time by load: the measured curve (``curve``), and bounds by queueing laws (``bounds``)."""

from capacity.latency.bounds import ClosedBounds, closed_bounds, open_response_ms
from capacity.latency.curve import CurvePoint, LatencyCurve, LatencyRun, Target, latency_curve

__all__ = [
    "ClosedBounds",
    "CurvePoint",
    "LatencyCurve",
    "LatencyRun",
    "Target",
    "closed_bounds",
    "latency_curve",
    "open_response_ms",
]
