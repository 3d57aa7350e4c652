"""Households against every published figure at scale: ``python -m benchmarks.households [USERS]``.

Five seeds, chunks as a load has them. Prints the worst error of every kind of figure and writes all of them, seed by
seed, to ``benchmarks/households.csv``. Ends with 1 if any figure is past its tolerance.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from loadgen.population.household import reference
from loadgen.population.household.comparison import Comparison, compare
from loadgen.population.household.families import draw_families
from loadgen.population.household.households import draw_households
from loadgen.population.model import chunk_users_of

SEEDS: Final = (1, 2, 3, 4, 5)
RAW: Final = Path(__file__).with_suffix(".csv")


def figures(seed: int, users: int) -> tuple[Comparison, ...]:
    """Every figure of one population."""
    size = chunk_users_of(users)
    families = [draw_families(seed, chunk, size) for chunk in range(users // size)]
    drawn = [draw_households(seed, chunk, family) for chunk, family in enumerate(families)]
    to_2022 = 1 / (1000 * reference.dollars_per_2022_dollar())
    amounts = {
        name: to_2022 * np.concatenate([getattr(households, name) for households in drawn])
        for name in type(drawn[0]).__dataclass_fields__
    }
    return compare(amounts, np.concatenate([family.age_group for family in families]))


def main(users: int) -> int:
    """Compare, write, print; how the process ends."""
    found = {seed: figures(seed, users) for seed in SEEDS}
    with RAW.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("users", "seed", "measure", "group", "published", "found", "error", "tolerance", "within"))
        for seed, of_seed in found.items():
            for f in of_seed:
                numbers = (f"{value:.4g}" for value in (f.published, f.found, f.error, f.tolerance))
                rows.writerow((users, seed, f.measure, f.group, *numbers, int(f.within)))
    worst: dict[str, Comparison] = {}
    past = defaultdict(int)
    for figure in (figure for of_seed in found.values() for figure in of_seed):
        known = worst.setdefault(figure.measure, figure)
        if abs(figure.error) / figure.tolerance > abs(known.error) / known.tolerance:
            worst[figure.measure] = figure
        past[figure.measure] += not figure.within
    for measure, figure in worst.items():
        unit = "points" if figure.in_percent else "%"
        print(
            f"{measure:<32}worst {figure.error:+6.2f} {unit:<7}of {figure.tolerance:5.1f} ({figure.group})"
            f"{'' if not past[measure] else f'  past in {past[measure]}'}"
        )
    return 1 if any(past.values()) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
