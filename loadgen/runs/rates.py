"""The cumulative rate Λ(t) of an arrival rate and its inverse, in closed form: pure arithmetic on arrays.

Over a piece that begins at t₀ with rate r and slope a, Λ(t) = Λ(t₀) + r·(t - t₀) + a·(t - t₀)²/2. The inverse is
written 2s / (r + √(r² + 2as)), which holds for every slope, zero included, and loses no digits where a is small.
"""

from __future__ import annotations

import numpy as np

from capacity.arrays import Floats
from loadgen.runs.format.schedule import Rate, RatePiece


def steady(tps: float) -> Rate:
    """A constant rate without end."""
    return Rate(f"{tps:g}", (RatePiece(0.0, tps, tps),))


class Cumulative:
    """Cumulative rate Λ: arrivals expected within ``t`` seconds of its beginning."""

    def __init__(self, rate: Rate) -> None:
        pieces = rate.pieces
        if not pieces or any(p.seconds < 0 or p.from_tps < 0 or p.to_tps < 0 for p in pieces):
            raise ValueError(f"rate {rate.text!r} has no pieces, or one below zero")
        seconds = np.array([p.seconds for p in pieces])
        first = np.array([p.from_tps for p in pieces])
        last = np.array([p.to_tps for p in pieces])
        self._starts = np.concatenate([[0.0], np.cumsum(seconds)])
        self._masses = np.concatenate([[0.0], np.cumsum(seconds * (first + last) / 2)])
        # The time after the last piece is one more piece, without end and without slope.
        self._rates = np.append(first, last[-1])
        self._slopes = np.append((last - first) / np.where(seconds > 0, seconds, 1.0), 0.0)
        self._repeats = rate.repeats and self._masses[-1] > 0

    def expected(self, t_s: Floats) -> Floats:
        """Λ at each of ``t_s`` ≥ 0, in arrivals."""
        laps, within = self._laps(t_s, float(self._starts[-1]))
        place = np.searchsorted(self._starts, within, side="right") - 1
        since = within - self._starts[place]
        mass = self._masses[place] + since * (self._rates[place] + self._slopes[place] * since / 2)
        counted: Floats = laps * self._masses[-1] + mass
        return counted

    def when(self, arrivals: Floats) -> Floats:
        """The time at which Λ reaches each of ``arrivals`` ≥ 0, in seconds; infinite where it never does."""
        laps, within = self._laps(arrivals, float(self._masses[-1]))
        place = np.searchsorted(self._masses, within, side="right") - 1
        remainder = within - self._masses[place]
        rate = self._rates[place]
        root = np.sqrt(np.maximum(rate * rate + 2 * self._slopes[place] * remainder, 0.0))
        speed = (rate + root) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            since = np.where(speed > 0, remainder / speed, np.where(remainder > 0, np.inf, 0.0))
        at: Floats = laps * self._starts[-1] + self._starts[place] + since
        return at

    def _laps(self, values: Floats, lap: float) -> tuple[Floats, Floats]:
        """Number of times that all pieces have passed, and the remainder of each value."""
        if not self._repeats:
            return np.zeros_like(values), values
        laps = np.floor(values / lap)
        return laps, np.maximum(values - laps * lap, 0.0)
