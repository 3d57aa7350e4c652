"""Sensitivity of the plan to its inputs, which says what to measure next.

The result is the load at the horizon, in servers of the plan's last configuration. The share of an input is its
first-order index, Var(E[ln load | input]) ÷ Var(ln load), with means within equally probable strata of the input's
draws, less the variance of those means by chance (I. M. Sobol, 1993; the estimate by strata: M. D. McKay, 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from capacity.arrays import Floats
from capacity.sizing.results import Sensitivity
from capacity.uncertainty import DRAWS, scores, summary
from capacity.values import LEVEL, Input, Refusal

STRATA = 40
MOST_KNOWN = 6
"""Number of inputs, largest shares first, for which futures are simulated again with them, or all others, known."""
LEAST_SHARE = 0.005
"""Least share that this many draws distinguish from 0."""

MEASURE = {
    "users": "a longer history of users: see `loadgen forecast`",
    "daily_active_share": "number of users with a session per day, from production's log",
    "sessions_per_active_day": "sessions per day of active users, from production's log",
    "transactions_per_session": "transactions per session: pg_stat_database.xact_commit over the sessions in the log",
    "transactions_per_user_day": "a profile of more weeks of production: see `loadgen workload --profile`",
    "peak_to_mean": "request counts per minute over some weeks of production: see `loadgen workload --requests`",
    "write_cost": "runs of only reading and of only writing transactions, with the server's CPU measured",
    "replay_cost": "`loadgen run SCENARIO --replica DSN`, then plan with `--run` of that run",
    "target_utilisation": "a sweep while vacuum, backups and batch jobs run",
    "core_speed": "`loadgen calibrate` on the target",
    "scaling": "a sweep on a second size of the target",
    "waits": "`loadgen calibrate` on the measured server and on the target",
}
_LONGER = "longer runs and more repeats: `loadgen sweep {}`"
MEASURE_EACH = {
    "capacity": _LONGER,
    "throughput": _LONGER,
    "utilisation": _LONGER,
    "cpu_s": _LONGER,
    "write_cost": "runs of {} with other shares of reading and writing transactions",
    "replay_s": "longer runs: `loadgen run {} --replica DSN`",
    "waits": "`loadgen calibrate` for longer, on both servers",
    "mix": "production's statement mix: `loadgen profile`",
    "event": "the effect of earlier launches and campaigns on the load",
}
"""Advice on measuring inputs that exist once per scenario, transaction or event."""


def shares(load: Floats, names: Sequence[str]) -> dict[str, float]:
    """Return the first-order index of each input for draws of the load; 0 for all where the load is certain."""
    log_load = np.log(np.maximum(load, 1e-300))
    total = float(log_load.var())
    if not total > 1e-18:
        return dict.fromkeys(names, 0.0)
    return {name: _first_order(log_load, scores(name), total) for name in names}


def sensitivities(
    load: Floats, inputs: Sequence[Input], redraw: Callable[[frozenset[str]], Floats | Refusal]
) -> tuple[Sensitivity, ...]:
    """Return the inputs with a share above 0, largest first. ``redraw`` draws the load with some inputs known."""
    names = frozenset(item.name for item in inputs)
    share_by_name = shares(load, [item.name for item in inputs])
    ranked = sorted(inputs, key=lambda item: (-share_by_name[item.name], item.name))
    answers = []
    for item in ranked[:MOST_KNOWN]:
        if share_by_name[item.name] < LEAST_SHARE:
            break
        known, alone = redraw(frozenset({item.name})), redraw(names - {item.name})
        if isinstance(known, Refusal) or isinstance(alone, Refusal):
            break
        answers.append(
            Sensitivity(
                name=item.name,
                share=share_by_name[item.name],
                if_known=summary(known, LEVEL),
                origin=item.origin,
                measure=_how(item.name),
                alone=summary(alone, LEVEL),
                raises=bool(np.dot(scores(item.name), alone) >= 0),
            )
        )
    return tuple(answers)


def _first_order(log_load: Floats, normals: Floats, total: float) -> float:
    parts = np.array_split(log_load[np.argsort(normals, kind="stable")], STRATA)
    means = np.array([part.mean() for part in parts])
    within = float(np.mean([part.var(ddof=1) for part in parts]))
    chance = within / (DRAWS / STRATA)
    return min(max((float(means.var(ddof=1)) - chance) / total, 0.0), 1.0)


def _how(name: str) -> str:
    kind, _, subject = name.partition(".")
    if subject and (how := MEASURE_EACH.get(kind)) is not None:
        return how.format(subject)
    return MEASURE.get(name, "measure it in production")
