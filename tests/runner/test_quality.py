from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_summary import SERVER, second

from loadgen.errors import RefusalError
from loadgen.observe.samples import Counters, Sample
from loadgen.runner.memory import oom_kills, with_cause
from loadgen.runner.quality import STRICT, Allowed, Observed, judge, objective_met, refusal_of, undecided
from loadgen.runner.silence import Evidence
from loadgen.runner.summary import summarise
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.result import FirstError, RunResult
from loadgen.runs.format.schedule import Rate, RatePiece, Schedule
from loadgen.runs.format.use import GeneratorPart
from loadgen.runs.format.verdict import Reason, Verdict
from loadgen.runs.histogram import EMPTY, Histogram
from loadgen.runs.rates import steady
from loadgen.runs.spool import CENSORED, LAG, RESPONSE, SERVICE, AccessTally, OpenTally, Second, Tally

SCHEDULE = Schedule(users=4, think=False, ramp_s=1, warmup_s=1, measure_s=90, drain_s=1, seed=1)
PART = GeneratorPart("process 0", 4, None, 4500, None, 0.3, None, lost_after_s=90)
STEADY = [second(float(n), [1000 + n] * 50) for n in range(90)]


def verdict(window: list[Second], *, cpu: float = 0.3, warmup: list[Second] | None = None, **observed: Any) -> Verdict:
    result: RunResult | None = summarise(window, SERVER, cpu, 1) if window else None
    return judge(window, result, SCHEDULE, Observed(**observed), STRICT, warmup or [])


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
        ([second(float(n), []) for n in range(90)], 0.3, "not_answered"),
        ([second(float(n), [1000] * 50 if n < 80 else []) for n in range(90)], 0.3, "not_answered"),
        ([second(float(n), [1000] * 50, failed=1) for n in range(90)], 0.3, "too_many_errors"),
        ([second(float(n), [], failed=30) for n in range(90)], 0.3, "too_many_errors"),
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
    stopped = verdict(STEADY, interrupted=True)
    assert (stopped.status, [r.code for r in stopped.reasons]) == ("partial", ["interrupted"])
    assert refusal_of(stopped) is None
    killed = verdict(STEADY, lost=[replace(PART, ending="was killed by SIGKILL (why)")], died=True)
    assert (killed.status, [r.code for r in killed.reasons]) == ("partial", ["generator_died"])
    assert killed.reasons[0].what == "the load generator was killed by SIGKILL (why)"
    refusal = refusal_of(killed)
    assert refusal is not None
    words = "no valid answer (generator_died): the load generator was killed by SIGKILL (why); check its last output"
    assert str(RefusalError(refusal)).startswith(words)
    part = verdict(STEADY, lost=[replace(PART, ending="was killed by SIGKILL (why)")])
    assert (part.status, [r.code for r in part.reasons]) == ("partial", ["generator_lost"])
    assert "process 0, which had 4 of 4 users, was killed by SIGKILL (why); it reported" in part.reasons[0].what


def test_what_limits_the_use_of_a_valid_run_is_noted() -> None:
    found = judge(
        STEADY,
        summarise(STEADY, replace(SERVER, checkpoints=2, checkpoints_forced=2), 0.3, 1),
        replace(SCHEDULE, measure_s=5),
        Observed(writes=True, shared_machine=True),
        STRICT,
    )
    assert found.status == "valid"
    assert [note.code for note in found.notes] == ["short", "shared_machine", "checkpoints_forced"]
    assert "2 checkpoints were forced in the short window, in which the server counted 2" in found.notes[-1].what


def test_connections_that_were_lost_are_noted() -> None:
    window = [second(float(n), [1000 + n] * 50, failed=3 * (n == 7) + (n == 9)) for n in range(90)]
    result = summarise(window, SERVER, 0.3, 1, {"08006": "server closed the connection unexpectedly"})
    found = judge(window, result, SCHEDULE, Observed(), STRICT)
    assert found.status == "valid"
    (note,) = found.notes
    assert note.code == "connections_lost"
    words = "server closed the connection unexpectedly"
    assert note.what == f"4 connections were lost in the window (first 7 s into it: {words})"
    restarted = Reason("server_restarted", "the server restarted", "do")
    assert verdict(window, faults=[restarted]).notes == ()
    others = [replace(s, transactions={"t": replace(s.transactions["open"], errors={"08001": 1})}) for s in STEADY]
    assert judge(others, summarise(others, SERVER, 0.3, 1), SCHEDULE, Observed(), Allowed(0.5)).notes == ()


def test_a_short_window_is_what_is_too_little() -> None:
    (reason,) = verdict([second(float(n), [1000] * 500) for n in range(3)]).reasons
    assert "1,500 transactions in 3 s: too few" in reason.what
    assert "at least 20 in 4 s" in reason.what


def test_the_objective_is_a_percentile_of_response() -> None:
    result = summarise(STEADY, SERVER, 0.3, 1)
    assert objective_met(result, Objective(95, 1.2))
    assert not objective_met(result, Objective(95, 1.0))
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
    return judge(window, result, schedule, Observed(), STRICT)


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
    assert "8 ms late" in found.reasons[0].what
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
    found = judge(window, result, schedule, Observed(), STRICT)
    assert found.status == "valid"
    assert [note.code for note in found.notes] == ["pool_wait"] * noted
    if noted:
        assert "one of 2 connections" in found.notes[0].what
        assert "--pool" in found.notes[0].do


RESTARTED = Reason("server_restarted", "server restarted at 12:03:07 UTC (crash of a backend)", "see its log")
SILENT = [replace(s, transactions={}) if 60 <= s.at < 70 else s for s in STEADY]
FAILED = FirstError(3.5, "open", "select", "23514", 'violates check constraint "positive"')


def codes(reasons: tuple[Reason, ...]) -> list[str]:
    return [reason.code for reason in reasons]


def test_what_failed_stands_before_what_came_of_it() -> None:
    """A fault of the world, then the errors, then the generator; neither is a run that is too short or unsteady."""
    broken = [replace(s, first_error=FAILED) if s.at == 7 else s for s in SILENT]
    broken = [replace(s, transactions=second(s.at, [1000], failed=9).transactions) if s.at < 5 else s for s in broken]
    part = replace(PART, ending="was killed by SIGKILL")
    found = verdict(broken, cpu=0.95, faults=[RESTARTED], lost=[part], interrupted=True, shared_machine=True)
    assert codes(found.reasons) == [
        "interrupted", "server_restarted", "not_answered", "too_many_errors", "generator_lost", "generator_saturated",
    ]  # fmt: skip
    assert codes(found.notes) == ["shared_machine"]
    assert found.first_line.startswith("a signal ended the run 90 s into the window; 45 of ")
    assert "first: 23514 in select: violates check constraint" in found.reasons[3].what


def test_a_fault_that_was_expected_is_a_note_and_the_rest_is_judged() -> None:
    result = summarise(SILENT, SERVER, 0.3, 1)
    observed = Observed(faults=[RESTARTED])
    found = judge(SILENT, result, SCHEDULE, observed, Allowed(faults=True))
    assert (found.status, codes(found.notes)) == ("valid", ["server_restarted", "not_answered"])
    assert judge(SILENT, result, SCHEDULE, observed, STRICT).status == "invalid"
    failing = [second(float(n), [1000] * 50, failed=1) for n in range(90)]
    found = judge(failing, summarise(failing, SERVER, 0.3, 1), SCHEDULE, observed, Allowed(faults=True))
    assert codes(found.reasons) == ["too_many_errors"]


@pytest.mark.parametrize("share", [0.0, 1 / 51, 0.5, 1.0])
def test_the_share_that_failed_is_compared_as_it_was_recorded(share: float) -> None:
    window = [second(float(n), [1000] * 50, failed=1) for n in range(90)]
    found = judge(window, summarise(window, SERVER, 0.3, 1), SCHEDULE, Observed(), Allowed(share))
    assert (found.status == "valid") == (share >= 1 / 51)


SAMPLED = [Sample(n + 0.5, Counters(0, 0, 0, 0, 0, 0, 0), {"Lock:relation": 4}) for n in range(90)]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence([s for s in SAMPLED if not 60 <= s.at < 70]), "the server did not answer monitoring queries either"),
        (Evidence(SAMPLED, "database x at pool:6432"), "but the pooler (database x at pool:6432) did not respond"),
        (Evidence(SAMPLED), "the server answered monitoring queries; its sessions waited for Lock:relation"),
    ],
)
def test_time_without_an_answer_is_put_down_to_who_was_away(evidence: Evidence, words: str) -> None:
    (reason,) = verdict(SILENT, evidence=evidence).reasons
    assert reason.code == "not_answered"
    assert reason.what.startswith("no answer in 10 s of the 90 s window, longest gap from ")
    assert words in reason.what
    stopped = [replace(s, hub_lag=EMPTY) if 60 <= s.at < 70 else s for s in SILENT]
    (reason,) = verdict(stopped, evidence=evidence).reasons
    assert reason.code == "generator_late"
    assert reason.what.startswith("the load generator stalled for 10 s of the 90 s window")


def test_time_without_an_answer_is_no_fault_where_none_was_due_or_it_is_short() -> None:
    few = [second(float(n), [1000] if n % 6 == 0 and n < 70 else []) for n in range(90)]
    assert codes(verdict(few).reasons) == ["too_few_transactions"], "one in six seconds, and then none for twenty"
    short = [replace(s, transactions={}) if 60 <= s.at < 64 else s for s in STEADY]
    assert not verdict(short).reasons, "4 s of 90"
    refused = [second(s.at, [], failed=1) if 60 <= s.at < 70 else s for s in STEADY]
    assert codes(verdict(refused).reasons) == ["not_answered"], "refused connections are no answers"
    open_window = [open_second(float(n), [1000] * 50 if n < 80 else [], dropped=5 * (n >= 80)) for n in range(90)]
    assert codes(open_verdict(open_window).reasons) == ["not_answered"]
    open_window = [open_second(float(n), [1000] * 50 if n < 80 else []) for n in range(90)]
    assert "not_answered" not in codes(open_verdict(open_window, RISING).reasons), "nothing was meant for it"


def test_a_process_that_was_killed_is_told_with_the_likely_reason(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 1\noom_kill 7\n")
    assert oom_kills(tmp_path / "vmstat") == 7
    assert oom_kills(tmp_path / "absent") is None
    killed = "was killed by SIGKILL"
    assert with_cause("ended with exit code 1", 7, 8) == "ended with exit code 1"
    assert str(with_cause(killed, 7, 8)).startswith(f"{killed} (probably by the kernel's OOM killer")
    assert str(with_cause(killed, 7, 7)).startswith(f"{killed} (not by the kernel's OOM killer")
    assert with_cause(killed, None, None) == f"{killed} (by a user or the kernel's OOM killer)"
