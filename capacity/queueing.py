"""Bounds on waiting: for one of several servers, and in a closed network of them.

What is measured decides; these laws say what is possible, and what a change of cores or of think time would do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capacity.values import Refusal

MOST_CUSTOMERS = 20_000
"""The recursion's work grows with them; such a network is at its asymptotes long before."""
MOST_MULTISERVERS = 5
"""Each doubles the work: the network without it is analysed too."""
MOST_SERVERS = 1_000_000
SHORTEST_S, LONGEST_S = 1e-30, 1e30
"""Between these no product of times over- or underflows."""


@dataclass(frozen=True, slots=True)
class Queue:
    """An M/M/c queue in its steady state. ``offered_load`` in servers, ``mean_queue_length`` of those who wait."""

    offered_load: float
    servers: int
    probability_of_waiting: float
    mean_queue_length: float

    @property
    def utilisation(self) -> float:
        return self.offered_load / self.servers

    def mean_response_s(self, service_s: float) -> float:
        """Waiting and service, R = S + C·S/(c − a), in seconds of the mean service time S."""
        return service_s * (1 + self.probability_of_waiting / (self.servers - self.offered_load))

    def waiting_percentile_s(self, share: float, service_s: float) -> float:
        """The wait that a share of arrivals, from 0 to below 1, does not exceed: P(W > t) = C·exp(−(c − a)·t/S).

        Raises ValueError for another share.
        """
        if not 0 <= share < 1:
            raise ValueError(f"a share of arrivals is from 0 to below 1, not {share}")
        if self.probability_of_waiting <= 1 - share:
            return 0.0
        return service_s * math.log(self.probability_of_waiting / (1 - share)) / (self.servers - self.offered_load)


def erlang_c(offered_load: float, servers: int) -> Queue | Refusal:
    """Erlang's C formula: the probability that an arrival waits, when load a = λ/μ is offered to c servers.

    C = B / (1 − ρ(1 − B)) with ρ = a/c and Erlang's B by its stable recursion B(k) = aB(k−1) / (k + aB(k−1));
    mean queue length Lq = C·ρ/(1 − ρ). Assumes Poisson arrivals, exponential service, unlimited patience: a bound
    to hold measurements against, not a forecast of latency. Refuses ``offered_load`` ≥ ``servers``, where the queue
    grows for ever.

    >>> round(erlang_c(2, 3).probability_of_waiting, 6)
    0.444444
    """
    if not (math.isfinite(offered_load) and offered_load >= 0 and 1 <= servers <= MOST_SERVERS):
        return Refusal(
            "bad_queue", f"an offered load of 0 or more and 1 to {MOST_SERVERS:,} servers", "correct the inputs"
        )
    if offered_load >= servers:
        return Refusal("unstable", "a steady state: the offered load is not below the servers", "add servers")
    blocking = 1.0
    for k in range(1, servers + 1):
        blocking = offered_load * blocking / (k + offered_load * blocking)
    utilisation = offered_load / servers
    waiting = blocking / (1 - utilisation * (1 - blocking))
    return Queue(offered_load, servers, waiting, waiting * utilisation / (1 - utilisation))


# --- closed networks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Station:
    """One resource: seconds of service that a transaction demands of it in all, and how many servers share the work."""

    name: str
    demand_s: float
    servers: int = 1


@dataclass(frozen=True, slots=True)
class StationUse:
    """A station in the steady state: time spent there per transaction, waiting included, and who is there."""

    name: str
    residence_s: float
    mean_customers: float
    utilisation: float
    """Of all its servers together."""


@dataclass(frozen=True, slots=True)
class ClosedNetwork:
    """A closed network with a fixed number of customers (connections, or users who think)."""

    customers: int
    throughput_tps: float
    response_s: float
    """Of all stations; thinking is not in it."""
    stations: tuple[StationUse, ...]


def mean_value_analysis(
    stations: Sequence[Station], customers: int, think_s: float = 0.0
) -> tuple[ClosedNetwork, ...] | Refusal:
    """Exact mean-value analysis of a closed network, for 1, 2, … ``customers``.

    A customer who arrives at a station finds what the network with one customer fewer has there on average:
    R(n) = D·(1 + Q(n − 1)) at a single server; with m servers R(n) = D/m·(1 + Q(n − 1) + Σ (m − 1 − j)·p(j | n − 1)),
    p(j | n) the probability of j there. Then X(n) = n/(Z + ΣR), Q = X·R. p(0 | n) is carried on by the ratio of this
    network's throughput to that of the network without the station, since the textbook's 1 − Σp cancels to nothing
    near saturation. Holds for exponential service, or processor sharing of any; a bound to set beside measurements.
    Source: M. Reiser and S. S. Lavenberg, Mean-Value Analysis of Closed Multichain Queuing Networks, JACM 27, 1980.

    Refuses demands, servers, customers and think times that no network can have, and more than MOST_MULTISERVERS
    stations with several servers.
    """
    if (refusal := _unusable(stations, customers, think_s)) is not None:
        return refusal
    return _Analysis(tuple(stations), customers, think_s).solve()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which every closed network of these demands lies, and where the asymptotes of its throughput cross."""

    throughput_low_tps: float
    throughput_high_tps: float
    response_low_s: float
    response_high_s: float
    knee_customers: float


def asymptotic_bounds(stations: Sequence[Station], customers: int, think_s: float = 0.0) -> Bounds | Refusal:
    """Operational bounds: N/(Z + ΣD·N) ≤ X ≤ min(N/(Z + ΣD), min m/D), and R = N/X − Z between the same.

    They need no distributions, only that servers never idle while work waits. The asymptotes cross at
    N* = (Z + ΣD)/max(D/m); beyond it customers queue. Source: P. J. Denning and J. P. Buzen, The Operational Analysis
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
        missing = "stations with a demand above 0 s and at least one server, and a think time of 0 s or more"
        return Refusal("bad_network", missing, "correct the inputs; leave out a station without demand")
    if not 1 <= customers <= MOST_CUSTOMERS:
        missing = f"1 to {MOST_CUSTOMERS:,} customers, not {customers}"
        return Refusal("bad_network", missing, "correct the number; asymptotic bounds hold beyond")
    if sum(s.servers > 1 for s in stations) > MOST_MULTISERVERS:
        missing = f"at most {MOST_MULTISERVERS} stations with several servers"
        return Refusal("bad_network", missing, "model the others as one server of the same total speed")
    return None


class _Analysis:
    """The recursion over customers, kept for each subset of stations that it asks for."""

    def __init__(self, stations: tuple[Station, ...], customers: int, think_s: float) -> None:
        self._stations = stations
        self._customers = customers
        self._think_s = think_s
        self._throughputs: dict[frozenset[int], list[float]] = {}

    def solve(self) -> tuple[ClosedNetwork, ...]:
        return tuple(self._steps(frozenset(range(len(self._stations)))))

    def _without(self, present: frozenset[int]) -> list[float]:
        """Throughputs of the network of some stations, for 1, 2, … customers; infinite where nothing delays them."""
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
        # p(j | n) of each multi-server station, j below its servers; with nobody in the network it is empty.
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
