"""Fit of the scalability law to a sweep, whose runs are in blocks between which the machine drifts."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from capacity.scalability.bend import MOST_LEVELS, bend
from capacity.scalability.blocks import BlockedMeans, blocked_means
from capacity.scalability.fit import fit_usl, unusable
from capacity.scalability.objective import Repeat
from capacity.scalability.usl import Levels, Usl
from capacity.values import LEVEL, Interval, Refusal


def fit_sweep(repeats: Sequence[Repeat], level: float = LEVEL) -> Usl | Refusal:
    """Fit the law by :func:`fit_usl` to a sweep's runs, with errors proportional to throughput and drift removed.

    Drift is common to a block's levels, so it does not affect α and β. Its error in the mean of the blocks widens γ,
    and that of a further block widens predictions, which follow the levels where they deviate from the law. Refuses
    what :func:`fit_usl` refuses.
    """
    from scipy.special import stdtrit

    n, x = [float(r.level) for r in repeats], [r.throughput_tps for r in repeats]
    if (refusal := unusable(np.array(n), np.array(x), np.ones(len(n)), level)) is not None:
        return refusal
    by_load: dict[int, list[Repeat]] = defaultdict(list)
    for repeat in repeats:
        by_load[repeat.level].append(repeat)
    levels = sorted(by_load)
    means = blocked_means([[(r.block, math.log(r.throughput_tps)) for r in by_load[load]] for load in levels])
    if means is None:
        return fit_usl(n, x, level, spreads=x)
    centre = dict(zip(levels, means.means, strict=True))
    off: dict[int, list[float]] = defaultdict(list)
    for repeat in repeats:
        off[repeat.block].append(math.log(repeat.throughput_tps) - centre[repeat.level])
    # Where blocks differ by no more than runs do, subtracting their means would only fit noise.
    drift = {block: float(np.mean(values)) if means.block_sd > 0 else 0.0 for block, values in off.items()}
    fit = fit_usl(
        n,
        [r.throughput_tps * math.exp(-drift[r.block]) for r in repeats],
        level,
        spreads=[math.exp(centre[r.level]) for r in repeats],
    )
    if isinstance(fit, Refusal):
        return fit
    fit = replace(fit, _levels=_levels(fit, levels, means, level))
    if means.block_sd == 0:
        return fit
    half = float(stdtrit(means.block_df, (1 + level) / 2)) * means.block_sd
    left, gamma = half / math.sqrt(len(off)), fit.gamma
    widened = Interval(
        max(gamma.value - math.hypot(gamma.value - gamma.low, left * gamma.value), 0.0),
        gamma.value,
        gamma.value + math.hypot(gamma.high - gamma.value, left * gamma.value),
        level,
    )
    return replace(fit, gamma=widened, drift=math.hypot(half, left))


def _levels(fit: Usl, loads: Sequence[int], means: BlockedMeans, level: float) -> Levels | None:
    """Deviation of the levels from the law, and scatter of runs; None with more than MOST_LEVELS levels."""
    from scipy.special import stdtrit

    if len(loads) > MOST_LEVELS:
        return None
    by_law = [fit.law.throughput(load) for load in loads]
    logs = np.log([x for x in by_law if not isinstance(x, Refusal)])  # none is: all were measured
    few, many = (float(stdtrit(df, (1 + level) / 2)) for df in (means.block_df, means.run_df))
    common = float(np.mean(means.errors**2 - means.own_errors**2))
    return Levels(
        bend=bend(np.array(loads, dtype=np.float64), means.means - logs, means.own_errors),
        t=many,
        run_half=many * means.run_sd,
        drift_half=few * math.sqrt(max(common, 0.0) + means.block_sd**2),
    )
