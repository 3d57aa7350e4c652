"""Projections of many households at once, and the documents that hold them.

The same figures as :func:`loadgen.population.simulation.project` gives for one household, from the same grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadgen.population.simulation import (
    BANDS,
    LONGEST_YEARS,
    PATHS,
    SUMMARY_YEARS,
    WHAT_IFS,
    YEARS_OF_CONTRIBUTION_IN_SCALE,
    Detail,
    Grid,
    grid,
)
from loadgen.population.streams import Bools, Floats, Ints
from loadgen.population.text import (
    Piece,
    Text,
    blank_lines,
    decimals,
    dollars,
    integers,
    join,
    json_object,
    moments,
    quoted,
    rounded,
    where,
)

DETAILS: Final = (Detail.SUMMARY, Detail.FULL, Detail.PATHS)
"""By code; a household without results has −1."""


@dataclass(frozen=True)
class Projections:
    """Households' places in the grid, an entry each. ``mix`` is the lower of two neighbours, ``weight`` the upper's."""

    stock: Ints
    mix: Ints
    weight: Floats
    scale: Floats

    @staticmethod
    def of(balance: Floats, annual_contribution: Floats, stock_share: Floats) -> Projections:
        """``balance`` ≥ 0 and contribution in dollars a year; ``stock_share`` 0 … 1 counts to its nearest tenth."""
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
        table: Grid = grid()
        lower = table.percentiles[self.stock, self.mix, years].astype(np.float64)
        upper = table.percentiles[self.stock, self.mix + 1, years].astype(np.float64)
        enough = np.maximum(goal / self.scale, 1e-9)
        wealth = lower * (1 - self.weight)[:, None] + upper * self.weight[:, None]
        return np.asarray((wealth >= enough[:, None]).sum(axis=1), np.int64)

    def _dollars(self, table: Floats, years: int) -> Floats:
        share = (self.weight * self.scale)[:, None, None]
        rest = ((1 - self.weight) * self.scale)[:, None, None]
        shown = slice(years + 1)
        return np.asarray(
            table[self.stock, self.mix, :, shown] * rest + table[self.stock, self.mix + 1, :, shown] * share
        )


@dataclass(frozen=True)
class Inputs:
    """What simulations start from, an entry a household; dollars and years as in ``simulation.project``."""

    balance: Floats
    annual_contribution: Floats
    horizon_years: Ints
    stock_share: Floats
    goal: Floats
    retirement_year: Ints
    """0: has retired."""
    ran_us: Ints

    def __getitem__(self, rows: Ints) -> Inputs:
        return Inputs(
            self.balance[rows], self.annual_contribution[rows], self.horizon_years[rows], self.stock_share[rows],
            self.goal[rows], self.retirement_year[rows], self.ran_us[rows],
        )  # fmt: skip


def within_grid(horizon_years: Ints) -> Ints:
    """The horizons that are simulated: 1 … 50 years."""
    return np.clip(horizon_years, 1, LONGEST_YEARS)


def success_percent(inputs: Inputs) -> Ints:
    """Percent of simulated paths that succeed, an entry a household."""
    places = Projections.of(inputs.balance, inputs.annual_contribution, inputs.stock_share)
    return places.success_percent(within_grid(inputs.horizon_years), inputs.goal)


def results(inputs: Inputs, success: Ints, detail: Ints) -> list[bytes | None]:
    """``monte_carlo_results`` by household: JSON, None where ``detail`` is −1. ``success`` from success_percent."""
    found: list[bytes | None] = [None] * len(detail)
    for code, kind in enumerate(DETAILS):
        rows = np.flatnonzero(detail == code)
        if rows.size:
            for row, document in zip(rows.tolist(), _documents(inputs[rows], success[rows], kind), strict=True):
                found[row] = document
    return found


def _documents(inputs: Inputs, success: Ints, detail: Detail) -> list[bytes]:
    horizon = within_grid(inputs.horizon_years)
    shown = np.minimum(horizon, SUMMARY_YEARS) if detail is Detail.SUMMARY else np.full_like(horizon, LONGEST_YEARS)
    places = Projections.of(inputs.balance, inputs.annual_contribution, inputs.stock_share)
    members: dict[str, Piece] = {
        "success_probability": decimals(success, 2),
        "start_balance": dollars(inputs.balance),
        "annual_contribution": dollars(inputs.annual_contribution),
        "horizon_years": integers(horizon),
        "goal": dollars(inputs.goal),
        "retirement_year": where(inputs.retirement_year > 0, integers(inputs.retirement_year), b"null"),
        "stock_share": rounded(inputs.stock_share, 3),
        "paths": b"%d" % PATHS,
        "bands": json_object(dict(zip(BANDS, _series(places.bands(int(shown.max())), shown), strict=True))),
        "ran_at": quoted(moments(inputs.ran_us)),
        "scenarios": _what_ifs(inputs, horizon),
    }
    if detail is Detail.PATHS:
        paths = _series(places.sample_paths(LONGEST_YEARS), shown)
        members["sample_paths"] = (b"[", paths[0], *((b",", path) for path in paths[1:]), b"]")
    return blank_lines(join(len(horizon), json_object(members)))


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
    """Amounts of shape (rows, series, years + 1) as JSON arrays by series, each row's up to its ``last`` year."""
    numbers: Text = dollars(amounts)
    rows, series, years, _ = numbers.shape
    beyond: Bools = np.arange(years) > last[:, None]
    numbers[..., -1] = ord(",")  # cents end a byte before their last word does
    if beyond.any():
        numbers *= ~beyond[:, None, :, None]
    numbers[np.arange(rows), :, last, -1] = 0
    return [(b"[", numbers[:, one].reshape(rows, -1), b"]") for one in range(series)]
