"""Fit the households' model to the published figures: ``python -m loadgen.population.fitting``.

What is published for an item by age group (the share that holds it, holders' median and mean) goes into the model as
it is: medians and spreads follow in closed form, and with them the means of net worth. What no table gives directly is
free: how holdings and amounts hang on income and wealth, and where tails begin. Free parameters minimise the squares
of each figure's error over its tolerance, by simulation with the same random numbers at every step. The run begins
where the packaged file ends, writes it anew and prints every figure. It takes some minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.household import reference
from loadgen.population.household.comparison import (
    INCOME_GROUPS,
    WEALTH_GROUPS,
    Comparison,
    compare,
    within_percentiles,
)
from loadgen.population.household.families import draw_families
from loadgen.population.household.household_model import MODEL_FILE, packaged_document, read_model
from loadgen.population.household.households import compose, net_worth
from loadgen.population.household.latents import Draws, draw
from loadgen.population.household.parameters import FREE, document

FIT_SEED: Final = 20_221
CHUNK_USERS: Final = 1_000
FIT_USERS: Final = 60_000
"""So many that the largest fortunes move no figure by more than a percent or two."""

_DAMPING, _DIFFERENCE, _TRIES = 10.0, 0.015, 6

_GUIDE_TOLERANCE: Final = 0.4
"""Of the logarithm of a median by income: a guide, not a target. Assumption."""
_GUIDE_POINTS: Final = 8.0
"""Of a share by net worth: likewise."""
_WEIGHTS: Final = {
    "by age": 6.0,
    "net_worth_percentile": 3.0,
    "net_worth_median_by_income": 2.0,
    "net_worth_negative": 4.0,
}
"""Every sample must meet what the model meets, so the narrowest figures are met more closely. Assumption."""


@dataclass(frozen=True)
class Sample:
    """Households to fit with: their families and random numbers, the same at every step."""

    users: int
    seed: int = FIT_SEED

    @cached_property
    def _families(self) -> tuple[Ints, Bools]:
        drawn = [draw_families(self.seed, chunk, CHUNK_USERS) for chunk in range(self.users // CHUNK_USERS)]
        return np.concatenate([f.age_group for f in drawn]), np.concatenate([f.minors for f in drawn]) > 0

    @cached_property
    def _draws(self) -> Draws:
        """Those of all chunks side by side."""
        group, _ = self._families
        chunks = group.reshape(-1, CHUNK_USERS)
        drawn = [draw(self.seed, chunk, members) for chunk, members in enumerate(chunks)]
        return Draws(
            np.concatenate([d.normals for d in drawn], axis=1),
            group + len(reference.AGE_GROUPS) * np.repeat(np.arange(len(chunks)), CHUNK_USERS),
            np.concatenate([d.before for d in drawn]),
            np.concatenate([d.starts for d in drawn], axis=1),
        )

    @property
    def group(self) -> Ints:
        """Age groups."""
        return self._families[0]

    def model(self, free: Mapping[str, float]) -> dict[str, Any]:
        """The document of the model with those free parameters."""
        group, minors = self._families
        return document(free, np.bincount(group, minors) / np.bincount(group))

    def households(self, free: Mapping[str, float]) -> dict[str, Floats]:
        """The sample's amounts under that model."""
        group, minors = self._families
        return compose(read_model(self.model(free)), group, minors, self._draws)


def residuals(amounts: Mapping[str, Floats], group: Ints) -> Floats:
    """Error over tolerance of every figure, then of every guide."""
    return np.array([*map(_residual, compare(amounts, group)), *_guides(amounts)])


def objective(amounts: Mapping[str, Floats], group: Ints) -> float:
    """What is minimised: half the sum of squares."""
    return float(0.5 * np.square(residuals(amounts, group)).sum())


def _residual(figure: Comparison) -> float:
    by_age = figure.group in reference.AGE_GROUPS
    if figure.measure.endswith("_mean") and by_age:
        return 0.0  # right by construction; what a sample's tail adds is noise
    weight = _WEIGHTS.get("by age" if by_age else figure.measure, 1.0)
    off = figure.error if figure.in_percent else 100 * np.log(max(figure.found, 0.01) / figure.published)
    return float(weight * off / figure.tolerance)


def _guides(amounts: Mapping[str, Floats]) -> list[float]:
    found, worth = [], net_worth(amounts)
    for place, name in enumerate(INCOME_GROUPS):
        among = within_percentiles(amounts["income"], name)
        for column in reference.GUIDED_AMOUNTS:
            held = amounts[column][among & (amounts[column] > 0)]
            off = np.log(np.median(held) / reference.by_income(column)[place])
            found.append(float(off) / _GUIDE_TOLERANCE)
    for place, name in enumerate(WEALTH_GROUPS):
        among = within_percentiles(worth, name)
        for column in reference.GUIDED_HOLDINGS:
            off = 100 * (amounts[column][among] > 0).mean() - reference.by_net_worth(column)[place]
            found.append(float(off) / _GUIDE_POINTS)
    return found


def fit(start: Mapping[str, float], sample: Sample, rounds: int) -> dict[str, float]:
    """The free parameters after so many rounds of Levenberg and Marquardt's method between the bounds.

    Medians of a sample are steps, so differences are taken over a fixed share of a parameter's range.
    """
    low, high = (np.array([getattr(free, side) for free in FREE]) for side in ("low", "high"))

    def off(place: Floats) -> Floats:
        return residuals(sample.households(_named(low + place * (high - low))), sample.group)

    at = np.clip((np.array([start[free.name] for free in FREE]) - low) / (high - low), 0.0, 1.0)
    here, damping = off(at), _DAMPING
    for _ in range(rounds):
        steps = np.where(at > 0.5, -_DIFFERENCE, _DIFFERENCE)
        slopes = np.column_stack(
            [(off(at + move) - here) / step for move, step in zip(np.diag(steps), steps, strict=True)]
        )
        for _ in range(_TRIES):
            normal = slopes.T @ slopes + damping * np.eye(len(at))
            there = np.clip(at - np.linalg.solve(normal, slopes.T @ here), 0.0, 1.0)
            reached = off(there)
            if reached @ reached < here @ here:
                at, here, damping = there, reached, damping / 4
                break
            damping *= 4
    return _named(low + at * (high - low))


def _named(values: Floats) -> dict[str, float]:
    return {free.name: round(float(value), 4) for free, value in zip(FREE, values, strict=True)}


def _table(figures: tuple[Comparison, ...]) -> str:
    lines = [f"{'figure':<32}{'group':<12}{'published':>11}{'model':>11}{'error':>10}"]
    for figure in figures:
        unit = "points" if figure.in_percent else "%"
        mark = "" if figure.within else f"  past {figure.tolerance:.3g}"
        lines.append(
            f"{figure.measure:<32}{figure.group:<12}{figure.published:>11,.1f}{figure.found:>11,.1f}"
            f"{figure.error:>+10.1f} {unit}{mark}"
        )
    return "\n".join(lines)


def main(rounds: int) -> None:
    """Fit, write the model's file, print every figure."""
    sample = Sample(FIT_USERS)
    free = fit(packaged_document()["fit"]["free"], sample, rounds)
    amounts = sample.households(free)
    reached = round(objective(amounts, sample.group), 6)
    about = "written by python -m loadgen.population.fitting; amounts in thousands of 2022 dollars, by age group"
    written = {"about": about, **sample.model(free), "fit": {"users": FIT_USERS, "objective": reached, "free": free}}
    text = orjson.dumps(written, option=orjson.OPT_INDENT_2) + b"\n"
    Path(__file__).with_name("data").joinpath(MODEL_FILE).write_bytes(text)
    sys.stdout.write(f"{_table(compare(amounts, sample.group))}\nobjective {reached}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
