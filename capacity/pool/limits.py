"""A pool against the limits around it: the server's connections, the pooler's clients and its queue."""

from __future__ import annotations

from collections.abc import Mapping

from capacity.formatting import figure
from capacity.measurements import MeasuredServer
from capacity.pool.setting import PoolSetting
from capacity.queueing import erlang_c
from capacity.recommendation import Check
from capacity.values import Refusal

QUEUE_TIMEOUT_S = 120.0
"""PgBouncer's default query_wait_timeout, where the target names no pooler of its own."""
WAIT_SHARE = 0.99


def checks(
    size: int, most: int, server: MeasuredServer, setting: PoolSetting, hold_s: Mapping[str, float]
) -> tuple[Check, ...]:
    """Each limit that is known, kept or not. ``hold_s``: by scenario, how long a transaction holds a connection."""
    found = [*_connections(size, server, setting), *_pooler(most, server, setting)]
    if (queue := _queue(size, setting, hold_s)) is not None:
        found.append(queue)
    return tuple(found)


def _connections(size: int, server: MeasuredServer, setting: PoolSetting) -> list[Check]:
    most, reserved = server.max_connections, server.reserved_connections
    if setting.target is not None and setting.server is not None and not setting.target.measured:
        most, reserved = setting.server.max_connections, setting.target.reserved_connections
    if most is None:
        return []
    # Each pair of user and database keeps a pool of its own: all of them must fit.
    usable, needed = most - reserved, max(size, setting.deployment.instances * setting.deployment.pools)
    what = f"max_connections {most} less {reserved} reserved"
    if needed > size:
        what += f"; {needed} pools keep at least a connection each"
    return [Check("connections", float(needed), float(usable), needed <= usable, what)]


def _pooler(most: int, server: MeasuredServer, setting: PoolSetting) -> list[Check]:
    if setting.target is None or (pooler := setting.target.pooler) is None:
        return []
    found = []
    limit = setting.server.max_connections if setting.server is not None else server.max_connections
    if pooler.default_pool is not None and limit is not None:
        opened = int(pooler.default_pool * limit)
        what = (
            f"{pooler.name} opens up to {opened} server connections for a user and database: it does not protect the "
            f"server, so the application's own pools must be the limit"
        )
        found.append(Check("pooler_pool", float(opened), float(most), opened <= most, what))
    if pooler.max_clients is not None:
        clients = setting.deployment.instances * setting.deployment.pools
        what = f"clients of {pooler.name}"
        found.append(
            Check("pooler_clients", float(clients), float(pooler.max_clients), clients <= pooler.max_clients, what)
        )
    return found


def _queue(size: int, setting: PoolSetting, hold_s: Mapping[str, float]) -> Check | None:
    """Waiting for a connection at the horizon's peak, by Erlang's C: a bound, since holds are not exponential."""
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
        what = f"the peak holds {figure(offered)} connections at once on one server: the queue grows while it lasts"
        return Check("queue_wait", offered, float(size), False, what)
    wait_s = queue.waiting_percentile_s(WAIT_SHARE, offered / tps)
    what = f"seconds until {WAIT_SHARE:.0%} of transactions have a connection at the peak; the limit is the pooler's"
    return Check("queue_wait", wait_s, timeout_s, wait_s <= timeout_s, what)
