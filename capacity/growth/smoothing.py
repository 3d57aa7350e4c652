"""Damped exponential smoothing (Gardner and McKenzie, 1985) by grid search, for many starts of one history at once.

    level  l(t) = l(t-1) + φ b(t-1) + α e(t)      error  e(t) = z(t) − l(t-1) − φ b(t-1)
    trend  b(t) = φ b(t-1) + α β e(t)             ahead  l(t) + (φ + φ² + … + φʰ) b(t)

The parameters are those of the grid with the least sum of squared one-step errors. A grid, because one pass over time
runs the recursion for all of it and for all origins of a back-test, which takes milliseconds; an optimiser would start
again at every origin, and its import alone takes a second.
"""

from __future__ import annotations

import numpy as np

from capacity.arrays import Floats, Ints

_ALPHA = (0.05, 0.15, 0.3, 0.5, 0.75, 1.0)
_BETA = (0.0, 0.05, 0.15, 0.4, 0.7, 1.0)
_PHI = (0.8, 0.9, 0.95, 0.98, 0.995)
_START = 2
"""Number of steps whose mean is the initial trend; more would start a bending curve with a wrong slope."""


def damped(starts: Floats, ends: Ints, horizon: int) -> Floats:
    """Forecast from each origin: row i of ``starts`` holds the ``ends[i]`` values known at it, then anything.

    The result has a row per origin. Each origin needs at least three values.
    """
    mesh = np.meshgrid(_ALPHA, _BETA, _PHI, indexing="ij")
    alpha, beta, phi = (axis.ravel() for axis in mesh)
    rows = np.arange(len(ends))
    first = starts[:, :1]
    level = np.repeat(first, len(alpha), axis=1)
    trend = np.repeat((starts[:, _START : _START + 1] - first) / _START, len(alpha), axis=1)
    squares = np.zeros_like(level)
    final = {name: np.zeros_like(level) for name in ("level", "trend", "squares")}
    for t in range(1, int(ends.max())):
        carried = phi * trend
        error = starts[:, t : t + 1] - level - carried
        squares += error * error
        level = level + carried + alpha * error
        trend = carried + alpha * beta * error
        if (done := ends == t + 1).any():
            final["level"][done], final["trend"][done], final["squares"][done] = level[done], trend[done], squares[done]
    best = np.argmin(final["squares"], axis=1)
    decay = phi[best][:, None]
    ahead = np.arange(1, horizon + 1)[None]
    total = decay * (1 - decay**ahead) / (1 - decay)
    return np.asarray(final["level"][rows, best][:, None] + total * final["trend"][rows, best][:, None])
