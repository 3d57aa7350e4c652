"""Back-test: forecasts of each model, and of their mixture, from earlier origins of the same history.

Season, models and weights are computed anew at each origin from the data known there; a break is repaired from three
periods after it on. Only the season's length and the thresholds for breaks come from the whole history. A model's
weight is its prior times its mean error, relative to the best model's, to the power −8. Errors are divided by h^0.8 so
that all horizons count, weighted by how recent their origin is, and shrunk towards those of damped smoothing as if each
had been measured at one more origin.
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
"""Largest number of origins, evenly spaced: more cost time and add little, since their futures overlap."""
SHARPNESS = 8.0
"""Exponent of the weights; on the tuning series 5 to 20 are equally good, below 2 (an average) is worse."""
USUAL_POWER = 0.8
"""Prior exponent of the errors' growth with the horizon: between a random walk and a wrong slope."""
_RECENT_STEPS = 12
_LEAST_SCALE = 0.05
"""Least scale as a share of the largest, so that a past standstill does not inflate all later errors."""
_NO_SCALE = 1e-9
"""Least scale as a share of the largest value, for a history that is nothing but a season."""


@dataclass(frozen=True, slots=True)
class BackTest:
    """Errors, weights and scales of a back-test.

    ``errors`` are the mixture's absolute errors, a row per past origin, a column per horizon, NaN where not yet known.
    ``likeness`` is how much of their mixtures two origins share, 0 to 1. ``scale`` is the size of a step without season
    at each origin, ``steps`` the mean size of one with it. In these three the last origin is the present.
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
        # Every origin uses the season's length from the whole history, but the pattern of the data known there.
        known_pattern = find(known, [length], least_f) if pattern else None
        starts[row, :end] = known_pattern.removed(known) if known_pattern else known
        patterns.append(known_pattern)
    forecasts, applies = models.paths(starts, ends, horizon, length if length > 1 else None)
    for row, known_pattern in enumerate(patterns):
        if known_pattern:
            forecasts[row] = known_pattern.restored(forecasts[row], int(ends[row]))
    forecasts = np.maximum(forecasts, 0.0)
    scale = _step_scales(starts, ends)
    later = np.full((len(ends), horizon), np.nan)
    for row, end in enumerate(ends):
        later[row, : min(horizon, count - end)] = values[end : end + horizon]
    weights = _weights(np.abs(later[:, None, :] - forecasts) / scale[:, None, None], applies, ends)
    mixed = np.sum(forecasts * weights[:, :, None], axis=1)
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
    """Mean absolute step by origin: 0.7 times the last year's, plus 0.3 times that of all known values."""
    steps = np.abs(np.diff(starts, axis=1))
    scales = np.array(
        [0.7 * steps[i, : e - 1][-_RECENT_STEPS:].mean() + 0.3 * steps[i, : e - 1].mean() for i, e in enumerate(ends)]
    )
    return np.asarray(np.maximum(scales, max(_LEAST_SCALE * scales.max(), _NO_SCALE)), dtype=np.float64)


def _weights(errors: Floats, applies: Bools, ends: Ints) -> Floats:
    """Weights by origin and model, from the errors known at that origin; a row sums to 1.

    Each model is compared with damped smoothing over the origins at which it applies.
    """
    horizon = errors.shape[2]
    prior = np.array(list(models.PRIOR.values()))
    smooth = list(models.PRIOR).index("damped smoothing")
    ahead = np.arange(1, horizon + 1)
    scaled = np.where(np.isnan(errors), 0.0, errors) / ahead**USUAL_POWER
    weights = np.zeros(errors.shape[:2])
    for row, end in enumerate(ends):
        is_known = (ends[:row, None] + ahead[None] <= end)[:, None, :] & applies[:row, :, None]
        counted = is_known * (ends[:row] / end)[:, None, None]
        own = np.sum(scaled[:row] * counted, axis=(0, 2))
        peer = np.sum(scaled[:row, smooth : smooth + 1] * counted, axis=(0, 2))
        usual = horizon * peer / np.maximum(counted.sum(axis=(0, 2)), 1e-9)
        ratio = np.where(peer > 0, (own + usual) / np.maximum(peer + usual, 1e-300), np.where(own > 0, np.inf, 1.0))
        weight = np.where(applies[row], prior * (ratio / ratio[applies[row]].min()) ** -SHARPNESS, 0.0)
        weights[row] = weight / weight.sum()
    return weights
