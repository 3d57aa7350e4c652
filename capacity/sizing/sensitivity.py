"""Which uncertainty the answer hangs on, and hence what to measure next.

The answer is the load at the horizon, in servers of the plan's last configuration. The share of an input is its
first-order index, Var(E[ln load | input]) ÷ Var(ln load), the mean taken within equally probable strata of the input's
draws and the scatter of those means that chance alone gives taken off (I. M. Sobol, 1993; the estimate by strata: M. D.
McKay, 1995).
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
"""Inputs, those of the greatest share, for which the future is drawn anew as if they, or all others, were known."""
LEAST_SHARE = 0.005
"""Below it an input is not told from none by this many draws."""

MEASURE = {
    "users": "a longer history of users: see `loadgen forecast`",
    "daily_active_share": "users with a session a day, from production's log",
    "sessions_per_active_day": "sessions a day of active users, from production's log",
    "transactions_per_session": "transactions over sessions: pg_stat_database.xact_commit against the log",
    "transactions_per_user_day": "a profile of production over more weeks: see `loadgen workload --profile`",
    "peak_to_mean": "request rates by the minute over some weeks of production: see `loadgen workload --requests`",
    "write_cost": "runs of reading and of writing transactions alone, with the server's CPU",
    "replay_cost": "`loadgen run SCENARIO --replica DSN`, then the plan with that `--run`",
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
    "write_cost": "runs of {}'s reading and writing transactions in other shares",
    "replay_s": "longer runs: `loadgen run {} --replica DSN`",
    "waits": "`loadgen calibrate` for longer, on both servers",
    "mix": "the statement mix of production: `loadgen profile`",
    "event": "what earlier launches and campaigns did to the load",
}
"""Of a scenario, transaction or event each."""


def shares(load: Floats, names: Sequence[str]) -> dict[str, float]:
    """First-order index of each input on draws of the load; 0 for all where the load is certain."""
    answer = np.log(np.maximum(load, 1e-300))
    total = float(answer.var())
    if not total > 1e-18:
        return dict.fromkeys(names, 0.0)
    return {name: _first_order(answer, scores(name), total) for name in names}


def sensitivities(
    load: Floats, inputs: Sequence[Input], again: Callable[[frozenset[str]], Floats | Refusal]
) -> tuple[Sensitivity, ...]:
    """Inputs whose share is not none, the greatest first. ``again`` draws the load with some inputs known."""
    names = frozenset(given.name for given in inputs)
    found = shares(load, [given.name for given in inputs])
    ranked = sorted(inputs, key=lambda given: (-found[given.name], given.name))
    answers = []
    for given in ranked[:MOST_KNOWN]:
        if found[given.name] < LEAST_SHARE:
            break
        known, alone = again(frozenset({given.name})), again(names - {given.name})
        if isinstance(known, Refusal) or isinstance(alone, Refusal):
            break
        answers.append(
            Sensitivity(
                name=given.name,
                share=found[given.name],
                if_known=summary(known, LEVEL),
                origin=given.origin,
                measure=_how(given.name),
                alone=summary(alone, LEVEL),
                raises=bool(np.dot(scores(given.name), alone) >= 0),
            )
        )
    return tuple(answers)


def _first_order(answer: Floats, score: Floats, total: float) -> float:
    parts = np.array_split(answer[np.argsort(score, kind="stable")], STRATA)
    means = np.array([part.mean() for part in parts])
    within = float(np.mean([part.var(ddof=1) for part in parts]))
    chance = within / (DRAWS / STRATA)
    return min(max((float(means.var(ddof=1)) - chance) / total, 0.0), 1.0)


def _how(name: str) -> str:
    kind, _, of = name.partition(".")
    if of and (how := MEASURE_EACH.get(kind)) is not None:
        return how.format(of)
    return MEASURE.get(name, "a measurement of it in production")
