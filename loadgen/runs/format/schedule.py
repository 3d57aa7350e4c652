"""The load that a run is asked to make: how many users or arrivals, for how long, and by what means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from loadgen.runs.format.access import Access

Mode = Literal["sequential", "pipeline"]
"""A round trip for each statement, or as few as a transaction's draws allow."""
Spacing = Literal["poisson", "constant"]


@dataclass(frozen=True)
class RatePiece:
    """A stretch of time over which an arrival rate goes from one value to another in a straight line."""

    seconds: float
    from_tps: float
    to_tps: float


@dataclass(frozen=True)
class Rate:
    """Arrivals a second from the beginning of the measured window on; before it, the first rate holds.

    After the last piece its final rate holds, or with ``repeats`` the pieces begin again.
    """

    text: str
    """As it was asked for."""
    pieces: tuple[RatePiece, ...]
    repeats: bool = False

    @property
    def constant(self) -> bool:
        return len({tps for piece in self.pieces for tps in (piece.from_tps, piece.to_tps)}) == 1

    @property
    def length_s(self) -> float:
        return sum(piece.seconds for piece in self.pieces)


@dataclass(frozen=True)
class Schedule:
    """The load that was asked for.

    Closed, without a ``rate``: ``users`` connections; ``think`` False: each busy all the time. Open: transactions are
    meant to be sent at times of the rate's own, on ``users`` connections; later than ``late_limit_s`` they are dropped.
    """

    users: int
    think: bool
    ramp_s: float
    warmup_s: float
    measure_s: float
    drain_s: float
    seed: int
    rate: Rate | None = None
    arrivals: Spacing = "poisson"
    late_limit_s: float | None = None
    mode: Mode = "sequential"
    processes: int = 1
    only: tuple[str, ...] = ()
    """Of the scenario's transactions, those that were done; all of them for none."""
    access: Access = field(default_factory=Access)
