"""Think times: how long a person looks at the screen before the next request, as functions that say what they are."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThinkTime:
    """A draw of seconds, with its words for the scenario description."""

    description: str
    draw: Callable[[], float]

    def __call__(self) -> float:
        return self.draw()


def exponential(mean_s: float) -> ThinkTime:
    """Exponential: requests of many such people together come as a Poisson process."""
    return ThinkTime(f"exponential, mean {mean_s:g} s", lambda: random.expovariate(1 / mean_s))


def uniform(low_s: float, high_s: float) -> ThinkTime:
    """Evenly spread between two bounds."""
    return ThinkTime(f"uniform, {low_s:g} to {high_s:g} s", lambda: random.uniform(low_s, high_s))


NO_THINK_TIME = ThinkTime("none", lambda: 0.0)
