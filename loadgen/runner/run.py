"""One run: the child makes the load, the server is watched, the record is written whole or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loadgen.database.connect import Target, connect
from loadgen.database.servers import Servers
from loadgen.errors import GuardRefusal
from loadgen.observe.facts import client_facts, database_facts
from loadgen.observe.pooler import lock_of_run
from loadgen.observe.replay import ReplaySampler
from loadgen.observe.sampler import Sampler
from loadgen.observe.statement_counts import StatementCounter, differences
from loadgen.runner.checkpoints import ForcedCheckpoints
from loadgen.runner.counting import client_counts, unaccounted
from loadgen.runner.parts import Generator, Made, all_seconds, part_of
from loadgen.runner.quality import judge, refusal_of
from loadgen.runner.summary import Window, committed, summarise, write_latency_log, write_timeline
from loadgen.runs import documents
from loadgen.runs.control import PhaseBegan
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import ClientFacts, DatabaseFacts
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Schedule
from loadgen.runs.format.verdict import Reason, Verdict
from loadgen.runs.shares import Share
from loadgen.runs.store import DOCUMENTS, new_id, new_record

GUARD_REFUSED: Final = "guard_refused"
"""Code of the reason of a run that the guard ended."""
GUARD_ADVICE: Final = "see where the DSN, the pooler's entry or the host name leads now; what came before is kept"
DRAIN_S: Final = 10.0
"""Transactions under way at the end may take so long to finish before they are cancelled."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record says of both machines; asked once for a sweep."""

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
) -> tuple[RunRecord, Path]:
    """Carry out a schedule on ``target`` and keep its record; returns it with its directory.

    ``servers``: through which pooler, beside which replicas the load goes; None: neither.
    An interrupt ends the run early and keeps it as partial. Raises LoadgenError where no load could be made.
    """
    facts = facts or Facts.gather(target)
    scenario = child.description
    now = dt.datetime.now(dt.UTC)
    run_id = new_id(scenario.name, now)
    window = Window({})
    servers = servers or Servers(target)
    servers.check_replicas()
    counter = StatementCounter([target, *servers.replicas], scenario)
    with new_record(results_dir, run_id) as directory, ExitStack() as running:
        running.enter_context(lock_of_run(servers, schedule.access))
        sampler = running.enter_context(Sampler(target, directory / "server.csv"))
        replays = [running.enter_context(ReplaySampler(replica)) for replica in servers.replicas]
        checkpoints = running.enter_context(ForcedCheckpoints(target))

        def phase_began(event: PhaseBegan) -> None:
            window.began[event.phase] = event.at
            if event.phase == "measure" and scenario.writes:
                checkpoints.spread_over(schedule.measure_s)
            if on_phase is not None:
                on_phase(event)

        made = child.run(schedule, directory, phase_began)
        running.close()  # the sampler's last sample, before anything is summed up
        by_part = [part.seconds() for part in made]
        seconds = all_seconds(by_part)
        measured = window.seconds(seconds)
        shares = [Share(process, len(made)) for process in range(len(made))]
        parts = [
            part_of(one, its, share, schedule, window.bounds(seconds))
            for one, its, share in zip(made, by_part, shares, strict=True)
        ]
        result = None
        seen: tuple[Reason, ...] = ()
        if measured:
            server = sampler.use(
                measured[0].at,
                measured[-1].at + 1.0,
                transactions=sum(committed(second) for second in measured),
                checkpoints_forced=checkpoints.forced,
            )
            seen = sampler.notes(measured[0].at, measured[-1].at + 1.0)
            cpu_cores = sum(part.cpu_cores or 0.0 for part in parts)
            peak = sum(part.peak_rss_bytes or 0 for part in parts)
            examples = {state: words for second in seconds for state, words in second.error_examples.items()}
            result = summarise(measured, server, cpu_cores, peak, examples, window.warmup(seconds), parts)
            bounds = (measured[0].at, measured[-1].at + 1.0)
            result = replace(result, replay=tuple(each.use(*bounds) for each in replays))
        verdict = judge(
            measured,
            result,
            schedule,
            interrupted=any(part.done is not None and part.done.interrupted for part in made),
            died=all(part.done is None for part in made),
            lost=[part for part in parts if part.lost_after_s is not None],
            warmup=window.warmed(seconds),
            writes=scenario.writes,
            shared_machine=facts.database.embedded,
        )
        server_statements = counter.end(client_counts(seconds), unaccounted(seconds, scenario, schedule.mode))
        # A process that died took up to a second of its counts with it, and the verdict says that it died.
        differ = () if any(part.done is None for part in made) else differences(server_statements)
        seen = (*seen, *counter.notes, *differ)
        verdict = replace(verdict, notes=(*verdict.notes, *seen))
        verdict = _guarded(verdict, made, measured=result is not None)
        record = RunRecord(
            id=run_id,
            started_at=now.isoformat(timespec="seconds"),
            scenario=scenario,
            schedule=replace(schedule, processes=len(made)),
            objective=objective,
            database=facts.database,
            client=facts.client,
            verdict=verdict,
            result=result,
            refusal=refusal_of(verdict),
            server_statements=server_statements,
        )
        write_latency_log(directory / "latency.hlog", seconds)
        write_timeline(directory / "timeline.csv", seconds, window)
        (directory / DOCUMENTS["run"]).write_text(documents.dump(record), "utf-8")
        for part in made:
            part.spool.unlink(missing_ok=True)
    return record, results_dir / run_id


def _guarded(verdict: Verdict, made: Sequence[Made], *, measured: bool) -> Verdict:
    """The verdict, partial where the guard ended the run. Raises GuardRefusal if nothing was measured by then."""
    refusal = next((part.done.refusal for part in made if part.done and part.done.refusal), None)
    if refusal is None:
        return verdict
    if not measured:
        raise GuardRefusal(refusal)
    return replace(verdict, status="partial", reasons=(Reason(GUARD_REFUSED, refusal, GUARD_ADVICE),))
