"""Alert rules of a plan: thresholds on PostgreSQL's metrics at which to take the next step.

A plan's dates follow from the forecast growth; its alerts fire on the actual growth. Severity ``plan`` means that the
next step has to be ordered, ``act`` that the objective is at risk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.formatting import number, share, size
from capacity.plan.document import Metric, Trigger
from capacity.recommendation import Recommendation
from capacity.sizing.choose import Choice

NOTICE = 0.8
"""Share of a threshold at which to order the next step, which takes time to arrive (assumption)."""
SUSTAINED_S = 300
LAG_S = 10.0
"""Replication lag in s above which users notice stale pages (assumption)."""
MISSES = 0.01
"""Share of block requests that miss the buffers once the working set no longer fits (assumption)."""


def triggers(
    choice: Choice, pool: Recommendation | None, partitions: Sequence[Recommendation], ram_bytes: float | None
) -> tuple[Trigger, ...]:
    """Return the rules for which the plan has a threshold. ``ram_bytes`` is the memory of the first stage's server."""
    rules = [*_transactions(choice), *_connections(pool), *_lag(choice)]
    if ram_bytes is not None:
        rules.append(_memory(ram_bytes))
        rules += [_table(advice, ram_bytes) for advice in partitions if advice.design is not None]
    return tuple(rules)


def _transactions(choice: Choice) -> list[Trigger]:
    """Rules on the load that today's configuration carries with the required probability, in the plan's mix."""
    first, required = choice.configurations[0], choice.sizing.wanted
    limit = float(np.quantile(choice.carried_tps, 1 - required))
    if not 0 < limit < np.inf:
        return []
    next_step = next((c.name for c in choice.configurations if c != first), f"more than {first.name}")
    why = f"{first.name} carries {number(limit)} transactions/s of this mix with a probability of {share(required)}"
    return [
        Trigger(
            "LoadNearsStep", Metric.TRANSACTIONS, "", NOTICE * limit, 3 * SUSTAINED_S, "plan", why, f"order {next_step}"
        ),
        Trigger("LoadAtStep", Metric.TRANSACTIONS, "", limit, SUSTAINED_S, "act", why, f"change to {next_step}"),
    ]


def _connections(pool: Recommendation | None) -> list[Trigger]:
    if pool is None:
        return []
    most = max(float(pool.most or 0), pool.at_horizon.high)
    why = f"above {number(most)} busy connections the sweeps measured no more throughput, only longer response times"
    return [
        Trigger("PoolTooLarge", Metric.ACTIVE, "", most, SUSTAINED_S, "act", why, "lower the pool's size"),
        Trigger(
            "ConnectionsRunOut",
            Metric.CONNECTIONS,
            "",
            NOTICE,
            SUSTAINED_S,
            "act",
            "the server refuses clients once max_connections, less the reserved connections, are in use",
            "put a connection pooler in front, or make each instance's pool smaller",
        ),
    ]


def _lag(choice: Choice) -> list[Trigger]:
    if not any(c.replicas for c in choice.configurations):
        return []
    why = f"at more than {LAG_S:g} s of replication lag users see stale pages, and replay does not keep up"
    return [
        Trigger("ReplicaLags", Metric.REPLAY_LAG, "", LAG_S, SUSTAINED_S, "act", why, "send no reads to that replica")
    ]


def _memory(ram_bytes: float) -> Trigger:
    why = f"the working set no longer fits into {size(ram_bytes)} of memory; it did in every measured run"
    return Trigger("WorkingSetLeavesMemory", Metric.READS, "", MISSES, 3 * SUSTAINED_S, "plan", why, "add memory")


def _table(advice: Recommendation, ram_bytes: float) -> Trigger:
    why = f"{advice.subject} approaches the server's memory of {size(ram_bytes)}, above which partitioning pays off"
    name = "PartitionTable" + "".join(part.capitalize() for part in advice.subject.split("_"))
    limit = NOTICE * ram_bytes
    return Trigger(name, Metric.TABLE_BYTES, advice.subject, limit, 3600, "plan", why, "run the plan's partition SQL")
