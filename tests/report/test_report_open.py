"""What the page says of an open load."""

from dataclasses import replace

import samples

from capacity.values import Interval
from loadgen.report import commands, run_sections
from loadgen.runs.format.result import OpenResult
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Rate, RatePiece

ARRIVALS = OpenResult(
    offered=75_000, started=74_912, finished=74_900, late=812, dropped=88, unfinished=12, waited=640, backlog_most=214,
    backlog_end=3, own_lag_p99_ms=0.14, warmup_lag_p99_ms=0.21,
)  # fmt: skip


def open_run() -> RunRecord:
    run = samples.run()
    assert run.result is not None
    response = replace(
        run.result.response, p99_ms=Interval(300.0, 310.0, float("inf")), censored=100, censored_from_ms=300.0
    )
    rate = Rate("100@30s,2000@10s,100", (RatePiece(30, 100, 100), RatePiece(10, 2000, 2000), RatePiece(0, 100, 100)))
    return replace(
        run,
        schedule=replace(run.schedule, users=32, rate=rate, arrivals="poisson", late_limit_s=0.3),
        result=replace(run.result, response=response, arrivals=ARRIVALS),
    )


def test_arrivals_are_accounted_for_and_bounds_are_marked() -> None:
    run = open_run()
    latencies = run_sections.latencies(run)
    assert latencies is not None
    for words in ("75,000 transactions were meant to be sent", "88 dropped", "12 left unfinished", "214 waited"):
        assert words in latencies.html
    assert "≥ 310" in latencies.html
    assert "100 transactions are only known to have taken longer than 300" in latencies.html
    verdict = run_sections.verdict(run).html
    assert "1,250 offered (rate 100@30s,2000@10s,100, poisson) on 32 connections" in " ".join(verdict.split())
    assert "came at a rate of their own" in run_sections.scenario(run).html


def test_a_closed_run_says_nothing_of_arrivals() -> None:
    latencies = run_sections.latencies(samples.run())
    assert latencies is not None
    assert "Arrivals" not in latencies.html
    assert "≥" not in latencies.html


def test_the_command_makes_the_same_load_again() -> None:
    (command,) = [line for line in commands.for_run(open_run()) if line.startswith("loadgen run")]
    for words in ("--users 32", "--rate 100@30s,2000@10s,100", "--arrivals poisson", "--late-limit 0.3s"):
        assert words in command
    assert "think" not in command


def test_a_percentile_that_is_exact_keeps_its_interval() -> None:
    response = replace(samples.latency(5_000, 5.0), censored=3, censored_from_ms=9_000.0)
    assert "(" in response.percentile_text(50.0)
    assert not response.percentile_text(50.0).startswith("≥")
