"""Neon, serverless Postgres, as a target: compute units, autoscaling, replicas on shared storage, its pooler.

Every figure is of the dated documentation that the caller read the rows from; what it does not say is an assumption,
and named as one.
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
"""default_pool_size, per user and database, over max_connections; not configurable."""
USABLE_RAM = 0.75
"""Autoscaling adds compute once the working set passes this share of memory."""
WIDEST_RANGE_CU = 8.0
LARGEST_CU = 16.0
SMALLEST_CU = 0.25
PRICE_PER_CU_HOUR = {"launch": 0.106, "scale": 0.222}
PRICE_PER_GB_MONTH = 0.35
POOLER_TIMEOUT_S = 120.0
"""PgBouncer's default query_wait_timeout; the snapshot does not give Neon's (assumption)."""
COLD_START_S = Interval(0.3, 0.5, 2.0)
"""From zero to the first answer (assumption: the snapshot does not say)."""
MOST_REPLICAS = 15
"""The snapshot names no limit (assumption)."""


@dataclass(frozen=True, slots=True)
class ComputeSize:
    """A row of the documentation's table."""

    compute_units: float
    ram_gb: float
    max_connections: int


def neon_target(rows: Sequence[ComputeSize], peak_to_mean: Interval, plan: str, as_of: str, source: str) -> Target:
    """Sizes of 0.25 to 16 compute units, each the upper bound of autoscaling.

    Billed is what autoscaling runs: never below its lower bound, which is at most eight units below the upper, and in
    between what the mean load needs of it, upper ÷ peak-to-mean. Sizes above the largest row go on by its law, four GB
    and the largest row's connections. Raises ValueError for no rows or an unknown plan.
    """
    if not rows:
        raise ValueError("Neon's table of compute sizes is empty")
    if plan not in PRICE_PER_CU_HOUR:
        raise ValueError(f"Neon's plans are {' and '.join(PRICE_PER_CU_HOUR)}, not {plan!r}")
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
            "a compute unit is taken as one core of unknown speed: run `loadgen calibrate` there",
        ),
        notes=(
            "A size is the upper bound of autoscaling; the price runs from its lower bound to its upper.",
            f"Scale to zero is to be switched off: a cold start of about {COLD_START_S.value:g} s "
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
