"""Fit the households' model to the published figures: ``python -m loadgen.population.fitting``.

Published figures of an item by age group (the share that holds it, holders' median and mean) enter the model directly:
medians and spreads follow in closed form, and with them the means of net worth. What no table gives is free:
how holdings and amounts depend on income and wealth, and where tails begin. The fit minimises the squares of each
figure's error over its tolerance, by simulation with the same random numbers at every step. It starts from the packaged
file, rewrites it and prints every figure. It takes some minutes.
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
"""Households of the sample: enough that the largest fortunes move no figure by more than a percent or two."""

_DAMPING, _DIFFERENCE, _TRIES = 10.0, 0.015, 6

_GUIDE_TOLERANCE: Final = 0.4
"""Tolerance of the logarithm of a median by income, which is a guide, not a target. Assumption."""
_GUIDE_POINTS: Final = 8.0
"""Tolerance in points of a share by net worth, also a guide. Assumption."""
_WEIGHTS: Final = {
    "by age": 6.0,
    "net_worth_percentile": 3.0,
    "net_worth_median_by_income": 2.0,
    "net_worth_negative": 4.0,
}
"""Weights of figures. Every sample must meet the tolerances, so narrow ones get more weight. Assumption."""


@dataclass(frozen=True)
class Sample:
    """Households to fit with: their families and random numbers, the same at every step."""

    users: int
    seed: int = FIT_SEED

    @cached_property
    def _families(self) -> tuple[Ints, Bools]:
        families = [draw_families(self.seed, chunk, CHUNK_USERS) for chunk in range(self.users // CHUNK_USERS)]
        return np.concatenate([f.age_group for f in families]), np.concatenate([f.minors for f in families]) > 0

    @cached_property
    def _draws(self) -> Draws:
        """Draws of all chunks, concatenated."""
        group, _ = self._families
        chunks = group.reshape(-1, CHUNK_USERS)
        draws = [draw(self.seed, chunk, members) for chunk, members in enumerate(chunks)]
        return Draws(
            np.concatenate([d.normals for d in draws], axis=1),
            group + len(reference.AGE_GROUPS) * np.repeat(np.arange(len(chunks)), CHUNK_USERS),
            np.concatenate([d.before for d in draws]),
            np.concatenate([d.starts for d in draws], axis=1),
        )

    @property
    def group(self) -> Ints:
        """Age groups of the households."""
        return self._families[0]

    def model(self, free: Mapping[str, float]) -> dict[str, Any]:
        """Document of the model with these free parameters."""
        group, minors = self._families
        return document(free, np.bincount(group, minors) / np.bincount(group))

    def households(self, free: Mapping[str, float]) -> dict[str, Floats]:
        """Amounts of the sample under the model with these free parameters."""
        group, minors = self._families
        return compose(read_model(self.model(free)), group, minors, self._draws)


def residuals(amounts: Mapping[str, Floats], group: Ints) -> Floats:
    """Error over tolerance of every figure, then of every guide."""
    return np.array([*map(_residual, compare(amounts, group)), *_guides(amounts)])


def objective(amounts: Mapping[str, Floats], group: Ints) -> float:
    """Objective of the fit: half the sum of squared residuals."""
    return float(0.5 * np.square(residuals(amounts, group)).sum())


def _residual(figure: Comparison) -> float:
    by_age = figure.group in reference.AGE_GROUPS
    if figure.measure.endswith("_mean") and by_age:
        return 0.0  # right by construction; the tail of a sample only adds noise
    weight = _WEIGHTS.get("by age" if by_age else figure.measure, 1.0)
    error = figure.error if figure.in_percent else 100 * np.log(max(figure.simulated, 0.01) / figure.published)
    return float(weight * error / figure.tolerance)


def _guides(amounts: Mapping[str, Floats]) -> list[float]:
    errors, worth = [], net_worth(amounts)
    for place, name in enumerate(INCOME_GROUPS):
        among = within_percentiles(amounts["income"], name)
        for column in reference.GUIDED_AMOUNTS:
            holdings = amounts[column][among & (amounts[column] > 0)]
            error = np.log(np.median(holdings) / reference.by_income(column)[place])
            errors.append(float(error) / _GUIDE_TOLERANCE)
    for place, name in enumerate(WEALTH_GROUPS):
        among = within_percentiles(worth, name)
        for column in reference.GUIDED_HOLDINGS:
            error = 100 * (amounts[column][among] > 0).mean() - reference.by_net_worth(column)[place]
            errors.append(float(error) / _GUIDE_POINTS)
    return errors


def fit(start: Mapping[str, float], sample: Sample, rounds: int) -> dict[str, float]:
    """Fit the free parameters by so many rounds of Levenberg and Marquardt's method within their bounds.

    Medians of a sample are step functions, so differences are taken over a fixed share of a parameter's range.
    """
    low, high = (np.array([getattr(free, side) for free in FREE]) for side in ("low", "high"))

    def residuals_at(place: Floats) -> Floats:
        return residuals(sample.households(_named(low + place * (high - low))), sample.group)

    at = np.clip((np.array([start[free.name] for free in FREE]) - low) / (high - low), 0.0, 1.0)
    residual, damping = residuals_at(at), _DAMPING
    for _ in range(rounds):
        steps = np.where(at > 0.5, -_DIFFERENCE, _DIFFERENCE)
        slopes = np.column_stack(
            [(residuals_at(at + move) - residual) / step for move, step in zip(np.diag(steps), steps, strict=True)]
        )
        for _ in range(_TRIES):
            normal = slopes.T @ slopes + damping * np.eye(len(at))
            trial = np.clip(at - np.linalg.solve(normal, slopes.T @ residual), 0.0, 1.0)
            trial_residual = residuals_at(trial)
            if trial_residual @ trial_residual < residual @ residual:
                at, residual, damping = trial, trial_residual, damping / 4
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
            f"{figure.measure:<32}{figure.group:<12}{figure.published:>11,.1f}{figure.simulated:>11,.1f}"
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
