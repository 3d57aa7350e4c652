"""Alternatives to the chosen configurations, and why each was rejected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.arrays import Floats
from capacity.formatting import chance, number
from capacity.recommendation import Rejected
from capacity.sizing.candidates import SHORT_OF, Configuration, Fit, Shortfall
from capacity.sizing.costs import storage_by_date, total_cost
from capacity.sizing.futures import Futures
from capacity.targets import Target


def commonest_shortfall(fit: Fit, configuration: Configuration, row: int) -> Shortfall | None:
    """Return the most frequent reason why a configuration fails on a date; None if it hardly ever fails."""
    failing = fit.replicas[row] > configuration.replicas
    reasons = fit.shortfall[row][failing]
    reasons = reasons[reasons >= 0]
    if not reasons.size:
        return Shortfall.READS if failing.mean() > 0.01 else None
    return list(Shortfall)[int(np.bincount(reasons).argmax())]


def alternatives(
    futures: Futures,
    target: Target,
    chosen: Sequence[Configuration],
    candidates: Sequence[Fit],
    probability: Floats,
    costs: Floats,
    wanted: float,
    spare: int,
) -> tuple[Rejected, ...]:
    """Return the rejected: cheaper and other configurations at the horizon, all servers from today, a spare one."""
    unit = f"{target.currency} a month" if target.priced else "servers"
    end, last = futures.dates[-1], chosen[-1]
    chosen_size = [fit.server for fit in candidates].index(last.server)
    own = float(costs[chosen_size, last.replicas])
    options: list[tuple[float, Rejected]] = []
    for size, fit in enumerate(candidates):
        cheaper = [k for k in range(costs.shape[1]) if costs[size, k] < own]
        if cheaper and (k := cheaper[-1]) >= 0 and not (size == chosen_size and k >= last.replicas):
            other = Configuration(fit.server, k)
            likely = float(probability[size, -1, k])
            lacking = commonest_shortfall(fit, other, -1)
            code = "too_small_memory" if lacking is Shortfall.MEMORY else "too_small"
            short = f": {SHORT_OF[lacking]}" if lacking else ""
            why = (
                f"would meet the objective on {end} with a probability of {chance(likely)}, not {chance(wanted)}{short}"
            )
            options.append((-likely, Rejected(other.name, why, code)))
        elif size != chosen_size and (good := [k for k in range(costs.shape[1]) if probability[size, -1, k] >= wanted]):
            other = Configuration(fit.server, good[0])
            more = float(costs[size, good[0]]) - own
            why = (
                f"meets the objective too, but costs {number(more)} {unit} more on {end}"
                if more
                else "meets the objective too, but with more servers"
            )
            options.append((more, Rejected(other.name, why, "dearer")))
    likely_first = [r for _, r in sorted((o for o in options if o[1].code != "dearer"), key=lambda o: o[0])[:3]]
    cheap_first = [r for _, r in sorted((o for o in options if o[1].code == "dearer"), key=lambda o: o[0])[:3]]
    return (
        *likely_first,
        *cheap_first,
        *_at_once(futures, target, chosen, own),
        *_spare(target, costs[chosen_size], last, spare),
    )


def _at_once(futures: Futures, target: Target, chosen: Sequence[Configuration], own: float) -> tuple[Rejected, ...]:
    if chosen[0] == chosen[-1]:
        return ()
    storage = storage_by_date(futures)
    staged = total_cost(futures, target, chosen, storage).value
    whole = total_cost(futures, target, [chosen[-1]] * len(chosen), storage).value
    if whole <= staged:
        return ()
    why = (
        f"would cost {number(whole - staged)} {target.cost_unit} more up to the horizon, and growth may turn out slower"
    )
    return (Rejected(f"{chosen[-1].name} from today on", why, "too_early"),)


def _spare(target: Target, costs: Floats, last: Configuration, spare: int) -> tuple[Rejected, ...]:
    if spare or last.replicas + 1 >= len(costs):
        return ()
    more = float(costs[last.replicas + 1] - costs[last.replicas])
    unit = f"{target.currency} a month" if target.priced else "server"
    why = f"not needed for load, but without it a failure at the peak misses the objective; {number(more)} {unit} more"
    return (Rejected("one server to spare (N+1)", why + ": --spare 1", "not_asked"),)
