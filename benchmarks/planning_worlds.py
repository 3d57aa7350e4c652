"""Worlds for the planner: a truth, what can be measured of it, and what it then turns out to need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capacity.arrays import Floats
from capacity.growth import Forecast, forecast
from capacity.growth.periods import Cadence
from capacity.latency import LatencyRun, latency_curve
from capacity.measurements import MeasuredServer, MeasuredTables, SweptScenario
from capacity.planner import PlanInputs
from capacity.pool.measured import P99_MARGIN
from capacity.scalability import Repeat, capacity_at_objective
from capacity.scalability.repeats import POOL_MARGIN
from capacity.sizing import POLICY_UNITS, Policy, replicas_needed
from capacity.targets import GIB, Server, Target
from capacity.values import Input, Interval, Origin, TableSize
from capacity.workload import UNITS, MixShare, Workload

MONTHS = Cadence(months=1, days=0, anchor_day=31, month_end=True)
HISTORY, HORIZON = 36, 18
LEVELS = (1, 2, 4, 8, 16, 32)
REPEATS = 3
DRIFT, RUN_NOISE, RESPONSE_NOISE = 0.03, 0.02, 0.05
"""Standard deviations of logarithms: of a block of runs, of a run's throughput, of its response time."""
OBJECTIVE_QUANTILE = 2.2
"""Of response time, in means: the objective's percentile."""
EDGE = 1.6448536
GROWTH = ("linear", "damped", "logistic", "cumulated")


@dataclass(frozen=True)
class Law:
    """A scenario on one server: X(N) = γN / (1 + α(N − 1) + βN(N − 1)), and the objective on its response time."""

    gamma: float
    alpha: float
    beta: float
    limit_ms: float

    def tps(self, n: Floats) -> Floats:
        return np.asarray(self.gamma * n / (1 + self.alpha * (n - 1) + self.beta * n * (n - 1)))

    def response_ms(self, n: Floats) -> Floats:
        return np.asarray(OBJECTIVE_QUANTILE * 1000 * n / self.tps(n))

    @property
    def capacity(self) -> float:
        """The greatest throughput at any number of connections at which the objective is met."""
        return self.capacity_within(self.limit_ms)

    def capacity_within(self, limit_ms: float) -> float:
        n = np.linspace(1, LEVELS[-1], 20_000)
        return float(self.tps(n)[self.response_ms(n) <= limit_ms].max(initial=0.0))

    @property
    def pool(self) -> int:
        """The least pool not worse than the best by the margins, of all that were possible."""
        n = np.arange(1, LEVELS[-1] + 1, dtype=np.float64)
        tps = self.tps(n)
        waits = self.response_ms(n) + 1000 * (n[-1] - n) / tps
        good = (tps >= (1 - POOL_MARGIN) * tps.max()) & (waits <= (1 + P99_MARGIN) * waits.min())
        return int(n[good][0]) if good.any() else int(n[tps >= (1 - POOL_MARGIN) * tps.max()][0])


@dataclass(frozen=True)
class World:
    """What is given to the planner, and what is true."""

    inputs: PlanInputs
    users: Floats
    """True, from the last observation on."""
    reads: Floats
    """True, in measured servers at their objective, by date."""
    writes: Floats
    reads_there: Floats
    """The same on cores as fast as the target's: slower ones take longer, and meet the objective at less load."""
    writes_there: Floats
    fresh: float
    replay: float
    core_speed: float
    scaling: float
    pool: int
    need: float
    """True load at the horizon, in measured servers."""

    def replicas(self, server: Server, measured_cores: int, carried_over: bool) -> Floats:
        """The fewest replicas of ``server`` that meet the objective, by date; +inf where none does."""
        speed = self.core_speed * ((server.cores or 1) / measured_cores) ** self.scaling if carried_over else 1.0
        target = np.full_like(self.reads, speed)
        reads, writes = (self.reads_there, self.writes_there) if carried_over else (self.reads, self.writes)
        return replicas_needed(reads, writes, np.full_like(target, self.replay), target, self.fresh)


def world(seed: int) -> World | None:
    """One world; None where its history carries no interval, which the planner refuses."""
    rng = np.random.default_rng([2026, seed])
    users = _users(rng, GROWTH[seed % len(GROWTH)])
    dates = [MONTHS.after(dt.date(2023, 1, 31), i) for i in range(HISTORY)]
    made = forecast(users[:HISTORY], HORIZON, 0.9, dates=dates)
    if not isinstance(made, Forecast):
        return None
    laws = {"dashboard": _law(rng, 100, 1000), "montecarlo": _law(rng, 30, 200)}
    read_share = {"dashboard": float(rng.uniform(0.85, 1.0)), "montecarlo": 0.0}
    scenarios = tuple(_swept(rng, name, law, read_share[name]) for name, law in laws.items())
    truth: dict[str, float] = {}

    def known(name: str, value: float, spread: float, unit: str, most: float = np.inf) -> Input:
        """A truth, and somebody's 90 % interval of it that is off by a normal error of its logarithm."""
        truth[name] = value
        middle = min(value * float(np.exp(spread * rng.normal())), most)
        low, high = middle * np.exp(-EDGE * spread), min(middle * np.exp(EDGE * spread), most)
        return Input(name, Interval(low, middle, float(high)), unit, Origin.ASSUMPTION, "planted")

    wide = float(rng.choice([0.05, 0.15, 0.3]))
    montecarlo = known("mix.montecarlo", float(rng.uniform(0.01, 0.06)), 0.1, "share of transactions")
    rest = Interval(*(1 - end for end in (montecarlo.value.high, montecarlo.value.value, montecarlo.value.low)))
    dashboard = Input("mix.dashboard", rest, "share of transactions", Origin.ASSUMPTION, "planted")
    factors = {
        "daily_active_share": known("daily_active_share", float(rng.uniform(0.05, 0.2)), wide, "", 1.0),
        "sessions_per_active_day": known("sessions_per_active_day", float(rng.uniform(1, 2)), wide, ""),
        "peak_to_mean": known("peak_to_mean", float(rng.uniform(3, 8)), wide / 2, ""),
    }
    # The load at the horizon is to be of the size of a few servers: what a user does makes up the rest.
    mix = {"montecarlo": truth["mix.montecarlo"], "dashboard": 1 - truth["mix.montecarlo"]}
    per_tps = sum(share / laws[name].capacity for name, share in mix.items())
    aim = float(rng.lognormal(np.log(1.5), 0.8))
    others = truth["daily_active_share"] * truth["sessions_per_active_day"] * truth["peak_to_mean"]
    transactions = aim * 86_400 / (users[-1] * others * per_tps)
    factors["transactions_per_session"] = known("transactions_per_session", transactions, wide, "")
    policy = _policy(rng, known)
    core_speed = known("core_speed", float(rng.uniform(0.7, 1.3)), 0.1, "")
    scaling = known("scaling", float(rng.uniform(0.85, 1.0)), 0.03, "", 1.0)
    workload = Workload(
        **{name: Input(name, given.value, UNITS[name], given.origin, given.source) for name, given in factors.items()},
        mix=(MixShare("dashboard", dashboard), MixShare("montecarlo", montecarlo)),
    )
    tps = users[HISTORY - 1 :] * truth["transactions_per_session"] * others / 86_400
    reads, writes, reads_there, writes_there = (np.zeros_like(tps) for _ in range(4))
    for name, share in mix.items():
        load = tps * share / laws[name].capacity
        r = read_share[name]
        part = r / (r + truth["write_cost"] * (1 - r))
        reads, writes = reads + load * part, writes + load * (1 - part)
        # Cores of speed v carry v times the load in 1/v times the time: the limit is met where v times it is met here.
        slower = laws[name].capacity / max(laws[name].capacity_within(laws[name].limit_ms * truth["core_speed"]), 1e-9)
        reads_there, writes_there = reads_there + slower * load * part, writes_there + slower * load * (1 - part)
    return World(
        inputs=PlanInputs(
            users=made,
            users_origin=Origin.MEASURED,
            users_source="planted",
            workload=workload,
            policy=policy,
            scenarios=scenarios,
            server=MeasuredServer(2, 64 * GIB, "planted"),
            tables=MeasuredTables(1000, (TableSize("users", 1000, 1_000_000, 0, 0),), "planted"),
            partition_keys=(),
            target=_catalogue(core_speed, scaling) if seed % 2 else None,
        ),
        users=users[HISTORY - 1 :],
        reads=reads,
        writes=writes,
        reads_there=reads_there,
        writes_there=writes_there,
        fresh=truth["fresh_read_share"],
        replay=truth["replay_cost"],
        core_speed=truth["core_speed"],
        scaling=truth["scaling"],
        pool=max(law.pool for law in laws.values()),
        need=float(reads[-1] + writes[-1]),
    )


def _policy(rng: np.random.Generator, known: Callable[..., Input]) -> Policy:
    return Policy(
        target_utilisation=Input("target_utilisation", Interval.exact(1.0), "", Origin.ASSUMPTION, "planted"),
        replay_cost=known("replay_cost", float(rng.uniform(0.1, 0.8)), 0.2, POLICY_UNITS["replay_cost"], 1.0),
        write_cost=known("write_cost", float(rng.uniform(1, 3)), 0.2, POLICY_UNITS["write_cost"]),
        fresh_read_share=known("fresh_read_share", float(rng.uniform(0.02, 0.2)), 0.2, "", 1.0),
        working_set_share=Input("working_set_share", Interval.exact(0.01), "", Origin.ASSUMPTION, "planted"),
        round_trip_ms=Input("round_trip_ms", Interval.exact(0.0), "", Origin.ASSUMPTION, "planted"),
        target_stated=False,
    )


def _catalogue(core_speed: Input, scaling: Input) -> Target:
    sizes = [(1, 70), (2, 130), (4, 250), (8, 490), (16, 980), (32, 2000), (64, 4100)]
    servers = tuple(Server(f"{cores} cores", cores, 64 * GIB, Interval.exact(price)) for cores, price in sizes)
    return Target("planted catalogue", servers, 15, "planted", core_speed=core_speed, scaling=scaling)


def _users(rng: np.random.Generator, family: str) -> Floats:
    """Users at the end of each month, past and future, never falling."""
    months = np.arange(HISTORY + HORIZON, dtype=np.float64)
    start, pace = float(rng.uniform(2e4, 2e5)), float(rng.uniform(2e3, 1e4))
    if family == "linear":
        steps = np.full_like(months, pace)
    elif family == "damped":
        steps = pace * float(rng.uniform(0.95, 0.99)) ** months
    elif family == "logistic":
        middle, width = float(rng.uniform(5, 20)), float(rng.uniform(8, 14))
        s = 1 / (1 + np.exp(-(months - middle) / width))
        steps = pace * 4 * s * (1 - s)
    else:
        steps = pace * np.exp(np.cumsum(rng.normal(0, 0.03, len(months))))
    noise = np.exp(rng.normal(0, 0.15, len(months)))
    return np.asarray(start + np.cumsum(steps * noise), dtype=np.float64)


def _law(rng: np.random.Generator, slow: float, quick: float) -> Law:
    gamma = float(np.exp(rng.uniform(np.log(slow), np.log(quick))))
    law = Law(gamma, float(rng.uniform(0.1, 0.5)), float(np.exp(rng.uniform(np.log(0.001), np.log(0.02)))), np.inf)
    at = float(np.exp(rng.uniform(np.log(2.5), np.log(24))))
    return Law(law.gamma, law.alpha, law.beta, float(law.response_ms(np.array([at]))[0]))


def _swept(rng: np.random.Generator, name: str, law: Law, read_share: float) -> SweptScenario:
    repeats = []
    for block in range(REPEATS):
        drift = rng.normal(0, DRIFT)
        for level in LEVELS:
            tps = float(law.tps(np.array([level]))[0]) * np.exp(drift + rng.normal(0, RUN_NOISE))
            response = float(law.response_ms(np.array([level]))[0]) * np.exp(rng.normal(0, RESPONSE_NOISE) - drift)
            repeats.append(Repeat(level, float(tps), float(response), 0.0, block))
    capacity = capacity_at_objective(repeats, law.limit_ms, 0.001)
    curve = latency_curve([LatencyRun(r.level, r.block, r.throughput_tps, r.response_ms) for r in repeats])
    return SweptScenario(
        name, capacity, read_share, "planted", True, tuple(repeats), f"planted {name}",
        curve=curve, objective_ms=law.limit_ms,
    )  # fmt: skip
