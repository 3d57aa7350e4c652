"""Monte Carlo projections, simulated once and scaled.

Wealth follows W(t+1) = max(0, W(t) · (1 + r(t)) + c), with r the real return of a portfolio rebalanced every year and
c the yearly contribution, below zero a withdrawal. Paths are homogeneous of degree one in (W(0), c): with the scale
s = W(0) + 10·|c| only the mix λ = 10·c / s in [−1, 1] matters. So a grid over stock share and mix is simulated once,
its quantiles by year are kept, and a household's projection is a linear interpolation in the mix, times s. Bands of
different percentiles cannot cross, because interpolation keeps their order; its error stays below three per cent of the
starting amount, and is largest where money is about to run out.

Returns: compound return and volatility by asset class, and inflation, from the published long-term assumptions in
``data/household_facts.csv``. Amounts are in today's dollars.
"""

from __future__ import annotations

from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from capacity.arrays import Floats
from loadgen.population.household import reference
from loadgen.population.streams import Part, Stream

PATHS: Final = 1000
LONGEST_YEARS: Final = 50
BANDS: Final = {"p10": 0.10, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p90": 0.90}
SAMPLE_PATHS: Final = 20
SUMMARY_YEARS: Final = 30

YEARS_OF_CONTRIBUTION_IN_SCALE: Final = 10.0
_STOCK_SHARES = np.linspace(0, 1, 11)
_MIXES = np.linspace(-1, 1, 81)  # 0 is among them: the paths have a kink there
_PERCENTS = 100  # probabilities are read off to one percent
_THREADS: Final = 2

# Assumptions: stocks abroad as a share of stocks, and correlations of yearly returns.
_STOCKS_ABROAD = 0.3
_CORRELATION_STOCKS, _CORRELATION_BONDS = 0.85, 0.10

# Alternatives in a document: name, factor of the contribution, factor of the balance. Assumptions.
WHAT_IFS: Final = (("save_a_tenth_more", 1.1, 1.0), ("markets_fall_30_percent", 1.0, 0.7))


class Detail(StrEnum):
    """Detail of a projection in a document."""

    SUMMARY = "summary"
    """Bands for each year of the horizon, at most 30: about 1 KB."""
    FULL = "full"
    """Bands for 50 years, beyond the horizon at the same contribution: about 3 KB."""
    PATHS = "paths"
    """Bands as in FULL, and single paths: about 14 KB."""


@dataclass(frozen=True)
class Grid:
    """Simulated wealth at scale 1 by stock share and mix, the leading axes of each array."""

    bands: Floats
    """Bands, (…, 5, years + 1)."""
    percentiles: NDArray[np.float32]
    """Percentiles, (…, years + 1, 100): the middles of a hundred equal shares of the paths, ascending."""
    paths: Floats
    """Single paths, (…, 20, years + 1)."""


@cache
def grid() -> Grid:
    """Simulate 1,000 paths × 50 years for each stock share and mix, once a process, in a quarter of a second."""
    stocks, bonds = _real_growth()
    shape, years = (len(_STOCK_SHARES), len(_MIXES)), LONGEST_YEARS + 1
    result = Grid(
        np.empty((*shape, len(BANDS), years)),
        np.empty((*shape, years, _PERCENTS), np.float32),
        np.empty((*shape, SAMPLE_PATHS, years)),
    )

    def simulate(number: int) -> None:
        share = _STOCK_SHARES[number]
        _simulate(result, number, share * stocks + (1 - share) * bonds)

    # NumPy releases the GIL while it sorts, which takes most of the time.
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(simulate, range(len(_STOCK_SHARES))))
    return result


def _simulate(out: Grid, number: int, growth: Floats) -> None:
    """Simulate all mixes of one stock share, whose growth factors are (years, paths)."""
    band_ranks = np.rint(np.array(list(BANDS.values())) * (PATHS - 1)).astype(np.int64)
    percent_ranks = np.arange(PATHS // _PERCENTS // 2, PATHS, PATHS // _PERCENTS)
    contribution = _MIXES[:, None] / YEARS_OF_CONTRIBUTION_IN_SCALE
    wealth = np.repeat(1 - np.abs(_MIXES)[:, None], PATHS, axis=1)
    ordered = np.empty_like(wealth)
    for year in range(LONGEST_YEARS + 1):
        if year:
            wealth *= growth[year - 1]
            wealth += contribution
            np.maximum(wealth, 0.0, out=wealth)
        ordered[:] = wealth
        ordered.sort(axis=1)
        out.bands[number, :, :, year] = ordered[:, band_ranks]
        out.percentiles[number, :, year] = ordered[:, percent_ranks]
        out.paths[number, :, :, year] = wealth[:, :SAMPLE_PATHS]


def _real_growth() -> tuple[Floats, Floats]:
    """Real yearly growth factors of stocks and bonds, (years, paths) each: lognormal, antithetic in pairs."""
    stream = Stream(0, Part.MARKETS)
    half = np.array([stream.normals(LONGEST_YEARS * PATHS // 2) for _ in range(4)])
    half = half.reshape(4, LONGEST_YEARS, PATHS // 2)
    z = np.stack([half, -half], axis=-1).reshape(4, LONGEST_YEARS, PATHS)
    home, abroad, bonds = (
        z[0],
        _correlated(z[0], z[1], _CORRELATION_STOCKS),
        _correlated(z[0], z[2], _CORRELATION_BONDS),
    )
    inflation = _lognormal("inflation", z[3])
    stocks = (1 - _STOCKS_ABROAD) * _lognormal("US large cap", home) + _STOCKS_ABROAD * _lognormal(
        "EAFE equity", abroad
    )
    # Rounded, because the last bits of exponentials may differ between machines.
    return np.round(stocks / inflation, 9), np.round(_lognormal("US aggregate bonds", bonds) / inflation, 9)


def _correlated(z: Floats, own: Floats, correlation: float) -> Floats:
    return np.asarray(correlation * z + np.sqrt(1 - correlation**2) * own)


def _lognormal(asset: str, z: Floats) -> Floats:
    """Growth factors whose median compounds at the published return: exp(ln(1 + g) + s·z)."""
    compound, volatility = reference.market(asset)
    return np.asarray(np.exp(np.log1p(compound) + np.log1p(volatility) * z))


@dataclass(frozen=True, slots=True)
class Projection:
    """Position of a household in the grid. ``mix`` is the lower of two neighbours, ``weight`` that of the upper one."""

    stock: int
    mix: int
    weight: float
    scale: float

    @staticmethod
    def of(balance: float, annual_contribution: float, stock_share: float) -> Projection:
        """Position for ``balance`` ≥ 0 and contribution in dollars a year; rounds ``stock_share`` 0 … 1 to tenths."""
        scale = max(balance + YEARS_OF_CONTRIBUTION_IN_SCALE * abs(annual_contribution), 0.01)
        last = len(_MIXES) - 1
        place = (YEARS_OF_CONTRIBUTION_IN_SCALE * annual_contribution / scale + 1) * (last / 2)
        mix = min(max(int(place), 0), last - 1)
        stock = min(max(round(stock_share * 10), 0), len(_STOCK_SHARES) - 1)
        return Projection(stock, mix, place - mix, scale)

    def bands(self, years: int) -> Floats:
        """Bands in dollars and cents, (5, years + 1); the first year is the balance itself."""
        return self._dollars(grid().bands, years)

    def sample_paths(self, years: int) -> Floats:
        """Single paths in dollars and cents, (20, years + 1)."""
        return self._dollars(grid().paths, years)

    def success_probability(self, years: int, goal: float) -> float:
        """Share of paths that have at least ``goal`` dollars, and more than nothing, left after ``years``."""
        value = grid().percentiles.item

        def wealth(percent: int) -> float:
            lower: float = value(self.stock, self.mix, years, percent)
            upper: float = value(self.stock, self.mix + 1, years, percent)
            return lower * (1 - self.weight) + upper * self.weight

        # Bisection reads seven of a hundred: this runs inside transactions whose latency is measured.
        enough = max(goal / self.scale, 1e-9)
        return (_PERCENTS - bisect_left(range(_PERCENTS), enough, key=wealth)) / _PERCENTS

    def _dollars(self, table: Floats, years: int) -> Floats:
        lower, upper = table[self.stock, self.mix : self.mix + 2, :, : years + 1]
        return np.asarray(((lower * (1 - self.weight) + upper * self.weight) * self.scale).round(2))


def _within_grid(horizon_years: int) -> int:
    """Limit a horizon to the simulated ones, 1 … 50 years."""
    return min(max(horizon_years, 1), LONGEST_YEARS)


def project(
    balance: float,
    annual_contribution: float,
    horizon_years: int,
    stock_share: float,
    variant: Detail = Detail.SUMMARY,
    *,
    goal: float = 0.0,
    retirement_year: int | None = None,
    ran_at: str | None = None,
) -> bytes:
    """JSON of ``monte_carlo_results`` of one household, from the grid.

    ``balance`` ≥ 0, contribution and goal in today's dollars; a path succeeds if ``goal``, and more than nothing, is
    left after the horizon. Equal arguments give equal bytes. The first call of a process simulates the grid.
    """
    place = Projection.of(balance, annual_contribution, stock_share)
    horizon = _within_grid(horizon_years)
    shown = min(horizon, SUMMARY_YEARS) if variant is Detail.SUMMARY else LONGEST_YEARS
    what_ifs = [
        (name, Projection.of(balance * balance_times, annual_contribution * contribution_times, stock_share))
        for name, contribution_times, balance_times in WHAT_IFS
    ]
    document: dict[str, object] = {
        "success_probability": place.success_probability(horizon, goal),
        "start_balance": balance,
        "annual_contribution": annual_contribution,
        "horizon_years": horizon,
        "goal": goal,
        "retirement_year": retirement_year,
        "stock_share": stock_share,
        "paths": PATHS,
        "bands": dict(zip(BANDS, place.bands(shown), strict=True)),
        "ran_at": ran_at,
        "scenarios": [
            {"name": name, "success_probability": other.success_probability(horizon, goal)} for name, other in what_ifs
        ],
    }
    if variant is Detail.PATHS:
        document["sample_paths"] = place.sample_paths(shown)
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
