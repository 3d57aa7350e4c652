"""Bounds of response times by queueing for the CPU, to compare with a measured latency curve.

Erlang's C holds for open arrivals, mean-value analysis for connections that wait for each answer before the next
request. Neither is a forecast, since neither includes waits for anything but CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.queueing import Station, asymptotic_bounds, erlang_c, mean_value_analysis
from capacity.values import LARGEST, Refusal


@dataclass(frozen=True, slots=True)
class ClosedBounds:
    """Mean response time of busy connections that queue for the CPU only, by mean-value analysis, and its bounds.

    ``low_ms`` and ``high_ms`` bound every closed network with this demand. A measured mean above ``mean_ms`` includes
    waits for more than CPU; one below ``low_ms`` contradicts the demand.
    """

    low_ms: float
    mean_ms: float
    high_ms: float
    throughput_high_tps: float


def closed_bounds(cpu_s: float, cores: int, connections: int, other_s: float = 0.0) -> ClosedBounds | Refusal:
    """Bound the response time of a transaction with ``cpu_s`` of CPU on ``cores`` and ``other_s`` of other delays.

    Refuses what :func:`capacity.queueing.mean_value_analysis` refuses.
    """
    stations = [Station("cpu", cpu_s, cores)]
    exact = mean_value_analysis(stations, connections, other_s)
    wide = asymptotic_bounds(stations, connections, other_s)
    if isinstance(exact, Refusal):
        return exact
    if isinstance(wide, Refusal):
        return wide
    ends = (wide.response_low_s, exact[-1].response_s, wide.response_high_s)
    low, mean, high = ((end_s + other_s) * 1000 for end_s in ends)
    return ClosedBounds(min(low, mean), mean, max(high, mean), wide.throughput_high_tps)


def open_response_ms(utilisation: float, cores: int, service_ms: float, percentile: float) -> float | Refusal:
    """Return a percentile of response time in ms, waiting and service, of an M/M/c queue (open arrivals).

    With C = P(wait), c servers, load a = uc and t in services: P(R > t) = e⁻ᵗ(1 + C(1 − e^(−t(c−1−a)))/(c−1−a)).
    Refuses a utilisation of 1 or more, where the queue grows without limit, and impossible percentiles.
    """
    if not (0 < percentile < 100 and 1 / LARGEST < service_ms < LARGEST and utilisation >= 0):
        missing = "a percentile between 0 and 100, a service time above 0 and a utilisation of 0 or more"
        return Refusal("bad_queue", missing, "correct the inputs")
    queue = erlang_c(utilisation * cores, cores)
    if isinstance(queue, Refusal):
        return queue
    waits, gap = queue.probability_of_waiting, cores - 1 - queue.offered_load

    # The slower of the two exponentials is factored out, so that the other cannot overflow.
    slower, apart = min(1.0, 1 + gap), abs(gap)

    def beyond(t: float) -> float:
        growth = t if apart * t < 1e-9 else -math.expm1(-apart * t) / apart
        return math.exp(-t) + waits * math.exp(-slower * t) * growth

    exceedance, high = (100 - percentile) / 100, 1.0
    while beyond(high) > exceedance:
        high *= 2
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > exceedance else (low, middle)
    return high * service_ms
