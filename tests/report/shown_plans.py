"""A plan with a recommendation, a "do not" and a refusal. Nothing here is measured."""

from __future__ import annotations

import datetime as dt
import math

import sizing_samples
from shown_ground import DATABASE, TABLES
from shown_sweeps import around, sweep

from capacity.due import Due
from capacity.growth import Forecast, ForecastPoint, Observation
from capacity.plan import Plan
from capacity.recommendation import Prediction, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.tables import TableGrowth
from capacity.values import Input, Interval, Origin, Refusal
from loadgen.runs.format.plan import PlanRecord


def storage(now: Interval, horizon: Interval) -> tuple[TableGrowth, ...]:
    """Tables that 5,000 users filled, by the users now and at the horizon."""
    each = sorted(((table.name, table.total_bytes / 5_000) for table in TABLES), key=lambda one: -one[1])
    return tuple(TableGrowth(name, size, now.scaled(size), horizon.scaled(size)) for name, size in each)


def month(index: int) -> dt.date:
    """The last day of a month, counted from January 2024."""
    year, number = divmod(index + 1, 12)
    return dt.date(2024 + year, number + 1, 1) - dt.timedelta(days=1)


def forecast() -> Forecast:
    """Three years of history and 18 months ahead."""
    history = tuple(
        Observation(period, month(period), round(5_000 / (1 + math.exp(-(period - 25) / 7)) + 40 * math.sin(period)))
        for period in range(1, 35)
    )
    last, drift = history[-1].value, (history[-1].value - history[-13].value) / 12
    ahead = tuple(
        ForecastPoint(34 + h, month(34 + h), last + drift * h, last + drift * h * 0.62, last + drift * h * 1.5)
        for h in range(1, 19)
    )
    return Forecast(
        history,
        ahead,
        level=0.9,
        coverage=0.71,
        coverage_range=Interval(0.52, 0.71, 0.85),
        origins=17,
        model="last value plus the year's mean drift",
    )


def inputs() -> tuple[Input, ...]:
    """One number of each origin."""
    return (
        Input(
            "daily_active_share", Interval(0.15, 0.2, 0.3), "share of users a day", Origin.ASSUMPTION, "workload.toml"
        ),
        Input(
            "sessions_per_active_day",
            Interval(1.1, 1.3, 1.6),
            "sessions per active user a day",
            Origin.ASSUMPTION,
            "workload.toml",
        ),
        Input("peak_to_mean", Interval(3, 4, 6), "peak second over mean second", Origin.ASSUMPTION, "workload.toml"),
        Input("mix.dashboard", Interval(0.85, 0.9, 0.95), "share of transactions", Origin.ASSUMPTION, "workload.toml"),
        Input("mix.montecarlo", Interval(0.05, 0.1, 0.15), "share of transactions", Origin.ASSUMPTION, "workload.toml"),
        Input("capacity.dashboard", around(1_650), "transactions a second per server", Origin.MEASURED, "sweep a91c4e"),
        Input("capacity.montecarlo", around(183), "transactions a second per server", Origin.MEASURED, "sweep b31f00"),
        Input("users at the horizon", Interval(5_600, 6_700, 8_100), "users", Origin.SYNTHETIC, "users.created_at"),
        Input("bytes_per_user.chat_messages", Interval.exact(4_508), "bytes", Origin.DERIVED, "table sizes ÷ users"),
        Input("ram", Interval.exact(8 * 2**30), "bytes", Origin.MEASURED, "the server's machine"),
    )


def replicas() -> Recommendation:
    """Two steps, the second beyond the horizon at the slow edge."""
    return Recommendation(
        kind="replicas",
        subject="reads",
        headline="No replica now; one by April 2027",
        now=Interval(0, 0, 1),
        at_horizon=Interval(1, 1, 2),
        unit="replicas",
        steps=(
            Step(
                1,
                "read replicas",
                Due(dt.date(2027, 1, 31), dt.date(2027, 4, 30), dt.date(2027, 11, 30)),
                "peak demand passes 70 % of what one server holds at the objective",
            ),
            Step(2, "read replicas", Due(dt.date(2028, 2, 29), None, None), "peak demand passes what two servers hold"),
        ),
        reason="Peak demand grows from 900 to 1,700 transactions a second; one server holds 1,500 at the objective.",
        rejected=(
            Rejected("a larger primary", "reads are 80 % of the load, and a replica also serves fail-over"),
            Rejected("sharding", "writes need 0.2 of one server at the horizon"),
        ),
        prediction=Prediction("throughput at the objective", "primary alone", "one replica", Interval(1.5, 1.75, 1.95)),
        inputs=inputs()[:7],
    )


def partitions() -> Recommendation:
    """The default advice: do not."""
    return Recommendation(
        kind="partitions",
        subject="chat_messages",
        headline="Do not partition before the horizon",
        now=Interval.exact(0),
        at_horizon=Interval.exact(0),
        unit="tables",
        steps=(),
        reason="The largest table reaches 1.2 GiB at the horizon; the server has 8 GiB of memory.",
        rejected=(Rejected("chat_messages by month", "0.9 GiB at the horizon: smaller than memory"),),
        prediction=None,
        inputs=inputs()[7:],
    )


def plan() -> PlanRecord:
    """A plan with a recommendation, a "do not" and a refusal, made from short runs."""
    users = forecast()
    last = users.history[-1]
    dates = [(last.date, last.value, last.value, last.value)]
    dates += [(ahead.date, ahead.low, ahead.point, ahead.high) for ahead in users.forecast]
    demand = tuple(
        (date, Interval(low * 0.17, value * 0.24, high * 0.31)) for date, low, value, high in dates if date is not None
    )
    refusal = Refusal(
        "pool_not_bracketed",
        "throughput of montecarlo was still best at the highest level, 32",
        "sweep more levels: loadgen sweep montecarlo --levels 8,16,32,64,128",
    )
    return PlanRecord(
        id="20261122T224500Z-plan-77aa10",
        made_at="2026-11-22T22:45:00+00:00",
        plan=Plan(
            start=dt.date(2026, 11, 22),
            horizon=dt.date(2028, 4, 30),
            users=users,
            demand_tps=demand,
            recommendations=(replicas(), partitions()),
            refused=(RefusedRecommendation("pool", "primary", refusal),),
            inputs=inputs(),
            storage=storage(Interval.exact(3_938), Interval(5_770, 6_890, 8_360)),
            sizing=sizing_samples.sizing(),
            bases=sizing_samples.bases(),
            sensitivity=sizing_samples.sensitivity(),
            triggers=sizing_samples.triggers(),
            resources=sizing_samples.resources(),
            notes=("What-if: users grow 2 times as much as forecast.", "Replicas share the primary's storage."),
        ),
        growth_source="users.created_at of database affluvia, complete months",
        growth_origin=Origin.SYNTHETIC,
        sweeps=(sweep(), sweep("montecarlo", service_ms=14.0, bracketed=False)),
        tables=TABLES,
        database=DATABASE,
        short=True,
        options=("--target", "neon", "--growth", "2"),
    )
