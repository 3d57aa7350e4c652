"""What the page says of what made the load: its processes, what they waited for, and how to have them again."""

from dataclasses import replace

import samples
from test_report_open import open_run

from loadgen.report import commands, run_sections
from loadgen.runs.format.access import Access
from loadgen.runs.format.result import AccessResult
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.use import GeneratorPart
from loadgen.runs.format.verdict import Reason, Verdict

PARTS = (
    GeneratorPart("alpha:17", 16, 37_500, 37_490, 0.21, 0.4, 92_000_000, clock_error_ms=0.18),
    GeneratorPart("beta:9", 16, 37_500, 12_011, None, 0.6, None, lost_after_s=19.0, clock_error_ms=0.22),
)


def on_two_machines() -> RunRecord:
    run = open_run()
    assert run.result is not None
    reason = Reason("generator_lost", "beta:9, which had 16 of 32 connections, reported for the last time", "see why")
    return replace(
        run,
        schedule=replace(run.schedule, processes=2),
        verdict=Verdict("partial", (reason,)),
        result=replace(run.result, generator=replace(run.result.generator, parts=PARTS)),
    )


def test_each_worker_is_there_with_its_share_and_the_lost_one_says_when() -> None:
    run = on_two_machines()
    section = run_sections.generator(run)
    assert section is not None
    text = " ".join(section.html.replace("\u00a0", " ").split())
    for words in ("alpha:17", "beta:9", "37,500", "12,011", "0.180 ms", "19 s into the window", "0.140 ms late"):
        assert words in text
    assert "a part of the load was lost" in run_sections.verdict(run).html
    assert run_sections.outcome(run) is None, "half of the load says nothing of an objective"
    assert "it ended early" in run_sections.verdict(replace(run, verdict=Verdict("partial"))).html


def test_one_process_has_no_table_and_says_what_it_used() -> None:
    section = run_sections.generator(samples.run())
    assert section is not None
    assert "<table" not in section.html
    assert "0.310 cores" in section.html.replace("\u00a0", " ")
    assert "one session per user" in section.html


def test_waiting_for_the_pool_is_shown() -> None:
    run = samples.run()
    assert run.result is not None
    access = AccessResult(0, None, samples.latency(74_212, 2.5))
    section = run_sections.generator(
        replace(
            run,
            schedule=replace(run.schedule, access=Access(pool=4)),
            result=replace(run.result, access=access),
        )
    )
    assert section is not None
    assert "4 connections shared in each process" in section.html
    assert "pool wait" in section.html


def test_the_command_has_as_many_processes_or_workers() -> None:
    def line(run: RunRecord) -> str:
        (found,) = [words for words in commands.for_run(run) if words.startswith("loadgen run")]
        return found

    assert "--master --expect-workers 2" in line(on_two_machines())
    run = samples.run()
    assert "--processes 3" in line(replace(run, schedule=replace(run.schedule, processes=3)))
    assert "processes" not in line(run)
