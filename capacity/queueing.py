"""Waiting for one of several servers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.values import Refusal


@dataclass(frozen=True, slots=True)
class Queue:
    """An M/M/c queue in its steady state."""

    offered_load: float
    servers: int
    probability_of_waiting: float
    mean_queue_length: float

    @property
    def utilisation(self) -> float:
        return self.offered_load / self.servers


def erlang_c(offered_load: float, servers: int) -> Queue | Refusal:
    """Erlang's C formula: the probability that an arrival waits, when load a = λ/μ is offered to c servers.

    C = B / (1 − ρ(1 − B)) with ρ = a/c and Erlang's B by its stable recursion B(k) = aB(k−1) / (k + aB(k−1));
    mean queue length Lq = C·ρ/(1 − ρ). Assumes Poisson arrivals, exponential service, unlimited patience: a bound
    to hold measurements against, not a forecast of latency. Refuses ``offered_load`` ≥ ``servers``, where the queue
    grows for ever.

    >>> round(erlang_c(2, 3).probability_of_waiting, 6)
    0.444444
    """
    if not (math.isfinite(offered_load) and offered_load >= 0 and servers >= 1):
        return Refusal("bad_queue", "an offered load of 0 or more and at least one server", "correct the inputs")
    if offered_load >= servers:
        return Refusal("unstable", "a steady state: the offered load is not below the servers", "add servers")
    blocking = 1.0
    for k in range(1, servers + 1):
        blocking = offered_load * blocking / (k + offered_load * blocking)
    utilisation = offered_load / servers
    waiting = blocking / (1 - utilisation * (1 - blocking))
    return Queue(offered_load, servers, waiting, waiting * utilisation / (1 - utilisation))
