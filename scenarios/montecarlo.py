"""Write-heavy: Monte Carlo simulations. Read a household's inputs, simulate, store results and calculations; batches.

    locust -f scenarios/montecarlo.py
    loadgen run montecarlo --users 8 --duration 5m

The paths were simulated before the clock started, on a grid that is scaled to each household: simulating 1,000 × 30
years in a transaction would stall every other user of this process for milliseconds and falsify their latencies.
Weights, think time, skew and batch size are an assumption until production's statement mix is known.
"""

import random

from loadgen.engine.scenario import PostgresUser, Row, Transaction, draw, exponential
from loadgen.population.simulation import Detail, project

BATCH_PROFILES = 10
DETAIL = {Detail.SUMMARY: 70, Detail.FULL: 25, Detail.PATHS: 5}


@draw
def simulate(rng: random.Random, inputs: Row | None) -> bytes | None:
    """Simulate the household's projection from its balance, contribution, horizon and allocation; None without them."""
    if inputs is None:
        return None
    balance, contribution, horizon_years, stock_share, goal = (float(value or 0) for value in inputs)
    (detail,) = rng.choices(list(DETAIL), list(DETAIL.values()))
    return project(balance, contribution, round(horizon_years), stock_share, detail, goal=goal)


@draw
def score(rng: random.Random) -> str:
    """The calculations that a simulation changes."""
    return f'{{"retirement_score": {rng.randint(20, 99)}, "emergency_fund_months": {rng.randint(0, 240) / 10}}}'


@draw
def optimised(rng: random.Random) -> str:
    """Result of the optimiser: when to retire and how much to save."""
    age, rate = rng.randint(58, 70), rng.randint(50, 350) / 1000
    return f'{{"retirement_age": {age}, "savings_rate": {rate}, "social_security_age": {rng.randint(62, 70)}}}'


class MonteCarlo(PostgresUser):
    """A person, or the nightly job, that has plans simulated."""

    think_time = exponential(mean_s=8.0)
    user_skew = 0.99

    @classmethod
    def prepare(cls) -> None:
        """Simulate the grid now: the first projection of a process takes a second."""
        project(100_000.0, 5_000.0, 30, 0.6)

    transactions = (
        Transaction("recalculate", 12, ("inputs", "store_results")),
        Transaction("optimise", 4, ("inputs", "store_optimisation")),
        Transaction("view_results", 3, ("results",)),
        Transaction("nightly_batch", 1, ("inputs", "store_results"), repeat=BATCH_PROFILES),
    )
