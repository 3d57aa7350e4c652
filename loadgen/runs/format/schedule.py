"""The load that a run is asked to make: how many users or arrivals, for how long, and by what means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from loadgen.runs.format.access import Access
from loadgen.runs.format.ranges import AboveZero, Amount, Positive, Users

Mode = Literal["sequential", "pipeline"]
"""A round trip for each statement, or as few as a transaction's draws allow."""
Spacing = Literal["poisson", "constant"]


@dataclass(frozen=True)
class RatePiece:
    """A stretch of time over which an arrival rate goes from one value to another in a straight line."""

    seconds: Amount
    from_tps: Amount
    to_tps: Amount


@dataclass(frozen=True)
class Rate:
    """Arrivals a second from the beginning of the measured window on; before it, the first rate holds.

    After the last piece its final rate holds, or with ``repeats`` the pieces begin again.
    """

    text: str
    """As it was asked for."""
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
    """The load that was asked for.

    Closed, without a ``rate``: ``users`` connections; ``think`` False: each busy all the time. Open: transactions are
    meant to be sent at times of the rate's own, on ``users`` connections; later than ``late_limit_s`` they are dropped.
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
    """Of the scenario's transactions, those that were done; all of them for none."""
    access: Access = field(default_factory=Access)
