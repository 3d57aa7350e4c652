"""Tests of steady state for equally spaced values: a change of level, a trend, and the end of a first transient.

*Level.* The self-normalised test for a change in the mean (Shao & Zhang 2010): the CUSUM at each place k over the
spread of the CUSUMs before and after it, the largest of which decides. *Trend.* The slope's test of Kiefer, Vogelsang &
Bunzel (2000), which divides by the partial sums of its own residuals; a slow drift hides from the first. Both
have autocorrelation in numerator and denominator alike, so that no bandwidth or block length has to be chosen.
Critical values are simulated, from independent normal values of the same number.

*Transient.* MSER-5 (White 1997): of means of five values, leave out the first d for which the variance of what is left,
over its number, is least. A minimum in the second half means that there are too few values to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from capacity.arrays import Floats

MIN_VALUES: Final = 8
"""Fewest values to test: fewer have no power to tell a change from chance."""
SIGNIFICANCE: Final = 0.01
"""Significance level: chance of calling independent values changed."""
MAX_UNITS: Final = 120
"""Most values to test: longer series are averaged first, since the work grows with the square."""
BATCH: Final = 5
MIN_BATCHES: Final = 10
"""Fewest batches for MSER-5: shorter series are taken one value at a time."""
_REPLICATES: Final = 1_000
_SEED: Final = 20_240_301
_EDGE: Final = 2
"""Fewest values on either side of a change: one value is no level."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that chance does not explain."""

    at: int
    """Number of values before the change; half of all for a trend."""
    ratio: float
    """Mean after the change over the mean before it; infinite if that is 0."""
    trend: bool


def change_of(values: Sequence[float]) -> Change | None:
    """Find the most evident change of level, else a trend, beyond chance; None also for fewer than MIN_VALUES."""
    import numpy as np

    if len(values) < MIN_VALUES:
        return None
    width = -(-len(values) // MAX_UNITS)
    tested = len(values) // width * width
    units = np.asarray(values[:tested], float).reshape(1, -1, width).mean(axis=2)
    levels = _levels(units)[0]
    place = int(np.argmax(levels))
    shifted, steepest = _critical(units.shape[1])
    trend = bool(levels[place] <= shifted)
    if trend and float(_trends(units)[0]) <= steepest:
        return None
    at = len(values) // 2 if trend else (place + _EDGE) * width
    before, after = float(np.mean(values[:at])), float(np.mean(values[at:]))
    return Change(at, after / before if before else float("inf"), trend)


def transient(values: Sequence[float]) -> int:
    """Number of values at the beginning that MSER-5 leaves out; half of all at most."""
    import numpy as np

    width = BATCH if len(values) >= BATCH * MIN_BATCHES else 1
    batched = len(values) // width * width
    if batched < 2 * width:
        return 0
    # The remainder of the division into batches is dropped at the beginning, where it decides nothing.
    first = len(values) - batched
    batches = np.asarray(values[first:], float).reshape(-1, width).mean(axis=1)
    errors = [float(np.var(batches[d:])) / (len(batches) - d) for d in range(len(batches) // 2 + 1)]
    best = int(np.argmin(errors))
    return first + best * width if best else 0


def beyond_chance(first: Sequence[float], rest: Sequence[float]) -> bool:
    """True if the mean of ``first`` is unlike the means of all stretches of that length in what follows.

    Stretches keep the autocorrelation. False where fewer than three fit side by side.
    """
    import numpy as np

    length = len(first)
    if not length or len(rest) < 3 * length:
        return False
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(rest, float)]))
    means = (sums[length:] - sums[:-length]) / length
    mean = float(np.mean(first))
    spread = float(means.max() - means.min())
    # Few stretches understate the range: widen it by half on each side.
    return not means.min() - spread / 2 <= mean <= means.max() + spread / 2


@lru_cache(maxsize=32)
def _critical(length: int) -> tuple[float, float]:
    """Critical values of the largest statistic of a level, and of a trend's."""
    import numpy as np

    samples = np.random.default_rng(_SEED).standard_normal((_REPLICATES, length))
    tests = (_levels(samples).max(axis=1), _trends(samples))
    level, trend = (float(np.quantile(statistics, 1 - SIGNIFICANCE)) for statistics in tests)
    return level, trend


def _levels(samples: Floats) -> Floats:
    """Statistics T(k)² / V(k) of each row for k = _EDGE … n - _EDGE, shape (rows, places)."""
    import numpy as np

    n = samples.shape[1]
    sums = np.cumsum(samples - samples.mean(axis=1, keepdims=True), axis=1)
    statistics = []
    for k in range(_EDGE, n - _EDGE + 1):
        at = sums[:, k - 1 : k]
        left = sums[:, :k] - at * (np.arange(1, k + 1) / k)
        # Sums from t to the end are minus those up to t - 1, as the total is 0.
        right = sums[:, k - 1 : -1] - at * (np.arange(n - k, 0, -1) / (n - k))
        spread = (np.square(left).sum(axis=1) + np.square(right).sum(axis=1)) / n**2
        statistics.append(_ratio(np.square(at[:, 0]) / n, spread, samples))
    return np.stack(statistics, axis=1)


def _trends(samples: Floats) -> Floats:
    """Squared slope of each row over the square of its noise."""
    import numpy as np

    n = samples.shape[1]
    times = np.arange(n) - (n - 1) / 2
    scale = float(np.square(times).sum())
    around = samples - samples.mean(axis=1, keepdims=True)
    slopes = around @ times / scale
    residuals = around - slopes[:, None] * times
    spread = np.square(np.cumsum(residuals * times, axis=1)).sum(axis=1) / n**2
    return _ratio(np.square(slopes * scale) / n, spread, samples)


def _ratio(change: Floats, spread: Floats, samples: Floats) -> Floats:
    """Ratio of change to spread: infinite without spread, 0 where rounding alone makes a change."""
    import numpy as np

    tiny = 1e-18 * np.square(samples).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: Floats = np.where(change <= tiny, 0.0, change / spread)
    return ratios
