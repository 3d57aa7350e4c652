"""Policy of a plan: its assumptions beside the workload, each with range and origin."""

from __future__ import annotations

import math
from dataclasses import dataclass

from capacity.values import Input

POLICY_UNITS = {
    "target_utilisation": "share of a server's capacity at the objective",
    "replay_cost": "cost of replaying a write over executing it",
    "write_cost": "work of a writing transaction over a reading one",
    "fresh_read_share": "share of read work that must see its user's own last write",
    "working_set_share": "share of the database that the peak hour touches",
    "round_trip_ms": "milliseconds between application and server and back",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Assumptions of the sizing rules beside the workload. Raises ValueError for impossible values."""

    target_utilisation: Input
    replay_cost: Input
    write_cost: Input
    fresh_read_share: Input
    working_set_share: Input
    round_trip_ms: Input
    target_stated: bool = True
    """True if the user set the target utilisation; False if it is only a default for want of a latency curve."""

    def __post_init__(self) -> None:
        if not 0 < self.target_utilisation.value.low <= self.target_utilisation.value.high <= 1:
            raise ValueError("target_utilisation must be above 0 and at most 1")
        for share in (self.replay_cost, self.fresh_read_share, self.working_set_share):
            if not 0 <= share.value.low <= share.value.high <= 1:
                raise ValueError(f"{share.name} must be from 0 to 1")
        if self.write_cost.value.low <= 0 or not math.isfinite(self.write_cost.value.high):
            raise ValueError("write_cost must be above 0 and finite")
        if self.round_trip_ms.value.low < 0 or not self.round_trip_ms.value.high <= 10_000:
            raise ValueError("round_trip_ms must be from 0 to 10000")

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All assumptions."""
        return (self.target_utilisation, self.write_cost, self.replay_cost, *self.always)

    @property
    def always(self) -> tuple[Input, ...]:
        """Assumptions that every plan uses; target utilisation, write and replay cost may be measured instead."""
        return (self.fresh_read_share, self.working_set_share, self.round_trip_ms)
