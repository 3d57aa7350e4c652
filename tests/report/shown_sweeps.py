"""Sweeps of a closed queue that saturates. Nothing here is measured."""

from __future__ import annotations

import math
from dataclasses import replace

from shown_ground import CLIENT, DATABASE, LEVELS, OBJECTIVE, SHORT, TABLES

from capacity.values import Interval, Refusal
from loadgen.runs.format.latency import Latency
from loadgen.runs.format.scenario import (
    ParameterDescription,
    ScenarioDescription,
    StatementDescription,
    TransactionDescription,
)
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.sweep import CapacityAnswer, SweepPoint, SweepRecord
from loadgen.runs.format.verdict import Reason, Verdict


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
        max_error_share=0.01,
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
