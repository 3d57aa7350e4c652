"""Neon, serverless Postgres, as a target: compute units, autoscaling, replicas on shared storage, its pooler.

Every figure is from the dated documentation that the caller read the rows from; what it does not say is an assumption
and marked as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from capacity.targets.target import GIB, Pooler, Server, Target
from capacity.values import Input, Interval, Origin

HOURS_A_MONTH = 730.0
RESERVED_CONNECTIONS = 7
POOLER_CLIENTS = 10_000
POOLER_SHARE = 0.9
"""Ratio of the pooler's default_pool_size, per user and database, to max_connections; not configurable."""
USABLE_RAM = 0.75
"""Share of memory that the working set may fill before autoscaling adds compute."""
WIDEST_RANGE_CU = 8.0
LARGEST_CU = 16.0
SMALLEST_CU = 0.25
PRICE_PER_CU_HOUR = {"launch": 0.106, "scale": 0.222}
PRICE_PER_GB_MONTH = 0.35
POOLER_TIMEOUT_S = 120.0
"""PgBouncer's default query_wait_timeout; Neon's documentation does not state its own (assumption)."""
COLD_START_S = Interval(0.3, 0.5, 2.0)
"""Time from zero compute to the first answer (assumption: the documentation does not state it)."""
MOST_REPLICAS = 15
"""Limit of read replicas (assumption: the documentation states none)."""


@dataclass(frozen=True, slots=True)
class ComputeSize:
    """A compute size: one row of the documentation's table."""

    compute_units: float
    ram_gb: float
    max_connections: int


def neon_target(rows: Sequence[ComputeSize], peak_to_mean: Interval, plan: str, as_of: str, source: str) -> Target:
    """Return a target of 0.25 to 16 compute units, each the upper bound of autoscaling.

    Autoscaling is billed by use: at least the lower bound, which is at most eight units below the upper, and otherwise
    what the mean load needs, upper ÷ peak-to-mean. Sizes above the largest row have its memory per unit and its
    connections. Raises ValueError for no rows or an unknown plan.
    """
    if not rows:
        raise ValueError("Neon's table of compute sizes is empty")
    if plan not in PRICE_PER_CU_HOUR:
        raise ValueError(f"Neon plan: expected {' or '.join(PRICE_PER_CU_HOUR)}, not {plan!r}")
    by_size = {row.compute_units: row for row in rows}
    top = max(by_size)
    gb = by_size[top].ram_gb / top
    for size in range(int(top) + 1, int(LARGEST_CU) + 1):
        by_size[float(size)] = ComputeSize(float(size), gb * size, by_size[top].max_connections)
    hour = PRICE_PER_CU_HOUR[plan]
    return Target(
        name=f"Neon ({plan})",
        servers=tuple(_server(by_size[size], hour, peak_to_mean) for size in sorted(by_size) if size <= LARGEST_CU),
        most_replicas=MOST_REPLICAS,
        as_of=as_of,
        source=source,
        shared_storage=True,
        storage_price=Interval.exact(PRICE_PER_GB_MONTH),
        usable_ram=USABLE_RAM,
        reserved_connections=RESERVED_CONNECTIONS,
        pooler=Pooler("Neon's pooler, transaction mode", POOLER_CLIENTS, POOLER_SHARE, POOLER_TIMEOUT_S),
        core_speed=Input(
            "core_speed",
            Interval(0.5, 0.9, 1.5),
            "speed of a compute unit over a core of the measured server",
            Origin.ASSUMPTION,
            "a compute unit is taken for one core of unknown speed; run `loadgen calibrate` there to measure it",
        ),
        notes=(
            "A size is the upper bound of autoscaling; its price ranges from the lower bound's to the upper's.",
            f"Switch off scale to zero: a cold start of about {COLD_START_S.value:g} s "
            f"({COLD_START_S.low:g}–{COLD_START_S.high:g}, assumption) would miss the objective.",
            "Replicas share the primary's storage and are asynchronous.",
        ),
    )


def _server(row: ComputeSize, hour: float, peak_to_mean: Interval) -> Server:
    size = row.compute_units
    least = max(SMALLEST_CU, size - WIDEST_RANGE_CU)
    low, middle, high = (min(max(size / ratio, least), size) for ratio in _ratios(peak_to_mean))
    price = Interval(low, middle, high, peak_to_mean.level).scaled(hour * HOURS_A_MONTH)
    return Server(f"{size:g} CU", size, row.ram_gb * GIB, price, row.max_connections)


def _ratios(peak_to_mean: Interval) -> tuple[float, float, float]:
    return peak_to_mean.high, peak_to_mean.value, max(peak_to_mean.low, 1.0)
