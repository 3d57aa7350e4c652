"""Means of levels measured in blocks, with errors that include drift between blocks.

A sweep visits every level once per block; between blocks the machine drifts. Logarithms follow
``y = level + block + run``, where blocks and runs are normal with a standard deviation each. The drift of a block is
common to its levels, so it cancels between levels but stays in each level's mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats

SMALLEST_SHARE = 1e-9
"""Least variance of runs as a share of that of blocks, so that the weights stay finite."""


@dataclass(frozen=True, slots=True)
class BlockedMeans:
    """Mean of each level, in the given order, and its standard error.

    ``own_errors`` leave out the drift that is common to all levels, ``errors`` include it. The share ``block_share`` of
    a level's variance is known with ``block_df`` degrees of freedom, the rest with ``run_df``. ``block_sd`` is 0 where
    blocks differ by no more than runs do, or cannot be separated from runs.
    """

    means: Floats
    errors: Floats
    own_errors: Floats
    block_share: Floats
    block_df: int
    run_df: int
    block_sd: float
    run_sd: float

    def half_widths(self, level: float) -> Floats:
        """Return the half-width of each mean's interval: its error times Student's quantiles, weighted by variance.

        This is Cochran and Cox's approximation, whose coverage is at least the stated level. With two or three blocks
        the coverage of a single number of degrees of freedom (Satterthwaite) is too low.
        """
        from scipy.special import stdtrit

        few, many = (float(stdtrit(df, (1 + level) / 2)) for df in (self.block_df, self.run_df))
        return np.asarray(self.errors * (self.block_share * few + (1 - self.block_share) * many))

    def own_half_widths(self, level: float) -> Floats:
        """Return half-widths without the drift common to all levels, for comparing levels."""
        from scipy.special import stdtrit

        return np.asarray(self.own_errors * float(stdtrit(self.run_df, (1 + level) / 2)))

    def probability_below(self, limit: float) -> Floats:
        """Return the probability that each level's true mean is at most ``limit``, by Student's distributions."""
        from scipy.special import stdtr

        margins = limit - self.means
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(self.errors > 0, margins / self.errors, np.where(margins >= 0, np.inf, -np.inf))
        few, many = (stdtr(df, z) for df in (self.block_df, self.run_df))
        return np.asarray(self.block_share * few + (1 - self.block_share) * many)


def blocked_means(groups: Sequence[Sequence[tuple[int, float]]]) -> BlockedMeans | None:
    """Estimate the means from (block, value) of each run by level; None without a repeated level.

    Variances are from the mean squares of blocks, within levels, and of runs (Henderson's method 3), means by
    generalised least squares. If blocks cannot be separated from runs, there is one pooled variance between the runs of
    a level.
    Source: S. R. Searle, G. Casella and C. E. McCulloch, Variance Components, 1992.
    """
    runs = [(level, block, value) for level, group in enumerate(groups) for block, value in group]
    y = np.array([value for _, _, value in runs])
    level_of = _indicators([level for level, _, _ in runs])
    block_of = _indicators([block for _, block, _ in runs])
    count, levels = level_of.shape
    if count == levels:
        return None
    apart = y - level_of @ (level_of.T @ y / level_of.sum(axis=0))
    both = np.hstack([level_of, block_of])
    rank = int(np.linalg.matrix_rank(both))
    block_df, run_df = rank - levels, count - rank
    total = float(apart @ apart)
    if block_df < 1 or run_df < 1:
        return _unblocked(y, level_of, total / (count - levels))
    left = y - both @ np.linalg.lstsq(both, y, rcond=None)[0]
    of_runs = float(left @ left) / run_df
    of_blocks = max(total - float(left @ left), 0.0) / block_df
    # The expectation of the blocks' mean square is of_runs + runs_a_block × their variance.
    centred = block_of - level_of @ (level_of.T @ block_of / level_of.sum(axis=0)[:, None])
    runs_a_block = float(np.sum(centred**2)) / block_df
    block_variance = max(of_blocks - of_runs, 0.0) / runs_a_block
    if of_blocks <= 0:
        return _unblocked(y, level_of, 0.0)
    ratio = block_variance / max(of_runs, SMALLEST_SHARE * block_variance)
    # The inverse of ratio·ZZ' + 1 by Woodbury's identity, in which Z'Z is diagonal.
    shrunk = block_of * (ratio / (1 + ratio * block_of.sum(axis=0)))
    whitened = level_of - shrunk @ (block_of.T @ level_of)
    weights = np.linalg.solve(level_of.T @ whitened, whitened.T)
    # The variance of a level's mean, w'w·runs + |Z'w|²·blocks, is written in the two mean squares for its df.
    own = np.sum(weights**2, axis=1) * of_runs
    by_blocks = np.sum((weights @ block_of) ** 2, axis=1) / runs_a_block
    by_runs = np.sum(weights**2, axis=1) - by_blocks
    of_blocks = max(of_blocks, of_runs)
    variance = by_blocks * of_blocks + by_runs * of_runs
    return BlockedMeans(
        means=weights @ y,
        errors=np.sqrt(variance),
        own_errors=np.sqrt(own),
        block_share=np.clip(by_blocks * of_blocks / variance, 0.0, 1.0),
        block_df=block_df,
        run_df=run_df,
        block_sd=float(np.sqrt(block_variance)),
        run_sd=float(np.sqrt(of_runs)),
    )


def _unblocked(y: Floats, level_of: Floats, variance: float) -> BlockedMeans:
    counts = level_of.sum(axis=0)
    errors = np.sqrt(variance / counts)
    return BlockedMeans(
        means=level_of.T @ y / counts,
        errors=errors,
        own_errors=errors,
        block_share=np.zeros(len(counts)),
        block_df=1,
        run_df=len(y) - len(counts),
        block_sd=0.0,
        run_sd=float(np.sqrt(variance)),
    )


def _indicators(labels: Sequence[int]) -> Floats:
    """Indicator matrix: a column of 0 and 1 for each distinct label."""
    return np.asarray(np.asarray(labels)[:, None] == np.unique(labels)[None, :], dtype=np.float64)
