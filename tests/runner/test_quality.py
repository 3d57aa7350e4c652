from dataclasses import replace

import pytest
from test_summary import SERVER, second

from loadgen.runner.quality import judge, objective_met
from loadgen.runner.summary import summarise
from loadgen.runs.format import Objective, RunResult, Schedule, Verdict
from loadgen.runs.histogram import Histogram
from loadgen.runs.spool import Second

SCHEDULE = Schedule(users=4, think=False, ramp_s=1, warmup_s=1, measure_s=90, drain_s=1, seed=1)
STEADY = [second(float(n), [1000 + n] * 50) for n in range(90)]


def verdict(window: list[Second], *, cpu: float = 0.3, **changes: object) -> Verdict:
    result: RunResult | None = summarise(window, SERVER, cpu, 1) if window else None
    given = {"interrupted": False, "died": False, "writes": False, "shared_machine": False} | changes
    return judge(window, result, SCHEDULE, **given)  # type: ignore[arg-type]


def test_a_steady_run_with_a_generator_at_ease_is_valid() -> None:
    assert verdict(STEADY) == Verdict("valid", (), ())


@pytest.mark.parametrize(
    ("window", "cpu", "code"),
    [
        (STEADY, 0.95, "generator_saturated"),
        ([replace(s, hub_lag=Histogram.of([20_000] * 9)) for s in STEADY], 0.3, "generator_late"),
        ([second(float(n), [1000] * (80 if n < 45 else 20)) for n in range(90)], 0.3, "not_steady"),
        ([second(float(n), [1000] if n == 3 else []) for n in range(90)], 0.3, "too_few_transactions"),
        ([], 0.3, "too_few_transactions"),
    ],
)
def test_a_run_that_cannot_be_believed_says_why_and_what_to_change(window: list[Second], cpu: float, code: str) -> None:
    found = verdict(window, cpu=cpu)
    assert found.status == "invalid"
    assert [reason.code for reason in found.reasons] == [code]
    assert all(reason.do for reason in found.reasons)


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


def test_the_objective_counts_latency_and_failures() -> None:
    result = summarise(STEADY, SERVER, 0.3, 1)
    assert objective_met(result, Objective(95, 1.2))
    assert not objective_met(result, Objective(95, 1.0))
    failing = summarise([second(float(n), [1000] * 50, failed=1) for n in range(90)], SERVER, 0.3, 1)
    assert not objective_met(failing, Objective(95, 100.0, error_share=0.001))
    assert objective_met(failing, Objective(95, 100.0, error_share=0.05))
    few = summarise([second(float(n), [1000]) for n in range(90)], SERVER, 0.3, 1)
    assert objective_met(few, Objective(99, 100.0)) is None
