"""A run with its timeline, and one that measured nothing. Nothing here is measured."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

from shown_ground import CLIENT, DATABASE, OBJECTIVE
from shown_sweeps import around, latency, scenario

from capacity.values import Interval
from loadgen.report.timeline import Second
from loadgen.runs.format.result import RunResult, StatementResult, TransactionResult
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import GeneratorUse, ServerUse
from loadgen.runs.format.verdict import Reason, Verdict


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
        max_error_share=0.01,
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
