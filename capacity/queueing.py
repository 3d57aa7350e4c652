"""Queueing laws: the M/M/c queue, mean-value analysis and asymptotic bounds of closed networks.

Measurements decide a plan; these laws bound what is possible, and what a change of cores or of think time would do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capacity.values import Refusal

MOST_CUSTOMERS = 20_000
"""Limit of the recursion, whose work grows with the customers; a network is at its asymptotes long before."""
MOST_MULTISERVERS = 5
"""Limit of the stations with several servers. Each doubles the work: the network without it is analysed too."""
MOST_SERVERS = 1_000_000
SHORTEST_S, LONGEST_S = 1e-30, 1e30
"""Range of service demands and think times within which no product overflows or underflows."""


@dataclass(frozen=True, slots=True)
class Queue:
    """An M/M/c queue in steady state. ``offered_load`` is in servers; ``mean_queue_length`` counts those who wait."""

    offered_load: float
    servers: int
    probability_of_waiting: float
    mean_queue_length: float

    @property
    def utilisation(self) -> float:
        return self.offered_load / self.servers

    def mean_response_s(self, service_s: float) -> float:
        """Return the mean response time R = S + C·S/(c − a) in s, given the mean service time S."""
        return service_s * (1 + self.probability_of_waiting / (self.servers - self.offered_load))

    def waiting_percentile_s(self, share: float, service_s: float) -> float:
        """Return the wait in s that a share of arrivals does not exceed: P(W > t) = C·exp(−(c − a)·t/S).

        Raises ValueError for a share outside 0 ≤ share < 1.
        """
        if not 0 <= share < 1:
            raise ValueError(f"share of arrivals: expected 0 <= share < 1, not {share}")
        if self.probability_of_waiting <= 1 - share:
            return 0.0
        return service_s * math.log(self.probability_of_waiting / (1 - share)) / (self.servers - self.offered_load)


def erlang_c(offered_load: float, servers: int) -> Queue | Refusal:
    """Erlang's C formula: the probability that an arrival waits when load a = λ/μ is offered to c servers.

    C = B / (1 − ρ(1 − B)) with ρ = a/c and Erlang's B by its stable recursion B(k) = aB(k−1) / (k + aB(k−1));
    mean queue length Lq = C·ρ/(1 − ρ). Assumes Poisson arrivals, exponential service and customers who never give up:
    a bound to compare measurements with, not a forecast of latency. Refuses ``offered_load`` ≥ ``servers``, where the
    queue grows without limit.

    >>> round(erlang_c(2, 3).probability_of_waiting, 6)
    0.444444
    """
    if not (math.isfinite(offered_load) and offered_load >= 0 and 1 <= servers <= MOST_SERVERS):
        return Refusal(
            "bad_queue", f"an offered load of 0 or more and 1 to {MOST_SERVERS:,} servers", "correct the inputs"
        )
    if offered_load >= servers:
        return Refusal(
            "unstable", "a steady state, which needs an offered load below the number of servers", "add servers"
        )
    blocking = 1.0
    for k in range(1, servers + 1):
        blocking = offered_load * blocking / (k + offered_load * blocking)
    utilisation = offered_load / servers
    waiting = blocking / (1 - utilisation * (1 - blocking))
    return Queue(offered_load, servers, waiting, waiting * utilisation / (1 - utilisation))


# --- closed networks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Station:
    """A resource: its service demand in s per transaction, and the number of servers that share the work."""

    name: str
    demand_s: float
    servers: int = 1


@dataclass(frozen=True, slots=True)
class StationUse:
    """A station in steady state: residence time per transaction, waiting included, and mean customers there."""

    name: str
    residence_s: float
    mean_customers: float
    utilisation: float
    """Mean utilisation of its servers, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class ClosedNetwork:
    """Steady state of a closed network with a fixed number of customers (connections, or users who think)."""

    customers: int
    throughput_tps: float
    response_s: float
    """Response time in s over all stations, think time excluded."""
    stations: tuple[StationUse, ...]


def mean_value_analysis(
    stations: Sequence[Station], customers: int, think_s: float = 0.0
) -> tuple[ClosedNetwork, ...] | Refusal:
    """Exact mean-value analysis of a closed network with 1, 2, … ``customers``.

    An arriving customer sees the mean queue of the network with one customer fewer: R(n) = D·(1 + Q(n − 1)) at a single
    server; with m servers R(n) = D/m·(1 + Q(n − 1) + Σ (m − 1 − j)·p(j | n − 1)), where p(j | n) is the probability of
    j customers there. Then X(n) = n/(Z + ΣR), Q = X·R. p(0 | n) follows from the ratio of this network's throughput to
    that of the network without the station, since the textbook's 1 − Σp cancels numerically near saturation. Holds for
    exponential service times, or any with processor sharing; a bound to compare measurements with.
    Source: M. Reiser and S. S. Lavenberg, Mean-Value Analysis of Closed Multichain Queuing Networks, JACM 27, 1980.

    Refuses impossible demands, servers, customers and think times, and more than MOST_MULTISERVERS stations with
    several servers.
    """
    if (refusal := _unusable(stations, customers, think_s)) is not None:
        return refusal
    return _Analysis(tuple(stations), customers, think_s).solve()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of throughput and response time of every closed network with given demands, and its knee."""

    throughput_low_tps: float
    throughput_high_tps: float
    response_low_s: float
    response_high_s: float
    knee_customers: float


def asymptotic_bounds(stations: Sequence[Station], customers: int, think_s: float = 0.0) -> Bounds | Refusal:
    """Operational bounds N/(Z + ΣD·N) ≤ X ≤ min(N/(Z + ΣD), min m/D), and those of R = N/X − Z that follow.

    They assume no distribution, only that servers never idle while work waits. The asymptotes cross at the knee
    N* = (Z + ΣD)/max(D/m), above which customers queue. Source: P. J. Denning and J. P. Buzen, The Operational Analysis
    of Queueing Network Models, ACM Computing Surveys 10, 1978. Refuses what :func:`mean_value_analysis` refuses.
    """
    if (refusal := _unusable(stations, customers, think_s)) is not None:
        return refusal
    total_s = sum(s.demand_s for s in stations)
    bottleneck_s = max(s.demand_s / s.servers for s in stations)
    high = min(customers / (think_s + total_s), 1 / bottleneck_s)
    return Bounds(
        throughput_low_tps=customers / (think_s + customers * total_s),
        throughput_high_tps=high,
        response_low_s=max(total_s, customers * bottleneck_s - think_s),
        response_high_s=customers * total_s,
        knee_customers=(think_s + total_s) / bottleneck_s,
    )


def _unusable(stations: Sequence[Station], customers: int, think_s: float) -> Refusal | None:
    sensible = all(SHORTEST_S < s.demand_s < LONGEST_S and 1 <= s.servers <= MOST_CUSTOMERS for s in stations)
    if not stations or not sensible or not 0 <= think_s < LONGEST_S:
        missing = "stations with a service demand above 0 s and at least one server, and a think time of at least 0 s"
        return Refusal("bad_network", missing, "correct the inputs; leave out a station without demand")
    if not 1 <= customers <= MOST_CUSTOMERS:
        missing = f"1 to {MOST_CUSTOMERS:,} customers, not {customers}"
        return Refusal("bad_network", missing, "use fewer customers, or the asymptotic bounds")
    if sum(s.servers > 1 for s in stations) > MOST_MULTISERVERS:
        missing = f"at most {MOST_MULTISERVERS} stations with several servers"
        return Refusal("bad_network", missing, "model the others as one server of the same total speed")
    return None


class _Analysis:
    """The recursion over customers, cached for each subset of stations that it needs."""

    def __init__(self, stations: tuple[Station, ...], customers: int, think_s: float) -> None:
        self._stations = stations
        self._customers = customers
        self._think_s = think_s
        self._throughputs: dict[frozenset[int], list[float]] = {}

    def solve(self) -> tuple[ClosedNetwork, ...]:
        return tuple(self._steps(frozenset(range(len(self._stations)))))

    def _without(self, present: frozenset[int]) -> list[float]:
        """Throughputs of the network of the stations ``present`` with 1, 2, … customers; infinite where none delays."""
        if present not in self._throughputs:
            empty = not present and self._think_s == 0
            self._throughputs[present] = (
                [math.inf] * self._customers if empty else [step.throughput_tps for step in self._steps(present)]
            )
        return self._throughputs[present]

    def _steps(self, present: frozenset[int]) -> Iterator[ClosedNetwork]:
        stations = [self._stations[i] for i in sorted(present)]
        rest = {i: self._without(present - {j}) for i, j in enumerate(sorted(present)) if self._stations[j].servers > 1}
        queues = [0.0] * len(stations)
        # p(j | n) of each multi-server station for j below its servers; for n = 0 it is empty with certainty.
        busy = {i: [1.0] + [0.0] * (stations[i].servers - 1) for i in rest}
        for n in range(1, self._customers + 1):
            residence_s = []
            for i, station in enumerate(stations):
                idle = sum((station.servers - 1 - j) * p for j, p in enumerate(busy[i])) if i in busy else 0.0
                residence_s.append(station.demand_s / station.servers * (1 + queues[i] + idle))
            response_s = sum(residence_s)
            throughput = n / (self._think_s + response_s)
            queues = [throughput * r for r in residence_s]
            for i, p in busy.items():
                demand_s = stations[i].demand_s
                above = [throughput * demand_s / (j + 1) * p[j] for j in range(len(p) - 1)]
                busy[i] = [p[0] * throughput / rest[i][n - 1], *above]
            yield ClosedNetwork(
                n,
                throughput,
                response_s,
                tuple(
                    StationUse(s.name, r, q, throughput * s.demand_s / s.servers)
                    for s, r, q in zip(stations, residence_s, queues, strict=True)
                ),
            )
