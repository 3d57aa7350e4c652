"""Think times: random times between a person's requests, with a description."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ThinkTime:
    """A random think time in seconds, with its text for the scenario's description."""

    description: str
    draw: Callable[[], float]

    def __call__(self) -> float:
        return self.draw()


def exponential(mean_s: float) -> ThinkTime:
    """Exponential think time: requests of many such people together are a Poisson process."""
    return ThinkTime(f"exponential, mean {mean_s:g} s", lambda: random.expovariate(1 / mean_s))


def uniform(low_s: float, high_s: float) -> ThinkTime:
    """Think time spread evenly between two bounds."""
    return ThinkTime(f"uniform, {low_s:g} to {high_s:g} s", lambda: random.uniform(low_s, high_s))


NO_THINK_TIME = ThinkTime("none", lambda: 0.0)
