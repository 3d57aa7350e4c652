"""The laws of queueing for the CPU as bounds beside a measured latency curve (:mod:`capacity.latency.curve`).

Erlang's C holds for arrivals that come by themselves, mean-value analysis for connections that wait for their answer
before they ask again. Neither is a forecast: what else than CPU is waited for is in neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.queueing import Station, asymptotic_bounds, erlang_c, mean_value_analysis
from capacity.values import Refusal

LARGEST = 1e50


@dataclass(frozen=True, slots=True)
class ClosedBounds:
    """What queueing for the CPU alone does to busy connections: mean response by mean-value analysis, and its range.

    The low end is that of any closed network with this demand; the high end that of the worst. A measured mean above
    ``mean_ms`` waits for more than CPU; one below ``low_ms`` contradicts the demand.
    """

    low_ms: float
    mean_ms: float
    high_ms: float
    throughput_high_tps: float


def closed_bounds(cpu_s: float, cores: int, connections: int, other_s: float = 0.0) -> ClosedBounds | Refusal:
    """Of a transaction that needs ``cpu_s`` of CPU on ``cores`` and ``other_s`` without it (network, disk, no queue).

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
    low, mean, high = ((one + other_s) * 1000 for one in ends)
    return ClosedBounds(min(low, mean), mean, max(high, mean), wide.throughput_high_tps)


def open_response_ms(utilisation: float, cores: int, service_ms: float, percentile: float) -> float | Refusal:
    """A percentile of response, waiting and service, of an M/M/c queue: arrivals that do not wait for answers.

    With C = P(wait), c servers, load a = uc and t in services: P(R > t) = e⁻ᵗ(1 + C(1 − e^(−t(c−1−a)))/(c−1−a)).
    Refuses a utilisation of 1 or more, where the queue grows for ever, and percentiles that are none.
    """
    if not (0 < percentile < 100 and 1 / LARGEST < service_ms < LARGEST and utilisation >= 0):
        missing = "a percentile between 0 and 100, a service time above 0 and a utilisation of 0 or more"
        return Refusal("bad_queue", missing, "correct the inputs")
    queue = erlang_c(utilisation * cores, cores)
    if isinstance(queue, Refusal):
        return queue
    waits, gap = queue.probability_of_waiting, cores - 1 - queue.offered_load

    # The slower of the two exponentials stands in front, so that the other cannot overflow.
    slower, apart = min(1.0, 1 + gap), abs(gap)

    def beyond(t: float) -> float:
        grown = t if apart * t < 1e-9 else -math.expm1(-apart * t) / apart
        return math.exp(-t) + waits * math.exp(-slower * t) * grown

    wanted, high = (100 - percentile) / 100, 1.0
    while beyond(high) > wanted:
        high *= 2
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle) > wanted else (low, middle)
    return high * service_ms
