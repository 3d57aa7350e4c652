from dataclasses import replace
from typing import Any

import pytest
from test_summary import SERVER, second

from loadgen.runner.quality import judge, objective_met, undecided
from loadgen.runner.summary import summarise
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.result import RunResult
from loadgen.runs.format.schedule import Rate, RatePiece, Schedule
from loadgen.runs.format.verdict import Verdict
from loadgen.runs.histogram import Histogram
from loadgen.runs.rates import steady
from loadgen.runs.spool import CENSORED, LAG, RESPONSE, SERVICE, AccessTally, OpenTally, Second, Tally

SCHEDULE = Schedule(users=4, think=False, ramp_s=1, warmup_s=1, measure_s=90, drain_s=1, seed=1)
STEADY = [second(float(n), [1000 + n] * 50) for n in range(90)]


def verdict(window: list[Second], *, cpu: float = 0.3, **changes: Any) -> Verdict:
    result: RunResult | None = summarise(window, SERVER, cpu, 1) if window else None
    given: dict[str, Any] = {"interrupted": False, "died": False, "writes": False, "shared_machine": False} | changes
    return judge(window, result, SCHEDULE, **given)


def test_a_steady_run_with_a_generator_at_ease_is_valid() -> None:
    assert verdict(STEADY) == Verdict("valid", (), ())


@pytest.mark.parametrize(
    ("window", "cpu", "code"),
    [
        (STEADY, 0.95, "generator_saturated"),
        ([replace(s, hub_lag=Histogram.of([20_000] * 9)) for s in STEADY], 0.3, "generator_late"),
        ([second(float(n), [1000] * (80 if n < 45 else 20)) for n in range(90)], 0.3, "not_steady"),
        ([second(float(n), [1000] * round(50 + 0.3 * n + 9 * (n % 3))) for n in range(90)], 0.3, "not_steady"),
        ([second(float(n), [1000 + 9 * n % 90] * (15 if n < 15 else 50)) for n in range(90)], 0.3, "warmup_too_short"),
        ([second(float(n), [1000 + 10 * (n % 7) + 300 * (n > 50)] * 50) for n in range(90)], 0.3, "not_steady"),
        ([second(float(n), [1000] if n == 3 else []) for n in range(90)], 0.3, "too_few_transactions"),
        ([], 0.3, "too_few_transactions"),
    ],
)
def test_a_run_that_cannot_be_believed_says_why_and_what_to_change(window: list[Second], cpu: float, code: str) -> None:
    found = verdict(window, cpu=cpu)
    assert found.status == "invalid"
    assert [reason.code for reason in found.reasons] == [code]
    assert all(reason.do for reason in found.reasons)


def test_a_beginning_that_had_not_settled_says_how_long_to_warm_up() -> None:
    slow = [second(float(n), [1000] * (15 + n % 2 if n < 15 else 50 + n % 3)) for n in range(100)]
    warmup, window = slow[:10], slow[10:]
    assert verdict(window).status == "valid", "five slow seconds alone move the mean of ninety by too little"
    warmup, window = slow[:3], slow[3:93]
    (reason,) = verdict(window, warmup=warmup).reasons
    assert reason.code == "warmup_too_short"
    assert "settled only 15 s into the window" in reason.what
    assert "--warmup 20s" in reason.do


def test_a_run_that_ended_early_is_partial() -> None:
    assert verdict(STEADY, interrupted=True).status == "partial"
    assert [r.code for r in verdict(STEADY, died=True).reasons] == ["generator_died"]


def test_what_limits_the_use_of_a_valid_run_is_noted() -> None:
    found = judge(
        STEADY,
        summarise(STEADY, replace(SERVER, checkpoints=2, checkpoints_forced=2), 0.3, 1),
        replace(SCHEDULE, measure_s=5),
        interrupted=False,
        died=False,
        writes=True,
        shared_machine=True,
    )
    assert found.status == "valid"
    assert [note.code for note in found.notes] == ["short", "shared_machine", "checkpoints_forced"]
    assert "2 checkpoints were forced in the short window, in which the server counted 2" in found.notes[-1].what


def test_a_short_window_is_what_is_too_little() -> None:
    (reason,) = verdict([second(float(n), [1000] * 500) for n in range(3)]).reasons
    assert "1,500 transactions in 3 s are too few" in reason.what
    assert "takes 20 and 4 s" in reason.what


def test_the_objective_counts_latency_and_failures() -> None:
    result = summarise(STEADY, SERVER, 0.3, 1)
    assert objective_met(result, Objective(95, 1.2))
    assert not objective_met(result, Objective(95, 1.0))
    failing = summarise([second(float(n), [1000] * 50, failed=1) for n in range(90)], SERVER, 0.3, 1)
    assert not objective_met(failing, Objective(95, 100.0, error_share=0.001))
    assert objective_met(failing, Objective(95, 100.0, error_share=0.05))
    few = summarise([second(float(n), [1000]) for n in range(90)], SERVER, 0.3, 1)
    assert objective_met(few, Objective(99, 100.0)) is None


OPEN = replace(SCHEDULE, rate=steady(50))
RISING = replace(SCHEDULE, rate=Rate("10..90@90s", (RatePiece(90, 10, 90),)))


def open_second(
    at: float, service_us: list[int], *, lag_us: int = 100, own_us: int = 100, dropped: int = 0, backlog: int = 0
) -> Second:
    """A second in which transactions were sent ``lag_us`` late, and some dropped when they were 300 ms late."""
    service, n = Histogram.of(service_us), len(service_us)
    late = [300_000] * dropped
    histograms = {
        SERVICE: service,
        LAG: Histogram.of([lag_us] * n + late),
        RESPONSE: Histogram.of([us + lag_us for us in service_us] + late),
        CENSORED: Histogram.of(late),
    }
    tally = Tally(n, 0, {}, histograms, OpenTally(ended=n, dropped=dropped))
    own = Histogram.of([own_us] * n)
    hub = Histogram.of([300])
    return Second(at, 4, 0, {"open": tally}, {}, hub, own_lag=own, backlog=backlog, backlog_end=backlog)


def open_verdict(window: list[Second], schedule: Schedule = OPEN, cpu: float = 0.3) -> Verdict:
    result = summarise(window, SERVER, cpu, 1)
    return judge(window, result, schedule, interrupted=False, died=False, writes=False, shared_machine=False)


def test_an_open_run_that_the_server_carries_is_valid() -> None:
    assert open_verdict([open_second(float(n), [1000 + n] * 50) for n in range(90)]) == Verdict("valid", (), ())


def test_a_server_that_cannot_carry_the_load_gives_a_valid_result_that_says_so() -> None:
    found = open_verdict([open_second(float(n), [1000] * 50, lag_us=n * 10_000, backlog=n * 10) for n in range(90)])
    assert found.status == "valid"
    (note,) = found.notes
    assert note.code == "not_carried"
    assert "890 were waiting at the end" in note.what
    assert "4 connections" in note.what


def test_a_generator_that_sends_late_by_itself_is_not_excused_by_a_slow_response() -> None:
    found = open_verdict([open_second(float(n), [1000] * 50, lag_us=900_000, own_us=8_000) for n in range(90)])
    assert [reason.code for reason in found.reasons] == ["generator_late"]
    assert found.status == "invalid"
    assert "8.0 ms" in found.reasons[0].what
    assert open_verdict([open_second(float(n), [1000] * 50) for n in range(90)], cpu=0.95).status == "invalid"


def test_steadiness_is_asked_of_a_constant_rate_only() -> None:
    window = [open_second(float(n), [1000] * (20 if n < 45 else 80)) for n in range(90)]
    assert [reason.code for reason in open_verdict(window).reasons] == ["not_steady"]
    assert open_verdict(window, RISING).status == "valid"


def test_an_objective_beyond_what_was_dropped_is_missed_or_undecided_never_met() -> None:
    result = summarise([open_second(float(n), [1000] * 50, dropped=10) for n in range(90)], SERVER, 0.3, 1)
    assert objective_met(result, Objective(50, 100.0))
    assert objective_met(result, Objective(95, 200.0)) is False
    assert objective_met(result, Objective(95, 500.0)) is None, "it took 300 ms or more: whether 500 is not known"
    refusal = undecided(result, Objective(95, 500.0))
    assert refusal.code == "objective_undecided"
    assert "900 transactions were dropped" in refusal.missing


@pytest.mark.parametrize(("wait_us", "noted"), [(20, False), (600, True)])
def test_waiting_for_the_pool_is_a_note_where_it_is_a_part_of_the_response(wait_us: int, noted: bool) -> None:
    window = [replace(s, access=AccessTally(pool_wait=Histogram.of([wait_us] * 50))) for s in STEADY]
    schedule = replace(SCHEDULE, access=Access(pool=2))
    result = summarise(window, SERVER, 0.3, 1)
    found = judge(window, result, schedule, interrupted=False, died=False, writes=False, shared_machine=False)
    assert found.status == "valid"
    assert [note.code for note in found.notes] == ["pool_wait"] * noted
    if noted:
        assert "one of 2 connections" in found.notes[0].what
        assert "--pool" in found.notes[0].do
