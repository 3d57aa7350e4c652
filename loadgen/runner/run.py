"""One run: generate the load, observe the servers, write the record whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loadgen.database.connect import connect
from loadgen.database.servers import Servers
from loadgen.database.target import Target
from loadgen.errors import GuardRefusal
from loadgen.observe.facts import client_facts, database_facts
from loadgen.observe.pooler import lock_of_run
from loadgen.runner.memory import oom_kills, with_cause
from loadgen.runner.parts import Generator, ProcessResult, all_seconds, part_of
from loadgen.runner.quality import STRICT, Allowed, Observed, judge, refusal_of
from loadgen.runner.summary import Window, committed, summarise, write_latency_log, write_timeline
from loadgen.runner.watch import Watch
from loadgen.runs import documents
from loadgen.runs.control import PhaseBegan
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts
from loadgen.runs.format.result import RunResult
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.use import GeneratorPart
from loadgen.runs.format.verdict import Reason, Verdict
from loadgen.runs.shares import Share
from loadgen.runs.spool import Second
from loadgen.runs.store import DOCUMENTS, new_id, new_record

GUARD_REFUSED: Final = "guard_refused"
"""Reason code of a run that the guard ended."""
GUARD_ADVICE: Final = (
    "check where the DSN, the pooler's entry or the host name leads now; earlier measurements are kept"
)
DRAIN_S: Final = 10.0
"""Time for transactions under way at the end to finish before they are cancelled."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about the database and the client machine, gathered once for a sweep."""

    database: DatabaseFacts
    client: ClientFacts

    @staticmethod
    def gather(target: Target) -> Facts:
        """Ask the server and this machine."""
        with connect(target, autocommit=True) as connection:
            return Facts(database_facts(connection, target), client_facts())


def record_run(
    child: Generator,
    target: Target,
    schedule: Schedule,
    objective: Objective,
    results_dir: Path,
    on_phase: Callable[[PhaseBegan], None] | None = None,
    facts: Facts | None = None,
    servers: Servers | None = None,
    allowed: Allowed = STRICT,
) -> tuple[RunRecord, Path]:
    """Carry out a schedule on ``target`` and write its record; returns it with its directory.

    ``servers``: the pooler and replicas of the load; None for neither.
    An interrupt ends the run early and keeps it as partial. Raises LoadgenError where no load could be made.
    """
    facts = facts or Facts.gather(target)
    scenario = child.description
    now = dt.datetime.now(dt.UTC)
    run_id = new_id(scenario.name, now)
    window = Window({})
    servers = servers or Servers(target)
    servers.check_replicas()
    kills = oom_kills()
    with new_record(results_dir, run_id) as directory:
        with lock_of_run(servers, schedule.access), Watch(servers, scenario, directory / "server.csv") as watch:

            def phase_began(event: PhaseBegan) -> None:
                window.began[event.phase] = event.at
                if event.phase == "measure":
                    watch.window_began(schedule)
                if on_phase is not None:
                    on_phase(event)

            results = child.run(schedule, directory, phase_began)
        results = [replace(part, ending=with_cause(part.ending, kills, oom_kills())) for part in results]
        by_part = [part.seconds() for part in results]
        seconds = all_seconds(by_part)
        measured = window.seconds(seconds)
        parts = [
            part_of(process_result, its_seconds, Share(number, len(results)), schedule, window.bounds(seconds))
            for number, (process_result, its_seconds) in enumerate(zip(results, by_part, strict=True))
        ]
        bounds = (measured[0].at, measured[-1].at + 1.0) if measured else None
        faults, notes = (watch.faults(*bounds), watch.notes(*bounds)) if bounds else ((), ())
        result = _result(measured, seconds, window.warmup(seconds), parts, watch) if measured else None
        server_statements, count_differences, count_notes = watch.count(seconds, schedule, results)
        observed = Observed(
            interrupted=child.interrupted,
            lost=[part for part in parts if part.lost_after_s is not None],
            died=all(part.done is None for part in results),
            faults=faults,
            differences=count_differences,
            evidence=watch.evidence,
            writes=scenario.writes,
            shared_machine=facts.database.embedded,
        )
        verdict = judge(measured, result, schedule, observed, allowed, window.warmed(seconds))
        verdict = replace(verdict, notes=(*verdict.notes, *notes, *count_notes))
        verdict = _guarded(verdict, results, measured=result is not None)
        record = RunRecord(
            id=run_id,
            started_at=now.isoformat(timespec="seconds"),
            scenario=scenario,
            schedule=replace(schedule, processes=len(results)),
            objective=objective,
            max_error_share=allowed.error_share,
            database=facts.database,
            client=facts.client,
            verdict=verdict,
            result=result,
            refusal=refusal_of(verdict),
            server_statements=server_statements,
        )
        _write(directory, record, seconds, window)
        for part in results:
            part.spool.unlink(missing_ok=True)
    return record, results_dir / run_id


def _write(directory: Path, record: RunRecord, seconds: Sequence[Second], window: Window) -> None:
    write_latency_log(directory / "latency.hlog", seconds)
    write_timeline(directory / "timeline.csv", seconds, window)
    (directory / DOCUMENTS["run"]).write_text(documents.dump(record), "utf-8")


def _result(
    measured: Sequence[Second],
    seconds: Sequence[Second],
    warmup: Sequence[Second],
    parts: Sequence[GeneratorPart],
    watch: Watch,
) -> RunResult:
    """Sum up the window with the servers' use; examples of errors are from all ``seconds``."""
    begin, end = measured[0].at, measured[-1].at + 1.0
    used = watch.use(begin, end, transactions=sum(map(committed, measured)))
    cpu_cores = sum(part.cpu_cores or 0.0 for part in parts)
    peak = sum(part.peak_rss_bytes or 0 for part in parts)
    examples = {state: words for second in seconds for state, words in second.error_examples.items()}
    result = summarise(measured, used, cpu_cores, peak, examples, warmup, parts)
    return replace(result, replay=watch.replay(begin, end))


def _guarded(verdict: Verdict, results: Sequence[ProcessResult], *, measured: bool) -> Verdict:
    """Make the verdict partial if the guard ended the run. Raises GuardRefusal if nothing was measured by then."""
    refusal = next((part.done.refusal for part in results if part.done and part.done.refusal), None)
    if refusal is None:
        return verdict
    if not measured:
        raise GuardRefusal(refusal)
    return replace(verdict, status="partial", reasons=(Reason(GUARD_REFUSED, refusal, GUARD_ADVICE),))
