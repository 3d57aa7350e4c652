"""In words: which measurements of a scenario decided in a plan."""

from __future__ import annotations

from typing import Final

from capacity.plan import Basis
from loadgen.report.numbers import interval

TARGET: Final = {"curve": "by the measured latency curve", "stated": "as the workload file says", "assumed": "assumed"}
CARRIED: Final = {"measured": "", "demand": "; carried by CPU demand", "throughput": "; carried by throughput alone"}


def basis_text(basis: Basis) -> str:
    """Where its target utilisation is from, how its capacity is carried to the plan's servers, what one costs."""
    costs = ""
    if (demand := basis.demand) is not None:
        known = (
            ("CPU", demand.cpu_s, "ms", 1e3),
            ("WAL", demand.wal_bytes, "kB", 1e-3),
            ("reads", demand.block_reads, "blocks", 1.0),
            ("connection", demand.connection_hold_s, "ms", 1e3),
        )
        parts = [f"{name} {interval(one.scaled(by), unit)}" for name, one, unit, by in known if one is not None]
        costs = f"; one costs {', '.join(parts)}" if parts else ""
    return f"utilisation {TARGET[basis.target]}{CARRIED[basis.carried]}{costs}"
