"""Text on the measurements of a scenario that a plan is based on."""

from __future__ import annotations

from typing import Final

from capacity.formatting import quantity
from capacity.sizing import Basis, Sizing
from capacity.values import Refusal

TARGET: Final = {
    "curve": "by the measured latency curve",
    "stated": "as stated in the workload file",
    "assumed": "assumed",
}
CARRIED: Final = {
    "measured": "",
    "demand": "; transferred by CPU demand",
    "throughput": "; transferred by number of cores",
}


def relevant_refusals(basis: Basis, sizing: Sizing | None) -> tuple[Refusal, ...]:
    """Refusals that matter to the plan: those of replay only where it has replicas."""
    replicas = sizing is not None and any(stage.replicas for stage in sizing.stages)
    return (*basis.refused, *([basis.replay_refused] if replicas and basis.replay_refused is not None else []))


def basis_text(basis: Basis) -> str:
    """Describe a scenario's target utilisation, the scaling of its capacity, and its cost per transaction."""
    costs = ""
    if (demand := basis.demand) is not None:
        known = (
            ("CPU", demand.cpu_s, "ms", 1e3),
            ("WAL", demand.wal_bytes, "bytes", 1.0),
            ("reads", demand.block_reads, "blocks", 1.0),
            ("connection", demand.connection_hold_s, "ms", 1e3),
        )
        parts = [f"{name} {quantity(value.scaled(by), unit)}" for name, value, unit, by in known if value is not None]
        costs = f"; a transaction costs {', '.join(parts)}" if parts else ""
    return f"utilisation {TARGET[basis.target]}{CARRIED[basis.carried]}{costs}"
