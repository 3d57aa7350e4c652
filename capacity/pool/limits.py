"""Checks of a pool against limits: the server's connections, the pooler's clients and its queue."""

from __future__ import annotations

from collections.abc import Mapping

from capacity.formatting import number
from capacity.measurements import MeasuredServer
from capacity.pool.setting import PoolSetting
from capacity.queueing import erlang_c
from capacity.recommendation import Check
from capacity.values import Refusal

QUEUE_TIMEOUT_S = 120.0
"""PgBouncer's default query_wait_timeout, used where the target has no pooler of its own."""
WAIT_SHARE = 0.99


def checks(
    size: int, most: int, server: MeasuredServer, setting: PoolSetting, hold_s: Mapping[str, float]
) -> tuple[Check, ...]:
    """Check each known limit. ``hold_s`` is the time that a transaction holds a connection, by scenario."""
    results = [*_connections(size, server, setting), *_pooler(most, server, setting)]
    if (queue := _queue(size, setting, hold_s)) is not None:
        results.append(queue)
    return tuple(results)


def _connections(size: int, server: MeasuredServer, setting: PoolSetting) -> list[Check]:
    most, reserved = server.max_connections, server.reserved_connections
    if setting.target is not None and setting.server is not None and not setting.target.measured:
        most, reserved = setting.server.max_connections, setting.target.reserved_connections
    if most is None:
        return []
    # A pooler keeps a pool for each pair of user and database; all of them must fit.
    usable, needed = most - reserved, max(size, setting.deployment.instances * setting.deployment.pools)
    what = f"max_connections {most} less {reserved} reserved"
    if needed > size:
        what += f"; each of {needed} pools keeps at least one connection"
    return [Check("connections", float(needed), float(usable), needed <= usable, what)]


def _pooler(most: int, server: MeasuredServer, setting: PoolSetting) -> list[Check]:
    if setting.target is None or (pooler := setting.target.pooler) is None:
        return []
    results = []
    limit = setting.server.max_connections if setting.server is not None else server.max_connections
    if pooler.default_pool is not None and limit is not None:
        opened = int(pooler.default_pool * limit)
        what = (
            f"{pooler.name} opens up to {opened} server connections per user and database, too many to protect the "
            f"server, so the application's own pools must be the limit"
        )
        results.append(Check("pooler_pool", float(opened), float(most), opened <= most, what))
    if pooler.max_clients is not None:
        clients = setting.deployment.instances * setting.deployment.pools
        what = f"clients of {pooler.name}"
        results.append(
            Check("pooler_clients", float(clients), float(pooler.max_clients), clients <= pooler.max_clients, what)
        )
    return results


def _queue(size: int, setting: PoolSetting, hold_s: Mapping[str, float]) -> Check | None:
    """Wait for a connection at the horizon's peak by Erlang's C: a bound, since hold times are not exponential."""
    if not setting.peak_tps:
        return None
    pooler = setting.target.pooler if setting.target is not None else None
    timeout_s = (pooler.queue_timeout_s if pooler is not None else None) or QUEUE_TIMEOUT_S
    offered = sum(tps * hold_s.get(name, 0.0) for name, tps in setting.peak_tps.items())
    tps = sum(setting.peak_tps.values())
    if not tps > 0:
        return None
    queue = erlang_c(offered, size)
    if isinstance(queue, Refusal):
        what = (
            f"the peak load needs {number(offered)} connections of one server at once; the queue grows while it lasts"
        )
        return Check("queue_wait", offered, float(size), False, what)
    wait_s = queue.waiting_percentile_s(WAIT_SHARE, offered / tps)
    what = (
        f"wait in s of {WAIT_SHARE:.0%} of transactions for a connection at the peak; the limit is the pooler's timeout"
    )
    return Check("queue_wait", wait_s, timeout_s, wait_s <= timeout_s, what)
