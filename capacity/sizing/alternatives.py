"""Why nothing cheaper was chosen, nothing else, and not all of it at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.arrays import Floats
from capacity.formatting import chance, figure
from capacity.recommendation import Rejected
from capacity.sizing.candidates import SHORT_OF, Configuration, Fit, Shortfall
from capacity.sizing.costs import storage_by_date, total_cost
from capacity.sizing.futures import Futures
from capacity.targets import Target


def commonest_shortfall(fit: Fit, configuration: Configuration, row: int) -> Shortfall | None:
    """The commonest reason why it fails on that date."""
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
    found: Sequence[Fit],
    probability: Floats,
    costs: Floats,
    wanted: float,
    spare: int,
) -> tuple[Rejected, ...]:
    """Why nothing cheaper, nothing else, and not all of it at once; at the horizon."""
    unit = f"{target.currency} a month" if target.priced else "servers"
    end, last = futures.dates[-1], chosen[-1]
    at = [fit.server for fit in found].index(last.server)
    own = float(costs[at, last.replicas])
    options: list[tuple[float, Rejected]] = []
    for size, fit in enumerate(found):
        cheaper = [k for k in range(costs.shape[1]) if costs[size, k] < own]
        if cheaper and (k := cheaper[-1]) >= 0 and not (size == at and k >= last.replicas):
            other = Configuration(fit.server, k)
            likely = float(probability[size, -1, k])
            lacking = commonest_shortfall(fit, other, -1)
            code = "too_small_memory" if lacking is Shortfall.MEMORY else "too_small"
            short = f": {SHORT_OF[lacking]}" if lacking else ""
            why = (
                f"meets the objective on {end} with a probability of only {chance(likely)}, not {chance(wanted)}{short}"
            )
            options.append((-likely, Rejected(other.name, why, code)))
        elif size != at and (good := [k for k in range(costs.shape[1]) if probability[size, -1, k] >= wanted]):
            other = Configuration(fit.server, good[0])
            more = float(costs[size, good[0]]) - own
            why = (
                f"meets it too, for {figure(more)} {unit} more on {end}" if more else "meets it too, with more servers"
            )
            options.append((more, Rejected(other.name, why, "dearer")))
    likely_first = [r for _, r in sorted((o for o in options if o[1].code != "dearer"), key=lambda o: o[0])[:3]]
    cheap_first = [r for _, r in sorted((o for o in options if o[1].code == "dearer"), key=lambda o: o[0])[:3]]
    return (
        *likely_first,
        *cheap_first,
        *_at_once(futures, target, chosen, own),
        *_spare(target, costs[at], last, spare),
    )


def _at_once(futures: Futures, target: Target, chosen: Sequence[Configuration], own: float) -> tuple[Rejected, ...]:
    if chosen[0] == chosen[-1]:
        return ()
    storage = storage_by_date(futures)
    staged = total_cost(futures, target, chosen, storage).value
    whole = total_cost(futures, target, [chosen[-1]] * len(chosen), storage).value
    if whole <= staged:
        return ()
    why = f"would cost {figure(whole - staged)} {target.cost_unit} more up to the horizon, and growth may be slower"
    return (Rejected(f"{chosen[-1].name} from today on", why, "too_early"),)


def _spare(target: Target, costs: Floats, last: Configuration, spare: int) -> tuple[Rejected, ...]:
    if spare or last.replicas + 1 >= len(costs):
        return ()
    more = float(costs[last.replicas + 1] - costs[last.replicas])
    unit = f"{target.currency} a month" if target.priced else "server"
    why = f"not needed for load; a server that fails at the peak then costs the objective. {figure(more)} {unit} more"
    return (Rejected("one server to spare (N+1)", why + ": --spare 1", "not_asked"),)
