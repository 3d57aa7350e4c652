"""Projections of many households at once, and their documents.

Same figures from the same grid as :func:`loadgen.population.simulation.project` for one household.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from capacity.arrays import Bools, Floats, Ints
from loadgen.population.simulation import (
    BANDS,
    LONGEST_YEARS,
    PATHS,
    SUMMARY_YEARS,
    WHAT_IFS,
    YEARS_OF_CONTRIBUTION_IN_SCALE,
    Detail,
    grid,
)
from loadgen.population.text import (
    BLANK,
    Piece,
    Text,
    decimals,
    dollars,
    integers,
    join,
    json_members,
    json_object,
    moments,
    pick,
    quoted,
    rounded,
    solid_lines,
    where,
)

DETAILS: Final = (Detail.SUMMARY, Detail.FULL, Detail.PATHS)
"""Details by code; a household without results has −1."""

_NOTHING: Final = np.frombuffer(4 * BLANK, np.uint32)
_YEARS_ALIKE: Final = 8
"""Range of last years whose summaries are written together."""
_NARROW: Final = (2**32 - 1) / 100
"""Largest amount in dollars whose cents fit in 32 bits."""
_MORE: Final = 1 + 1e-9
"""Factor that allows for rounding."""


@dataclass(frozen=True)
class Projections:
    """Positions of households in the grid. ``mix`` is the lower of two neighbours, ``weight`` that of the upper one."""

    stock: Ints
    mix: Ints
    weight: Floats
    scale: Floats

    @staticmethod
    def of(balance: Floats, annual_contribution: Floats, stock_share: Floats) -> Projections:
        """Positions for ``balance`` ≥ 0 and contribution in dollars a year; rounds ``stock_share`` 0 … 1 to tenths."""
        stocks, mixes = grid().bands.shape[:2]
        scale = np.maximum(balance + YEARS_OF_CONTRIBUTION_IN_SCALE * np.abs(annual_contribution), 0.01)
        place = (YEARS_OF_CONTRIBUTION_IN_SCALE * annual_contribution / scale + 1) * ((mixes - 1) / 2)
        mix = np.clip(place.astype(np.int64), 0, mixes - 2)
        stock = np.clip(np.rint(stock_share * 10).astype(np.int64), 0, stocks - 1)
        return Projections(stock, mix, place - mix, scale)

    def __getitem__(self, rows: Ints) -> Projections:
        return Projections(self.stock[rows], self.mix[rows], self.weight[rows], self.scale[rows])

    def bands(self, years: int) -> Floats:
        """Bands in dollars, (households, 5, years + 1)."""
        return self._dollars(grid().bands, years)

    def sample_paths(self, years: int) -> Floats:
        """Single paths in dollars, (households, 20, years + 1)."""
        return self._dollars(grid().paths, years)

    def success_percent(self, years: Ints, goal: Floats) -> Ints:
        """Percent of paths that have at least ``goal`` dollars, and more than nothing, left after ``years``."""
        percentiles = grid().percentiles
        mixes, shown, percents = percentiles.shape[1:]
        flat, lower = percentiles.reshape(-1), ((self.stock * mixes + self.mix) * shown + years) * percents
        upper = lower + shown * percents
        rest, enough = 1 - self.weight, np.maximum(goal / self.scale, 1e-9)
        # Number of the ascending percentiles that are too small, by bisection.
        short, step = np.zeros(len(enough), np.int64), 1 << percents.bit_length()
        while step := step >> 1:
            place = np.minimum(short + step, percents) - 1
            wealth = flat.take(lower + place) * rest + flat.take(upper + place) * self.weight
            short += step * ((wealth < enough) & (short + step <= percents))
        return np.asarray(percents - short)

    def most_dollars(self, table: Floats) -> Floats:
        """Upper bound in dollars of all amounts from a table of the grid."""
        tops = table.max(axis=(2, 3)).reshape(-1)
        return np.asarray(self.scale * np.maximum(tops.take(self._lower), tops.take(self._lower + 1)) * _MORE)

    @property
    def _lower(self) -> Ints:
        """Index of the lower mix in the flattened grid; the upper one is the next."""
        return np.asarray(self.stock * grid().bands.shape[1] + self.mix)

    def _dollars(self, table: Floats, years: int) -> Floats:
        share = (self.weight * self.scale)[:, None, None]
        rest = ((1 - self.weight) * self.scale)[:, None, None]
        flat = table.reshape(-1, *table.shape[2:])
        lower, upper = (flat.take(self._lower + upper, axis=0)[..., : years + 1] for upper in (0, 1))
        return np.asarray(lower * rest + upper * share)


@dataclass(frozen=True)
class Inputs:
    """Inputs of simulations, an entry a household; dollars and years as in ``simulation.project``."""

    balance: Floats
    annual_contribution: Floats
    horizon_years: Ints
    stock_share: Floats
    goal: Floats
    retirement_year: Ints
    """Year of retirement; 0 for the retired."""
    ran_us: Ints

    def __getitem__(self, rows: Ints) -> Inputs:
        return Inputs(
            self.balance[rows], self.annual_contribution[rows], self.horizon_years[rows], self.stock_share[rows],
            self.goal[rows], self.retirement_year[rows], self.ran_us[rows],
        )  # fmt: skip


def within_grid(horizon_years: Ints) -> Ints:
    """Limit horizons to the simulated ones, 1 … 50 years."""
    return np.clip(horizon_years, 1, LONGEST_YEARS)


def success_percent(inputs: Inputs) -> Ints:
    """Percent of simulated paths that succeed, an entry a household."""
    places = Projections.of(inputs.balance, inputs.annual_contribution, inputs.stock_share)
    return places.success_percent(within_grid(inputs.horizon_years), inputs.goal)


def results(inputs: Inputs, success: Ints, detail: Ints) -> list[bytes | None]:
    """JSON of ``monte_carlo_results`` by household, None if ``detail`` is −1. ``success`` is from success_percent."""
    documents: list[bytes | None] = [None] * len(detail)
    simulated = np.flatnonzero(detail >= 0)
    if not simulated.size:
        return documents
    inputs, detail = inputs[simulated], detail[simulated]
    places = Projections.of(inputs.balance, inputs.annual_contribution, inputs.stock_share)
    horizon = within_grid(inputs.horizon_years)
    summary = detail == DETAILS.index(Detail.SUMMARY)
    shown = np.where(summary, np.minimum(horizon, SUMMARY_YEARS), LONGEST_YEARS)
    with_paths = detail == DETAILS.index(Detail.PATHS)
    begin = join(len(detail), _begin(inputs, success[simulated], horizon))
    end = join(len(detail), _end(inputs, horizon))
    # Documents of one form are written together, so that no row is padded to the width of a longer form.
    is_wide = np.where(with_paths, places.most_dollars(grid().paths), places.most_dollars(grid().bands)) > _NARROW
    form = 2 * np.where(summary, -(-shown // _YEARS_ALIKE), LONGEST_YEARS + detail) + is_wide
    order = np.argsort(form, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(form[order])) + 1):
        written = _documents(
            places[alike], shown[alike], pick(begin, alike), pick(end, alike), bool(with_paths[alike[0]])
        )
        for row, document in zip(simulated[alike].tolist(), written, strict=True):
            documents[row] = document
    return documents


def _documents(places: Projections, shown: Ints, begin: Text, end: Text, with_paths: bool) -> list[bytes]:
    """Result documents with the same keys; ``begin`` and ``end`` are the members before and after the bands."""
    years = int(shown.max())
    bands = json_object(dict(zip(BANDS, _series(places.bands(years), shown), strict=True)))
    parts: list[Piece] = [b"{", begin, b',"bands":', bands, b",", end]
    if with_paths:
        paths = _series(places.sample_paths(years), shown)
        parts += [b',"sample_paths":[', paths[0], *((b",", path) for path in paths[1:]), b"]"]
    return solid_lines(join(len(shown), *parts, b"}"))


def _begin(inputs: Inputs, success: Ints, horizon: Ints) -> Piece:
    return json_members(
        {
            "success_probability": decimals(success, 2),
            "start_balance": dollars(inputs.balance),
            "annual_contribution": dollars(inputs.annual_contribution),
            "horizon_years": integers(horizon),
            "goal": dollars(inputs.goal),
            "retirement_year": where(inputs.retirement_year > 0, integers(inputs.retirement_year), b"null"),
            "stock_share": rounded(inputs.stock_share, 3),
            "paths": b"%d" % PATHS,
        }
    )


def _end(inputs: Inputs, horizon: Ints) -> Piece:
    return json_members({"ran_at": quoted(moments(inputs.ran_us)), "scenarios": _what_ifs(inputs, horizon)})


def _what_ifs(inputs: Inputs, horizon: Ints) -> Piece:
    parts: list[Piece] = []
    for name, contribution_times, balance_times in WHAT_IFS:
        other = Projections.of(
            inputs.balance * balance_times, inputs.annual_contribution * contribution_times, inputs.stock_share
        )
        success = decimals(other.success_percent(horizon, inputs.goal), 2)
        parts += [b",", json_object({"name": quoted(name.encode()), "success_probability": success})]
    return (b"[", *parts[1:], b"]")


def _series(amounts: Floats, last: Ints) -> list[Piece]:
    """JSON arrays by series of amounts (rows, series, years + 1), for each row up to its ``last`` year."""
    numbers: Text = dollars(amounts)
    rows, series, years, _ = numbers.shape
    beyond: Bools = np.arange(years) > last[:, None]
    numbers[..., -1] = ord(",")  # the last word of an amount has a spare byte
    if beyond.any():
        np.copyto(numbers.view(np.uint32), _NOTHING, where=beyond[:, None, :, None])
    numbers[np.arange(rows), :, last, -1] = ord(BLANK)
    return [(b"[", numbers[:, n].reshape(rows, -1), b"]") for n in range(series)]
