"""Realistic records, made from plain laws rather than from a server: a run, two sweeps and a plan.

The figures follow a closed queue that saturates, so that the pages look as they do with real ones. Nothing here is
measured; tests only check how a record is shown.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import astuple, replace

import sizing_samples

from capacity.growth import Forecast, ForecastPoint, Observation
from capacity.plan import Due, Input, Plan, Prediction, Recommendation, RefusedRecommendation, Rejected, Step
from capacity.storage import table_growth
from capacity.values import Interval, Origin, Refusal
from loadgen.fidelity.format import (
    Check,
    DocumentState,
    FanOut,
    FidelityRecord,
    NodeEstimate,
    StatementEstimate,
    TableState,
)
from loadgen.fidelity.judging import judge
from loadgen.fidelity.published import figures
from loadgen.fidelity.sampling import NOTHING, Measured
from loadgen.report.timeline import Second
from loadgen.runs.format import (
    CapacityAnswer,
    ClientFacts,
    DatabaseFacts,
    Fingerprint,
    GeneratorUse,
    Latency,
    Objective,
    ParameterDescription,
    PlanRecord,
    Reason,
    RunRecord,
    RunResult,
    ScenarioDescription,
    Schedule,
    ServerUse,
    StatementDescription,
    StatementResult,
    SweepPoint,
    SweepRecord,
    TableSize,
    TransactionDescription,
    TransactionResult,
    Verdict,
)

OBJECTIVE = Objective(percentile=95.0, response_ms=30.0, error_share=0.001)
LEVELS = (1, 2, 4, 8, 16, 32)
SHORT = Reason("short", "each run measured 4 s", "measure 60 s or more a run before deciding")

DATABASE = DatabaseFacts(
    name="affluvia",
    server_version="18.6",
    embedded=True,
    cores=2,
    ram_bytes=8 * 2**30,
    settings={
        "shared_buffers": "2GB",
        "work_mem": "16MB",
        "max_connections": "100",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    },
    fingerprint=Fingerprint(
        schema_version="8:3f2a91c7",
        model_version="2026.1",
        seed=42,
        users=5_000,
        as_of="2026-11-01",
        chunk_users=1_000,
        ageing=None,
        drift={"user_progress": 318, "financial_profiles": 12_440},
    ),
)

CLIENT = ClientFacts(
    cpu_model="AMD EPYC 7B13",
    cores=2,
    ram_bytes=8 * 2**30,
    platform="Linux 6.18 x86_64",
    versions={"python": "3.11.2", "loadgen": "0.1.0", "locust": "2.47.1", "psycopg": "3.3.4", "libpq": "18.0"},
)

TABLES = (
    TableSize("financial_profiles", 5_000, 14_200_000, 48_300_000, 6_900_000),
    TableSize("chat_messages", 61_240, 17_800_000, 640_000, 4_100_000),
    TableSize("user_progress", 22_310, 4_900_000, 0, 1_300_000),
    TableSize("estate_plans", 2_130, 3_300_000, 120_000, 210_000),
    TableSize("goals", 14_820, 1_900_000, 0, 980_000),
    TableSize("users", 5_000, 1_150_000, 0, 720_000),
    TableSize("education_goals", 3_940, 1_050_000, 0, 240_000),
    TableSize("user_achievements", 18_400, 1_300_000, 0, 1_100_000),
)


def around(value: float, spread: float = 0.05) -> Interval:
    """``value`` with a relative interval."""
    return Interval(value * (1 - spread), value, value * (1 + spread))


def latency(count: int, p50_ms: float, tail: float = 2.2) -> Latency:
    """A latency with a log-normal look: p95 and p99 are ``tail`` and its square over the median."""
    return Latency(
        count=count,
        mean_ms=p50_ms * 1.2,
        p50_ms=around(p50_ms, 0.03),
        p95_ms=around(p50_ms * tail, 0.07) if count >= 200 else None,
        p99_ms=around(p50_ms * tail**1.6, 0.15) if count >= 1_000 else None,
        max_ms=p50_ms * tail**2.4,
    )


def scenario(name: str = "dashboard", *, writes: bool = False) -> ScenarioDescription:
    """A small scenario of two transactions."""
    user_id = (ParameterDescription("user_id", "int8", "user"),)
    return ScenarioDescription(
        name=name,
        summary="what a person sees on opening the application" if not writes else "simulate and store results",
        think_time_s="exponential, mean 1 s",
        user_skew=0.99,
        transactions=(
            TransactionDescription("open_dashboard", 8.0, ("profile", "goals"), 1, False, "read committed"),
            TransactionDescription("store_results", 2.0, ("store",), 1, True, "read committed"),
        ),
        statements=(
            StatementDescription("profile", "SELECT … WHERE user_id = $1", False, user_id, (1, 1)),
            StatementDescription("goals", "SELECT … WHERE user_id = $1", False, user_id, (0, None)),
            StatementDescription("store", "UPDATE financial_profiles …", True, user_id, (1, 1)),
        ),
    )


def throughput_at(level: int, service_ms: float, cores: float = 2.0) -> float:
    """A closed system of ``level`` busy connections: linear, then bound by ``cores``, then losing a little."""
    bound = cores * 1_000 / service_ms * 1.35
    free = level * 1_000 / (service_ms * 1.25)
    return (free**-4 + bound**-4) ** -0.25 / (1 + 0.0012 * level)


def points(service_ms: float, *, levels: tuple[int, ...] = LEVELS, repeats: int = 2) -> tuple[SweepPoint, ...]:
    """Every level ``repeats`` times; the last run of level 16 is invalid."""
    made = []
    for index, level in enumerate(levels):
        for repeat in range(repeats):
            jitter = 1 + 0.03 * math.sin(7 * index + 3 * repeat)
            rate = throughput_at(level, service_ms) * jitter
            response = level * 1_000 / rate
            invalid = level == 16 and repeat == repeats - 1
            made.append(
                SweepPoint(
                    level=level,
                    repeat=repeat,
                    order=(index * 5 + repeat * 3) % (len(levels) * repeats),
                    run_id=f"20261122T221{index}{repeat}4Z-dashboard-{index}{repeat}c4e1",
                    verdict=Verdict("invalid", (Reason("not_steady", "throughput drifted by 31 %", "run it longer"),))
                    if invalid
                    else Verdict("valid", notes=(SHORT,)),
                    throughput_tps=around(rate, 0.04),
                    error_share=0.0,
                    service=latency(int(rate * 4), response * 0.8),
                    response=latency(int(rate * 4), response * 0.82),
                    server_cpu_cores=min(1.96, rate * service_ms / 1_000),
                    generator_cpu_cores=0.05 + rate * 0.0002,
                    wal_bytes_per_txn=412.0,
                )
            )
    return tuple(made)


def sweep(name: str = "dashboard", *, service_ms: float = 1.6, bracketed: bool = True) -> SweepRecord:
    """A sweep with an answer; not ``bracketed``: the highest level still met the objective."""
    level = 16 if bracketed else 32
    rate = throughput_at(level, service_ms)
    met = {1: 1.0, 2: 1.0, 4: 0.999, 8: 0.994, 16: 0.958, 32: 0.21 if bracketed else 0.96}
    capacity = CapacityAnswer(
        throughput_tps=Interval(rate * 0.93, rate, rate * 1.06 if bracketed else math.inf),
        level=level,
        bracketed=bracketed,
        met_probability=met,
        pool=(8, 32) if bracketed else None,
    )
    return SweepRecord(
        id=f"20261122T221004Z-{name}-a91c4e",
        started_at="2026-11-22T22:10:04+00:00",
        scenario=scenario(name, writes=name == "montecarlo"),
        objective=OBJECTIVE if bracketed else replace(OBJECTIVE, response_ms=400.0),
        levels=LEVELS,
        repeats=2,
        schedule=Schedule(users=32, think=False, ramp_s=1.0, warmup_s=5.0, measure_s=30.0, drain_s=10.0, seed=1),
        points=points(service_ms),
        database=DATABASE,
        client=CLIENT,
        tables=TABLES,
        capacity=capacity,
        refusal=None,
    )


def refused_sweep() -> SweepRecord:
    """A sweep without an answer: no level met the objective."""
    refusal = Refusal("objective_not_met", "no level met p95 ≤ 30 ms", "start at fewer connections or relax it")
    return replace(sweep("montecarlo", service_ms=40.0), capacity=None, refusal=refusal)


def run(name: str = "dashboard") -> RunRecord:
    """One valid run with a note."""
    result = RunResult(
        window_s=60.0,
        count=74_212,
        errors=3,
        errors_by_sqlstate={"40001": 3},
        retries=3,
        throughput_tps=Interval(1_211.0, 1_236.9, 1_262.0),
        service=latency(74_212, 5.1),
        lag=latency(74_212, 0.04, 3.5),
        response=latency(74_212, 5.2),
        transactions=(
            TransactionResult(
                "open_dashboard", 59_410, 0, around(990.2), latency(59_410, 4.7), latency(59_410, 0.04), latency(1, 4.8)
            ),
            TransactionResult(
                "store_results",
                14_802,
                3,
                around(246.7),
                latency(14_802, 7.9),
                latency(150, 0.05),
                latency(14_802, 8.0),
            ),
        ),
        statements=(
            StatementResult("profile", 59_410, 59_410, 0, latency(59_410, 1.9)),
            StatementResult("goals", 59_410, 176_030, 0, latency(59_410, 0.7)),
            StatementResult("store", 14_805, 14_802, 3, latency(14_805, 4.4)),
        ),
        server=ServerUse(
            cpu_cores=Interval(1.71, 1.78, 1.84),
            wal_bytes=812_000_000,
            wal_bytes_per_txn=10_941.0,
            blocks_hit=9_412_331,
            blocks_read=1_204,
            temp_bytes=0,
            deadlocks=0,
            checkpoints=2,
            checkpoints_forced=2,
            wait_events={
                "CPU": 4_120,
                "IO:WALSync": 980,
                "LWLock:WALWrite": 410,
                "Lock:tuple": 38,
                "Client:ClientRead": 12,
            },
        ),
        generator=GeneratorUse(cpu_cores=0.31, hub_lag_p99_ms=0.8, peak_rss_bytes=148_000_000),
    )
    return RunRecord(
        id=f"20261122T223000Z-{name}-0b7f21",
        started_at="2026-11-22T22:30:00+00:00",
        scenario=scenario(name),
        schedule=Schedule(users=8, think=False, ramp_s=2.0, warmup_s=5.0, measure_s=60.0, drain_s=2.0, seed=7),
        objective=OBJECTIVE,
        database=DATABASE,
        client=CLIENT,
        verdict=Verdict(
            "valid", notes=(Reason("forced_checkpoints", "2 of 2 checkpoints were asked for", "run longer"),)
        ),
        result=result,
    )


def invalid_run() -> RunRecord:
    """An invalid run that measured nothing."""
    reason = Reason("generator_saturated", "the load generator used 0.98 of a core", "use fewer users a process")
    return replace(run(), verdict=Verdict("invalid", (reason,)), result=None)


def timeline() -> tuple[Second, ...]:
    """A minute of seconds, one of which answered nothing."""
    found = []
    for second in range(69):
        phase = "ramp" if second < 2 else "warmup" if second < 7 else "measure" if second < 67 else "drain"
        wave = math.sin(second / 2)
        p50, p95, most = (None, None, None) if second == 40 else (5.1 + wave / 3, 11 + 1.8 * wave, 31 + 9 * wave)
        answered = 0 if second == 40 else round(1_230 + 60 * wave)
        found.append(Second(second, phase, min(8, 4 * (second + 1)), answered, int(second in (12, 44)), p50, p95, most))
    return tuple(found)


def timeline_csv() -> str:
    """The same, as a run writes it."""
    lines = ["second,phase,users,transactions,errors,response_p50_ms,response_p95_ms,response_max_ms"]
    lines += [",".join("" if value is None else str(value) for value in astuple(second)) for second in timeline()]
    return "\n".join(lines) + "\n"


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
    return Forecast(history, ahead, level=0.9, coverage=0.83, origins=17, model="last value plus the year's mean drift")


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
            storage=table_growth(TABLES, 5_000, Interval.exact(3_938), Interval(5_770, 6_890, 8_360)),
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


def fidelity() -> FidelityRecord:
    """Every published figure a little off, the fourth of them far, wills not stored, one rule broken."""
    found = []
    for place, published in enumerate(figures()):
        value = published.value * (2.5 if place == 3 else 1 + 0.01 * math.sin(place))
        spread = 0.02 * abs(value)
        measured = Measured(value, value - spread, value + spread, 900 + place, spread / 2)
        found.append(judge(published, NOTHING if published.measure == "will" else measured))
    scan = NodeEstimate("Index Scan goals_open_idx", "(user_id = 7)", 2, 42)
    return FidelityRecord(
        id="20261124T081500Z-fidelity-51c0de",
        measured_at="2026-11-24T08:15:00+00:00",
        database=DATABASE,
        users=5_000,
        under_water=421,
        figures=tuple(found),
        checks=(
            Check("bands", "the percentile bands of a projection do not cross", 3_250, 0, 0.0, "within"),
            Check("children", "an education goal is for a child of the family below 18", 700, 3, 0.0, "outside"),
        ),
        fan_outs=(FanOut("goals", 1.45, 0.44, 1, 4, 10, 12), FanOut("chat_messages", 4.0, 0.45, 1, 10, 35, 279)),
        tables=tuple(TableState(table, table.total_bytes / table.rows, 0.3, 17, None) for table in TABLES),
        documents=(
            DocumentState("financial_profiles", "monte_carlo_results", 5_000, 0.35, 2_744.5, 1_933.1, 1.0, 0.91),
            DocumentState("chat_messages", "response", 0, None, None, None, None, None),
        ),
        estimates=(
            StatementEstimate(("dashboard",), "open_goals", 25, scan, scan, 1.4, None),
            StatementEstimate(
                ("montecarlo",),
                "store_results",
                1,
                scan,
                None,
                None,
                "((data ->> 'a') = 'b')",
                "writes: planned, not run",
            ),
            StatementEstimate(("dashboard",), "absent", 0, None, None, None, None, "could not be planned"),
        ),
    )
