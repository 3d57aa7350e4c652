"""When to take the next step although nobody looks at the plan: thresholds on figures that PostgreSQL exposes.

A plan's dates are of the growth that was forecast; its triggers fire on the growth that comes. ``plan`` means that the
next step has to be ordered, ``act`` that the objective is at stake.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.formatting import figure, size
from capacity.plan.document import Metric, Trigger
from capacity.recommendation import Recommendation
from capacity.sizing.choose import Choice

NOTICE = 0.8
"""Of a threshold at which to order what takes time to get (assumption)."""
SUSTAINED_S = 300
LAG_S = 10.0
"""Of replication beyond which a user notices an old page (assumption)."""
MISSES = 0.01
"""Of block requests; the working set has left the buffers (assumption: a rule of thumb, no measurement)."""


def triggers(
    choice: Choice, pool: Recommendation | None, partitions: Sequence[Recommendation], ram_bytes: float | None
) -> tuple[Trigger, ...]:
    """Those that the plan has a threshold for. ``ram_bytes``: of the first stage's server."""
    found = [*_transactions(choice), *_connections(pool), *_lag(choice)]
    if ram_bytes is not None:
        found.append(_memory(ram_bytes))
        found += [_table(advice, ram_bytes) for advice in partitions if advice.design is not None]
    return tuple(found)


def _transactions(choice: Choice) -> list[Trigger]:
    """The load that today's configuration carries with the probability wanted, in the plan's own mix."""
    first, wanted = choice.configurations[0], choice.sizing.wanted
    limit = float(np.quantile(choice.carried_tps, 1 - wanted))
    if not 0 < limit < np.inf:
        return []
    then = next((c.name for c in choice.configurations if c != first), f"more than {first.name}")
    why = f"{first.name} carries {figure(limit)} transactions a second of this mix with a probability of {wanted:.0%}"
    return [
        Trigger(
            "LoadNearsStep", Metric.TRANSACTIONS, "", NOTICE * limit, 3 * SUSTAINED_S, "plan", why, f"order {then}"
        ),
        Trigger("LoadAtStep", Metric.TRANSACTIONS, "", limit, SUSTAINED_S, "act", why, f"go to {then}"),
    ]


def _connections(pool: Recommendation | None) -> list[Trigger]:
    if pool is None:
        return []
    most = max(float(pool.most or 0), pool.at_horizon.high)
    why = f"above {figure(most)} connections at work the sweeps showed no more throughput, only longer responses"
    return [
        Trigger("PoolTooLarge", Metric.ACTIVE, "", most, SUSTAINED_S, "act", why, "lower the pool's size"),
        Trigger(
            "ConnectionsRunOut",
            Metric.CONNECTIONS,
            "",
            NOTICE,
            SUSTAINED_S,
            "act",
            "of max_connections less the reserved ones; the next clients are refused",
            "pool the application's connections, or lower each instance's share",
        ),
    ]


def _lag(choice: Choice) -> list[Trigger]:
    if not any(c.replicas for c in choice.configurations):
        return []
    why = f"replicas that lag by more than {LAG_S:g} s show users old pages, and replay does not keep up"
    return [
        Trigger("ReplicaLags", Metric.REPLAY_LAG, "", LAG_S, SUSTAINED_S, "act", why, "move reads off that replica")
    ]


def _memory(ram_bytes: float) -> Trigger:
    why = f"the working set no longer fits into {size(ram_bytes)} of memory, as it did in every measured run"
    return Trigger("WorkingSetLeavesMemory", Metric.READS, "", MISSES, 3 * SUSTAINED_S, "plan", why, "more memory")


def _table(advice: Recommendation, ram_bytes: float) -> Trigger:
    why = f"{advice.subject} nears the server's memory of {size(ram_bytes)}, from which partitions pay"
    name = "PartitionTable" + "".join(part.capitalize() for part in advice.subject.split("_"))
    limit = NOTICE * ram_bytes
    return Trigger(name, Metric.TABLE_BYTES, advice.subject, limit, 3600, "plan", why, "run the plan's partition SQL")
