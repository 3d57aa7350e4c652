"""Costs of configurations: per month and up to the horizon."""

from __future__ import annotations

from collections.abc import Sequence

from capacity.sizing.candidates import Configuration
from capacity.sizing.futures import Futures
from capacity.targets import Target
from capacity.uncertainty import summary
from capacity.values import LEVEL, Interval

GB = 1e9


def cost_per_month(target: Target, configuration: Configuration, storage_bytes: Interval | None) -> Interval:
    """Return the monthly price of the servers and their storage; the number of servers where they have no price."""
    servers = 1 + configuration.replicas
    price = configuration.server.price
    if price is None:
        return Interval.exact(servers)
    cost = price.scaled(servers)
    if storage_bytes is None or target.storage_price is None:
        return cost
    copies = 1 if target.shared_storage else servers
    stored, gb = target.storage_price, storage_bytes.scaled(copies / GB)
    return Interval(
        cost.low + stored.low * gb.low,
        cost.value + stored.value * gb.value,
        cost.high + stored.high * gb.high,
        cost.level,
    )


def storage_by_date(futures: Futures) -> list[Interval | None]:
    """Return the bytes of one copy of the data by date; None where no sizes were measured."""
    if futures.storage_bytes is None:
        return [None] * len(futures.dates)
    return [summary(row, LEVEL) for row in futures.storage_bytes]


def total_cost(
    futures: Futures, target: Target, chosen: Sequence[Configuration], storage: Sequence[Interval | None]
) -> Interval:
    """Return the cost up to the horizon; each configuration is paid from the date before it is needed."""
    low = value = high = 0.0
    for months, configuration, stored in zip(futures.months, chosen[1:], storage[1:], strict=True):
        cost = cost_per_month(target, configuration, stored)
        low, value, high = low + months * cost.low, value + months * cost.value, high + months * cost.high
    return Interval(low, value, high, LEVEL)
