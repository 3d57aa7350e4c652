"""Latent variables of holdings and amounts: uniform, dependent on each other, and stratified in every sample.

Draws are stratified within a chunk's age groups, and the strata continue from chunk to chunk: holders' amounts are the
points of one Kronecker sequence, {s + i x}, where i is the number of earlier holders and x the golden ratio; the number
of holders is rounded with the error carried over. So a sample of any size is close to the model, without repeated
rounding errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.household.families import households_before
from loadgen.population.household.household_model import HouseholdModel, Item, Loadings
from loadgen.population.streams import ALL_CHUNKS, Part, Stream, in_order, normal_quantile

ITEMS: Final = (
    "home", "mortgage", "retirement_accounts", "brokerage", "business_other", "education_529", "cash", "vehicles",
    "auto_loans", "student_loans", "credit_cards",
)  # fmt: skip
"""Items in the order in which they are drawn."""

NORMALS: Final = 4 + 2 * len(ITEMS)
"""Number of normal variables: both factors, two for an unusual year, then each item's holding and amount."""
VARIABLES: Final = 4 + 2 * len(ITEMS)
"""Number of stratified variables: both factors, this year's income, each item's two, the mortgage a second time."""
_STEP: Final = (np.sqrt(5) - 1) / 2
"""Step of the sequences: no other spreads the first points as evenly, however many they are."""

_LEAST_OWN: Final = 0.05
"""Least share of a latent variable's variance that is its own; where loadings leave less, only ranks matter."""
_BENT_TO: Final = 4.0
_LEAST: Final = 2.0**-33
"""Least distance of a point from 0 and 1, where quantiles are infinite."""


@dataclass(frozen=True)
class Draws:
    """Random numbers of households in strata, each an age group of a chunk.

    ``normals`` (NORMALS, households) are standard normal. ``stratum`` has an entry a household. ``before`` counts the
    households of each stratum's age group in earlier chunks. ``starts`` (VARIABLES, strata) are the first points of the
    sequences, in (0, 1), the same for all strata of an age group.
    """

    normals: Floats
    stratum: Ints
    before: Ints
    starts: Floats


def draw(seed: int, chunk: int, group: Ints) -> Draws:
    """Draw the random numbers of a chunk whose households are of age groups ``group``."""
    normals = normal_quantile(Stream(seed, Part.BALANCES, chunk).table(NORMALS, len(group)))
    before = households_before(seed, np.array([chunk]), len(group))[0]
    return Draws(normals, group, before, Stream(seed, Part.BALANCES, ALL_CHUNKS).table(VARIABLES, len(before)))


class Latents:
    """Stratified variables, drawn one after the other; each takes its own rows of the draws and its own sequence.

    They are uniform within each stratum, with an entry for each holder.
    """

    def __init__(self, model: HouseholdModel, group: Ints, draws: Draws) -> None:
        self._model, self._group, self._draws = model, group, draws
        self._normals = iter(draws.normals)
        self._starts = iter(draws.starts)
        self._everybody = np.ones(len(group), bool)
        usual = self._even(next(self._normals), self._everybody, draws.before)
        self._income = normal_quantile(usual)
        self._income_rank = np.sqrt(3) * (2 * usual - 1)
        self._bent_income = _bent(self._income, model.amount_curve)
        rho = model.wealth_on_income
        own = normal_quantile(self._even(next(self._normals), self._everybody, draws.before))
        self._wealth = rho * _bent(self._income, model.wealth_curve) + np.sqrt(1 - rho * rho) * own
        self._wealth_weight = model.wealth_weight[group]

    def income_this_year(self) -> Floats:
        """Uniform variable of this year's income, which follows the usual income unless the year is unusual."""
        usual = next(self._normals) < normal_quantile(np.array([1 - self._model.unusual_year_share]))
        latent = np.where(usual, self._income, next(self._normals))
        return self._even(latent, self._everybody, self._draws.before)

    def held(self, item: Item, among: Bools) -> Bools:
        """Mask of the holders of an item ``among`` households: the item's share of each stratum, errors carried over.

        Holding depends on the rank of income, hence levels off at both ends.
        """
        own = next(self._normals)
        own = own * np.exp(self._model.own_tail / 2 * own * own)
        places, stratum, rank, sizes = self._ranks(self._mix(item.hold, self._income_rank, own)[among], among)
        self._start = next(self._starts)
        households = np.bincount(self._draws.stratum, minlength=len(self._draws.before))
        count = self._holders(item, self._draws.before + households) - self._holders(item, self._draws.before)
        held = np.zeros(len(among), bool)
        held[places] = rank >= (sizes - count)[stratum]
        return held

    def amount(self, item: Item, held: Bools) -> Floats:
        """Uniform variable of the amounts of the item of the last call of :meth:`held`."""
        return self.in_order_of(self._mix(item.amount, self._bent_income, next(self._normals))[held], item, held)

    def in_order_of(self, latent: Floats, item: Item, held: Bools) -> Floats:
        """Uniform variable in the order of ``latent``, for the same item."""
        return self._even(latent, held, self._holders(item, self._draws.before))

    def _holders(self, item: Item, households: Ints) -> Ints:
        """Number of holders among the first so many households of each stratum's age group."""
        share = np.resize(item.hold_share, len(households))
        return np.asarray(np.floor(households * share + self._start), np.int64)

    def _even(self, latent: Floats, held: Bools, before: Ints) -> Floats:
        """Points of the next sequence from the number ``before`` on, assigned by rank within each stratum."""
        places, stratum, rank, sizes = self._ranks(latent, held)
        points = (next(self._starts)[stratum] + (before[stratum] + rank) * _STEP) % 1.0
        for of_stratum in np.split(points, np.cumsum(sizes[:-1])):
            of_stratum.sort()
        uniform = np.empty(len(held))
        uniform[places] = points
        return np.clip(uniform[held], _LEAST, 1 - _LEAST)

    def _ranks(self, latent: Floats, among: Bools) -> tuple[Ints, Ints, Ints, Ints]:
        """Index, stratum and rank (from 0) of households ``among``, by stratum and ``latent``; size of each stratum."""
        places = np.flatnonzero(among)
        places = places[in_order(latent, self._draws.stratum[places])]
        sizes = np.bincount(self._draws.stratum[places], minlength=len(self._draws.before))
        stratum = np.repeat(np.arange(len(sizes)), sizes)
        firsts = np.cumsum(sizes) - sizes
        return places, stratum, np.arange(len(places)) - firsts[stratum], sizes

    def _mix(self, loadings: Loadings, income: Floats, own: Floats) -> Floats:
        on_income, on_wealth = loadings[0], loadings[1] * self._wealth_weight
        own_weight = np.sqrt(np.maximum(1 - on_income**2 - on_wealth**2, _LEAST_OWN))
        return np.asarray(on_income * income + on_wealth * self._wealth + own_weight * own)


def _bent(normal: Floats, curve: float) -> Floats:
    """Bend a normal variable upwards by the second Hermite polynomial, keeping mean 0 and variance 1."""
    second = (np.minimum(normal, _BENT_TO) ** 2 - 1) / np.sqrt(2)
    return np.asarray((normal + curve * second) / np.sqrt(1 + curve * curve))
