"""The back-test: what each model, and the mixture of them, would have said from earlier origins of the same history.

Season, models and weights are made again at each origin from what was known then; a break is mended from three periods
after it. Only the season's length, and how far off a value must be to be called a break, come from the whole history.
A model's weight is its prior times its mean error, relative to the best model's, to the power −8; errors are divided
by h^0.8 so that all horizons speak, count by how recent their origin was, and are shrunk towards those of damped
smoothing as if each had been seen at one origin more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from capacity.growth import models
from capacity.growth.breaks import Breaks, find_breaks
from capacity.growth.season import Pattern, find

MOST_ORIGINS = 48
"""Spread evenly: more cost time and, sharing most of their future, teach little."""
SHARPNESS = 8.0
"""Of the weights; on the tuning series anything from 5 to 20 does equally well, an average (below 2) worse."""
USUAL_POWER = 0.8
"""Errors grow about as h^0.8 before anything is known of this history: between a random walk and a wrong slope."""
_RECENT_STEPS = 12
_LEAST_SCALE = 0.05
"""Of the largest: a standstill in the past must not make every later error look infinite."""
_NO_SCALE = 1e-9
"""Of the largest value: the least scale where a season is all that there is."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """``errors``: mixture's absolute errors, a row per past origin, a column per horizon, NaN where not yet known.

    ``likeness`` is how much of their mixtures two origins share, 0 to 1. ``scale`` is the size of a step without season
    as each origin saw it, ``steps`` the mean size of one with it. In these three the present is the last origin.
    """

    point: Floats
    weights: Floats
    pattern: Pattern | None
    breaks: Breaks
    season_removed: Floats
    ends: Ints
    errors: Floats
    likeness: Floats
    scale: Floats
    steps: Floats


def back_test(values: Floats, horizon: int, seasons: Sequence[int], least_f: float) -> BackTest:
    """Forecast from every origin, the last of which is the present. Needs at least twelve values, not all equal."""
    count = len(values)
    pattern = find(values, seasons, least_f)
    length = pattern.length if pattern else 1
    flat = pattern.removed(values) if pattern else values
    breaks = find_breaks(flat)
    ends = _origins(count, length)
    starts = np.zeros((len(ends), count))
    patterns: list[Pattern | None] = []
    for row, end in enumerate(ends):
        known = breaks.known_at(flat, int(end))
        known = pattern.restored(known, 0) if pattern else known
        # The length is known throughout, the pattern itself only as far as an origin had seen it.
        seen = find(known, [length], least_f) if pattern else None
        starts[row, :end] = seen.removed(known) if seen else known
        patterns.append(seen)
    made, spoke = models.paths(starts, ends, horizon, length if length > 1 else None)
    for row, seen in enumerate(patterns):
        if seen:
            made[row] = seen.restored(made[row], int(ends[row]))
    made = np.maximum(made, 0.0)
    scale = _step_scales(starts, ends)
    later = np.full((len(ends), horizon), np.nan)
    for row, end in enumerate(ends):
        later[row, : min(horizon, count - end)] = values[end : end + horizon]
    weights = _weights(np.abs(later[:, None, :] - made) / scale[:, None, None], spoke, ends)
    mixed = np.sum(made * weights[:, :, None], axis=1)
    return BackTest(
        point=mixed[-1],
        weights=weights[-1],
        pattern=patterns[-1],
        breaks=breaks,
        season_removed=starts[-1],
        ends=ends,
        errors=np.abs(later - mixed)[:-1],
        likeness=np.minimum(weights[:, None], weights[None]).sum(axis=2),
        scale=scale,
        steps=np.cumsum(np.abs(np.diff(values)))[ends - 2] / (ends - 1),
    )


def _origins(count: int, season: int) -> Ints:
    first = min(max(models.FEWEST, min(season + 1, count // 2)), count - 2)
    ends = np.arange(first, count + 1)
    if len(ends) > MOST_ORIGINS:
        ends = np.unique(np.linspace(first, count, MOST_ORIGINS).round().astype(np.int64))
    return ends


def _step_scales(starts: Floats, ends: Ints) -> Floats:
    """By origin: mean absolute step, the last year's for 0.7 and that of all that was known for 0.3."""
    steps = np.abs(np.diff(starts, axis=1))
    scales = np.array(
        [0.7 * steps[i, : e - 1][-_RECENT_STEPS:].mean() + 0.3 * steps[i, : e - 1].mean() for i, e in enumerate(ends)]
    )
    return np.asarray(np.maximum(scales, max(_LEAST_SCALE * scales.max(), _NO_SCALE)), dtype=np.float64)


def _weights(errors: Floats, spoke: Bools, ends: Ints) -> Floats:
    """By origin and model, from the errors that had become known by that origin; a row sums to 1.

    Each model is compared with damped smoothing over the origins at which it spoke: a sigmoid by what it said once it
    could.
    """
    horizon = errors.shape[2]
    prior = np.array(list(models.PRIOR.values()))
    smooth = list(models.PRIOR).index("damped smoothing")
    ahead = np.arange(1, horizon + 1)
    scaled = np.where(np.isnan(errors), 0.0, errors) / ahead**USUAL_POWER
    weights = np.zeros(errors.shape[:2])
    for row, end in enumerate(ends):
        seen = (ends[:row, None] + ahead[None] <= end)[:, None, :] & spoke[:row, :, None]
        counted = seen * (ends[:row] / end)[:, None, None]
        own = np.sum(scaled[:row] * counted, axis=(0, 2))
        peer = np.sum(scaled[:row, smooth : smooth + 1] * counted, axis=(0, 2))
        usual = horizon * peer / np.maximum(counted.sum(axis=(0, 2)), 1e-9)
        ratio = np.where(peer > 0, (own + usual) / np.maximum(peer + usual, 1e-300), np.where(own > 0, np.inf, 1.0))
        weight = np.where(spoke[row], prior * (ratio / ratio[spoke[row]].min()) ** -SHARPNESS, 0.0)
        weights[row] = weight / weight.sum()
    return weights
