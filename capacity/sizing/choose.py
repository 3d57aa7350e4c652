"""Choice of the cheapest configuration that meets the objective with the required probability, on every date.

Where none does, the choice is the cheapest of those whose probability is within the draws' sampling error of the
highest, since no more servers are known to help. The configuration in place stays as long as it is one of them.

Dates are independent, since servers are added and removed at no cost. So the cheapest configuration of each date gives
the cheapest plan, found by trying all of them, and more load never makes it cheaper. The probability of meeting the
objective on all dates is lower than on any single one, and is reported too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from capacity.arrays import Bools, Floats
from capacity.due import Due, due_when
from capacity.formatting import chance
from capacity.measurements import MeasuredServer
from capacity.sizing.alternatives import alternatives, commonest_shortfall
from capacity.sizing.candidates import SHORT_OF, Configuration, Fit, carried_tps, fits
from capacity.sizing.costs import cost_per_month, storage_by_date, total_cost
from capacity.sizing.futures import Futures, Work
from capacity.sizing.results import DatedConfiguration, Sizing, Stage
from capacity.targets import Server, Target
from capacity.uncertainty import share_error, summary
from capacity.values import LEVEL, Interval

RELEASED = "no longer needed"


@dataclass(frozen=True, slots=True)
class Choice:
    """A sizing and the draws behind it."""

    sizing: Sizing
    futures: Futures
    fits: tuple[Fit, ...]
    configurations: tuple[Configuration, ...]
    """Chosen configuration of each date."""
    met: Bools
    """True where the plan meets the objective, by date and draw."""
    carried_tps: Floats
    """Draws of the capacity of today's configuration."""
    last_work: Work
    """Load in servers of the last configuration."""
    largest: Server
    """The server whose primary has the most room for writes."""
    largest_writes: Floats
    """Writes in servers like ``largest``; a row per date, a column per draw."""

    @property
    def last(self) -> Configuration:
        return self.configurations[-1]

    def fit(self, configuration: Configuration) -> Fit:
        """Return the fit of the configuration's server."""
        return next(fit for fit in self.fits if fit.server is configuration.server)


def choose(futures: Futures, target: Target, measured: MeasuredServer, wanted: float = 0.95, spare: int = 0) -> Choice:
    """Choose configurations. Raises ValueError unless 0.5 ≤ wanted ≤ 0.999 and 0 ≤ spare ≤ the target's replicas."""
    if not 0.5 <= wanted <= 0.999:
        raise ValueError(f"required probability: expected a number from 0.5 to 0.999, not {wanted:g}")
    if not 0 <= spare <= target.most_replicas:
        raise ValueError(f"spare servers: expected a number from 0 to {target.most_replicas}, not {spare}")
    candidates = fits(futures, target, measured, spare)
    storage = storage_by_date(futures)
    rows = len(futures.dates)
    # Probability (by date) and cost of every size and number of replicas.
    counts = np.arange(target.most_replicas + 1)
    probability = np.stack([_probabilities(fit, counts) for fit in candidates])
    costs = np.array(
        [
            [cost_per_month(target, Configuration(f.server, int(k)), storage[-1]).value for k in counts]
            for f in candidates
        ]
    )
    chosen: list[Configuration] = []
    reached = True
    for row in range(rows):
        good, enough = _good(probability[:, row, :], wanted)
        reached = reached and enough
        size, count = _cheapest(good, costs)
        here = Configuration(candidates[size].server, count)
        if not enough and chosen:
            was = [fit.server for fit in candidates].index(chosen[-1].server)
            here = chosen[-1] if good[was, chosen[-1].replicas] else here
        chosen.append(here)
    by_server = {fit.server.name: fit for fit in candidates}
    met = np.stack([by_server[c.server.name].meets(c.replicas)[row] for row, c in enumerate(chosen)])
    carried = {c: carried_tps(futures, target, measured, c, spare) for c in dict.fromkeys(chosen)}
    stages = _stages(futures, target, chosen, met, by_server, storage, reached, wanted)
    stages = tuple(
        replace(stage, carries_tps=_carries(carried[chosen[futures.dates.index(stage.until)]])) for stage in stages
    )
    sizing = Sizing(
        target=target.name,
        as_of=target.as_of,
        source=target.source,
        wanted=wanted,
        met=reached,
        probability=float(met.mean(axis=1).min()),
        throughout=float(met.all(axis=0).mean()),
        stages=stages,
        by_date=tuple(
            DatedConfiguration(date, c.server.name, c.replicas, float(row.mean()))
            for date, c, row in zip(futures.dates, chosen, met, strict=True)
        ),
        cost=total_cost(futures, target, chosen, storage),
        cost_unit=target.cost_unit,
        need=summary(futures.need[-1], LEVEL),
        rejected=alternatives(futures, target, chosen, candidates, probability, costs, wanted, spare),
        inputs=target.inputs,
        usable_ram=target.usable_ram,
    )
    last, largest = by_server[chosen[-1].server.name], _largest(candidates)
    return Choice(
        sizing,
        futures,
        candidates,
        tuple(chosen),
        met,
        carried[chosen[0]],
        last.work,
        largest.server,
        largest.work.writes,
    )


def _largest(candidates: Sequence[Fit]) -> Fit:
    """The server whose primary has the most room for writes, whatever the order in which the target lists them."""
    return min(candidates, key=lambda fit: float(np.median(fit.work.writes[-1])))


def _probabilities(fit: Fit, counts: np.ndarray) -> np.ndarray:
    """Probability of meeting the objective, by date and number of replicas."""
    ordered = np.sort(fit.replicas, axis=1)
    return np.stack([np.searchsorted(row, counts, side="right") / ordered.shape[1] for row in ordered])


def _good(probability: np.ndarray, wanted: float) -> tuple[Bools, bool]:
    """Sizes and replica counts that reach ``wanted``, and True; or those within error of the likeliest, and False."""
    enough = np.asarray(probability >= wanted, dtype=np.bool_)
    if enough.any():
        return enough, True
    best = float(probability.max())
    return np.asarray(probability >= best - share_error(best), dtype=np.bool_), False


def _cheapest(good: Bools, costs: np.ndarray) -> tuple[int, int]:
    """Size and replica count of the lowest cost; of equal ones the fewest replicas, then the first size."""
    _, count, size = min((float(costs[s, k]), int(k), int(s)) for s, k in np.argwhere(good))
    return size, count


def _carries(tps: Floats) -> Interval | None:
    return summary(tps, LEVEL) if np.isfinite(tps).all() else None


def _stages(
    futures: Futures,
    target: Target,
    chosen: Sequence[Configuration],
    met: Bools,
    by_server: dict[str, Fit],
    storage: Sequence[Interval | None],
    reached: bool,
    wanted: float,
) -> tuple[Stage, ...]:
    edges = [0, *(i for i in range(1, len(chosen)) if chosen[i] != chosen[i - 1]), len(chosen)]
    stages = []
    for n, (first, end) in enumerate(itertools.pairwise(edges)):
        here = chosen[first]
        start = futures.dates[max(first - 1, 0)]
        if first == 0:
            due, why = Due(start, start, start), "the cheapest configuration that meets the objective today"
            if not reached and float(met[0].mean()) < wanted:
                why = _likeliest(by_server[here.server.name], here, met[0])
        else:
            since, before = edges[n - 1], chosen[first - 1]
            enough = by_server[before.server.name].meets(before.replicas)
            why = _why(by_server[before.server.name], before, enough, first, here)
            crossed = ~enough
            if why.endswith(RELEASED):
                crossed = by_server[here.server.name].meets(here.replicas)
            due = replace(due_when(futures.dates[since:], crossed[since:]), planned=start)
        stages.append(
            Stage(
                from_date=start,
                until=futures.dates[end - 1],
                server=here.server.name,
                replicas=here.replicas,
                probability=float(met[first:end].mean(axis=1).min()),
                due=due,
                cost_per_month=cost_per_month(target, here, storage[end - 1]),
                why=why,
                cores=here.server.cores,
                ram_bytes=here.server.ram_bytes,
                max_connections=here.server.max_connections,
                price_per_month=here.server.price,
            )
        )
    return tuple(stages)


def _likeliest(fit: Fit, here: Configuration, met: Bools) -> str:
    """Reason for the choice where no configuration reaches the required probability."""
    share = float(met.mean())
    lacking = commonest_shortfall(fit, here, 0)
    short = f": {SHORT_OF[lacking]}" if lacking else ""
    return (
        f"no configuration reaches the required probability{short}; this is the cheapest within "
        f"{100 * share_error(share):.1f} percentage points (sampling error) of the highest"
    )


def _why(fit: Fit, before: Configuration, enough: Bools, row: int, here: Configuration) -> str:
    """Reason of a change: what the configuration before lacks, or that the next one saves money."""
    share, was = float(enough[row].mean()), float(enough[row - 1].mean())
    lacking = commonest_shortfall(fit, before, row)
    if share >= was or lacking is None:
        return f"{here.name} is enough again and costs less: {before.name} is {RELEASED}"
    return f"{before.name} would meet the objective with a probability of only {chance(share)}: {SHORT_OF[lacking]}"
