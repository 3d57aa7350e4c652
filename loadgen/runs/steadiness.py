"""Whether equally spaced values are of one state: does their level change, and where does a transient at first end?

*Level.* The self-normalised test for a change in the mean (Shao & Zhang 2010): the CUSUM at each place k over the
spread of the CUSUMs before and after it, the largest of which decides. *Trend.* The slope's test of Kiefer, Vogelsang &
Bunzel (2000), which divides by the partial sums of its own residuals; a slow drift hides from the first. What
neighbouring seconds share is in numerator and denominator alike, so that no bandwidth or block length has to be chosen.
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
"""Fewer have no power to tell a change from chance."""
SIGNIFICANCE: Final = 0.01
"""Chance of calling independent values changed."""
MAX_UNITS: Final = 120
"""Longer series are tested in means of several values: the work grows with the square."""
BATCH: Final = 5
MIN_BATCHES: Final = 10
"""Shorter series are taken one value at a time."""
_REPLICATES: Final = 1_000
_SEED: Final = 20_240_301
_EDGE: Final = 2
"""A change is looked for no closer to an end: one value is no level."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that chance does not explain."""

    at: int
    """How many values are before it; half of them, for a trend."""
    ratio: float
    """Mean after it over mean before it; infinite after nothing."""
    trend: bool


def change_of(values: Sequence[float]) -> Change | None:
    """The most evident change of level, else a trend, if beyond chance; None also for fewer than MIN_VALUES."""
    import numpy as np

    if len(values) < MIN_VALUES:
        return None
    width = -(-len(values) // MAX_UNITS)
    whole = len(values) // width * width
    units = np.asarray(values[:whole], float).reshape(1, -1, width).mean(axis=2)
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
    """How many values at the beginning MSER-5 leaves out; never more than half of them."""
    import numpy as np

    width = BATCH if len(values) >= BATCH * MIN_BATCHES else 1
    whole = len(values) // width * width
    if whole < 2 * width:
        return 0
    # The values that are over are left out at the beginning, where nothing is decided by one of them.
    first = len(values) - whole
    batches = np.asarray(values[first:], float).reshape(-1, width).mean(axis=1)
    errors = [float(np.var(batches[d:])) / (len(batches) - d) for d in range(len(batches) // 2 + 1)]
    best = int(np.argmin(errors))
    return first + best * width if best else 0


def beyond_chance(first: Sequence[float], rest: Sequence[float]) -> bool:
    """Whether the mean of ``first`` is unlike the means of all stretches of that length in what follows.

    Stretches keep what neighbours share. Needs three of them side by side; else it cannot be told, and is not.
    """
    import numpy as np

    length = len(first)
    if not length or len(rest) < 3 * length:
        return False
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(rest, float)]))
    means = (sums[length:] - sums[:-length]) / length
    mean = float(np.mean(first))
    spread = float(means.max() - means.min())
    # Few stretches do not show all that they might be: half of what they spread over is added on each side.
    return not means.min() - spread / 2 <= mean <= means.max() + spread / 2


@lru_cache(maxsize=32)
def _critical(length: int) -> tuple[float, float]:
    """Of the largest statistic of a level, and of a trend's."""
    import numpy as np

    samples = np.random.default_rng(_SEED).standard_normal((_REPLICATES, length))
    tests = (_levels(samples).max(axis=1), _trends(samples))
    level, trend = (float(np.quantile(found, 1 - SIGNIFICANCE)) for found in tests)
    return level, trend


def _levels(samples: Floats) -> Floats:
    """T(k)² / V(k) of each row for k = _EDGE … n - _EDGE, shape (rows, places)."""
    import numpy as np

    n = samples.shape[1]
    sums = np.cumsum(samples - samples.mean(axis=1, keepdims=True), axis=1)
    found = []
    for k in range(_EDGE, n - _EDGE + 1):
        at = sums[:, k - 1 : k]
        left = sums[:, :k] - at * (np.arange(1, k + 1) / k)
        # Sums from t to the end are minus those up to t - 1, as all of them together are nothing.
        right = sums[:, k - 1 : -1] - at * (np.arange(n - k, 0, -1) / (n - k))
        spread = (np.square(left).sum(axis=1) + np.square(right).sum(axis=1)) / n**2
        found.append(_ratio(np.square(at[:, 0]) / n, spread, samples))
    return np.stack(found, axis=1)


def _trends(samples: Floats) -> Floats:
    """The slope's square over that of its own noise, of each row."""
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
    """Without any spread a change is certain; what rounding leaves of a constant is none."""
    import numpy as np

    tiny = 1e-18 * np.square(samples).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(change <= tiny, 0.0, change / spread)
    return found
