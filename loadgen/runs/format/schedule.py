"""Schedule of a run: users or arrivals, durations, and how statements are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from loadgen.runs.format.access import Access
from loadgen.runs.format.ranges import AboveZero, Amount, Positive, Users

Mode = Literal["sequential", "pipeline"]
"""Mode of sending: a round trip for each statement, or as few as a transaction's draws allow."""
Spacing = Literal["poisson", "constant"]


@dataclass(frozen=True)
class RatePiece:
    """A stretch of time over which an arrival rate is constant or changes linearly."""

    seconds: Amount
    from_tps: Amount
    to_tps: Amount


@dataclass(frozen=True)
class Rate:
    """Arrivals a second from the beginning of the measured window on; before it, the first rate holds.

    After the last piece its final rate holds, or with ``repeats`` the pieces begin again.
    """

    text: str
    """Rate as typed."""
    pieces: Annotated[tuple[RatePiece, ...], Field(min_length=1)]
    repeats: bool = False

    @property
    def constant(self) -> bool:
        return len({tps for piece in self.pieces for tps in (piece.from_tps, piece.to_tps)}) == 1

    @property
    def length_s(self) -> float:
        return sum(piece.seconds for piece in self.pieces)


@dataclass(frozen=True)
class Schedule:
    """Offered load of a run.

    A closed load has no ``rate`` but ``users``, each busy all the time without ``think``. An open load's transactions
    arrive at ``rate``, for ``users`` connections; those later than ``late_limit_s`` are dropped.
    """

    users: Users
    think: bool
    ramp_s: Amount
    warmup_s: Amount
    measure_s: AboveZero
    drain_s: Amount
    seed: int
    rate: Rate | None = None
    arrivals: Spacing = "poisson"
    late_limit_s: Amount | None = None
    mode: Mode = "sequential"
    processes: Positive = 1
    only: tuple[str, ...] = ()
    """Names of the transactions to run; empty for all of the scenario's."""
    access: Access = field(default_factory=Access)
