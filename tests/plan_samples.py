"""Values that the tests of the plan's rules share."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import numpy as np

from capacity.growth import Forecast, forecast
from capacity.growth.periods import Cadence
from capacity.measurements import MeasuredServer, MeasuredTables, SweptScenario
from capacity.planner import PlanInputs
from capacity.scalability import Repeat, capacity_at_objective
from capacity.sizing import POLICY_UNITS, Policy
from capacity.values import Input, Interval, Origin, TableSize
from capacity.workload import UNITS, MixShare, Workload

GIB = 2**30
MONTHS = Cadence(months=1, days=0, anchor_day=31, month_end=True)


@cache
def users(scale: float = 1.0, horizon: int = 18) -> Forecast:
    """36 months of growth that speeds up, to about 120,000 users times ``scale``."""
    steps = 2000 + 80 * np.arange(36) + np.random.default_rng(0).normal(0, 300, 36)
    dates = [MONTHS.after(dt.date(2023, 1, 31), i) for i in range(36)]
    answer = forecast(np.cumsum(steps) * scale, horizon, 0.9, dates=dates)
    assert isinstance(answer, Forecast)
    return answer


def given(name: str, value: Interval, unit: str = "") -> Input:
    return Input(name, value, unit, Origin.ASSUMPTION, "test")


def workload(spread: float = 2.0, montecarlo: float = 0.05) -> Workload:
    """Factors with a range of ``spread`` either way; 1 for exact ones."""
    middles = {"daily_active_share": 0.1, "sessions_per_active_day": 1.3, "transactions_per_session": 12.0}
    middles["peak_to_mean"] = 5.0
    factors = {n: given(n, Interval(m / spread, m, m * spread), UNITS[n]) for n, m in middles.items()}
    mix = tuple(
        MixShare(name, given(f"mix.{name}", Interval.exact(share)))
        for name, share in (("dashboard", 1 - montecarlo), ("montecarlo", montecarlo))
    )
    return Workload(**factors, mix=mix)


def policy(replay: Interval | None = None, target: float = 0.7) -> Policy:
    values = {
        "target_utilisation": Interval.exact(target),
        "replay_cost": replay or Interval(0.05, 0.5, 0.95),
        "write_cost": Interval(1, 2, 4),
        "fresh_read_share": Interval.exact(0.0),
        "working_set_share": Interval.exact(0.1),
        "round_trip_ms": Interval.exact(0.0),
    }
    return Policy(**{n: given(n, v, POLICY_UNITS[n]) for n, v in values.items()})


def swept(
    name: str, single_tps: float, read_share: float, *, response_ms: float = 60, busy: bool = True
) -> SweptScenario:
    """A sweep of levels 1 to 32, best at 8, three repeats that differ by 2 %."""
    repeats = tuple(
        Repeat(
            n, n * single_tps / (1 + 0.3 * (n - 1) + 0.01 * n * (n - 1)) * (1 + 0.02 * i), (2 + 3 * n) * (1 - i / 50), 0
        )
        for n in (1, 2, 4, 8, 16, 32)
        for i in (-1, 0, 1)
    )
    capacity = capacity_at_objective(repeats, response_ms, 0.001)
    return SweptScenario(name, capacity, read_share, f"p95 ≤ {response_ms} ms", busy, repeats, f"sweep of {name}")


def tables(chat_bytes_per_user: int = 2_700) -> MeasuredTables:
    sizes = (
        TableSize("chat_messages", 60_000, 5_000 * chat_bytes_per_user, 0, 0),
        TableSize("financial_profiles", 5_000, 4_000_000, 1_000_000, 500_000),
        TableSize("users", 5_000, 1_000_000, 0, 500_000),
    )
    return MeasuredTables(5_000, sizes, "test tables")


def inputs(scale: float = 1.0, **changes: Any) -> PlanInputs:
    """Inputs of a plan; ``changes`` replace fields."""
    fields: dict[str, Any] = {
        "users": users(scale),
        "users_origin": Origin.SYNTHETIC,
        "users_source": "test history",
        "workload": workload(),
        "policy": policy(),
        "scenarios": (swept("dashboard", 300, 0.95), swept("montecarlo", 60, 0.0)),
        "server": MeasuredServer(2, 8 * GIB, "test server"),
        "tables": tables(),
        "partition_keys": (),
    }
    return PlanInputs(**(fields | changes))
