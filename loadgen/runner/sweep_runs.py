"""A sweep: the same scenario at several levels in random order, each on a fresh copy of the data, with repeats."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capacity.scalability import capacity_at_objective
from capacity.values import Refusal
from loadgen import interrupts
from loadgen.database.connect import connect
from loadgen.database.copies import fresh_copy, working_copy
from loadgen.database.guard import require_own_tables, require_synthetic
from loadgen.database.servers import Servers
from loadgen.database.target import Target
from loadgen.observe.facts import table_sizes
from loadgen.runner.generator import ScenarioChild
from loadgen.runner.quality import STRICT, Allowed, refusal_of
from loadgen.runner.run import Facts, record_run
from loadgen.runs import documents
from loadgen.runs.format.access import Access
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.run import RunRecord
from loadgen.runs.format.schedule import Mode, Schedule
from loadgen.runs.format.sweep import CapacityAnswer, SweepPoint, SweepRecord
from loadgen.runs.repeats import judged_repeats
from loadgen.runs.store import DOCUMENTS, RUNS, new_id, new_record


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Levels, repeats and schedule of a sweep. Without ``think``, a level is the number of busy connections."""

    levels: tuple[int, ...]
    repeats: int
    think: bool
    ramp_s: float
    warmup_s: float
    measure_s: float
    drain_s: float
    seed: int
    mode: Mode = "sequential"
    processes: int = 1
    """Processes of the generator; some are idle at a level below their number."""
    access: Access = field(default_factory=Access)

    def order(self) -> tuple[tuple[int, int], ...]:
        """(level, repeat) in the order of running: every repeat visits all levels in an order of its own.

        Randomised blocks: a slow drift of the machine then falls on all levels alike, instead of on the last ones.
        """
        rng = random.Random(self.seed)
        return tuple(
            (level, repeat) for repeat in range(self.repeats) for level in rng.sample(self.levels, len(self.levels))
        )

    def schedule(self, level: int, place: int) -> Schedule:
        """Schedule of the run at ``place`` in the order."""
        return Schedule(
            users=level,
            think=self.think,
            ramp_s=self.ramp_s,
            warmup_s=self.warmup_s,
            measure_s=self.measure_s,
            drain_s=self.drain_s,
            seed=self.seed + place,
            mode=self.mode,
            processes=self.processes,
            access=self.access,
        )


def record_sweep(
    scenario: Path,
    target: Target,
    plan: SweepPlan,
    objective: Objective,
    results_dir: Path,
    on_run: Callable[[int, int, SweepPoint | None], None],
    allow_unmarked: str | None = None,
    servers: Servers | None = None,
    allowed: Allowed = STRICT,
) -> tuple[SweepRecord, Path]:
    """Run a sweep and write its record; returns it with its directory.

    Every run gets a fresh copy of ``target``, which itself is only read. An interrupt ends the sweep and keeps what
    was measured, marked partial. ``allow_unmarked`` names the database to which writing is allowed without its mark;
    its copy goes with it. ``servers``: the pooler and replicas of the load; None for neither.
    ``on_run`` is called with level and place before (point None) and after each run.
    """
    now = dt.datetime.now(dt.UTC)
    points: list[SweepPoint] = []
    with connect(target, autocommit=True) as connection:
        require_synthetic(connection, allow_unmarked)  # even to read it: copies take room on its server
        tables = table_sizes(connection)
    facts = Facts.gather(target)
    order = plan.order()
    interrupted = False
    servers = servers or Servers(target)
    with working_copy(target) as working:
        copy_servers = servers.with_database(working.database)
        unmarked = allow_unmarked and working.database
        with ScenarioChild(scenario, copy_servers.environment(), unmarked, processes=plan.processes) as child:
            description = child.description
            if description.writes:  # in the given database, not in its copy
                with connect(target, autocommit=True) as connection:
                    require_own_tables(connection, allow_unmarked)
            sweep_id = new_id(f"sweep-{description.name}", now)
            with new_record(results_dir, sweep_id) as directory:
                for place, (level, repeat) in enumerate(order):
                    on_run(level, place, None)
                    try:
                        if place:
                            with interrupts.allowed():
                                fresh_copy(target)
                        schedule = plan.schedule(level, place)
                        record, _ = record_run(
                            child, working, schedule, objective, directory / RUNS,
                            facts=facts, servers=copy_servers, allowed=allowed,
                        )  # fmt: skip
                    except KeyboardInterrupt:
                        interrupted = True
                        break
                    points.append(_point(record, level, repeat, place, objective))
                    on_run(level, place, points[-1])
                    interrupted = interrupts.received() or record.verdict.status == "partial"
                    if interrupted:
                        break
                capacity, refusal = _answer(points, objective, allowed.error_share)
                sweep = SweepRecord(
                    id=sweep_id,
                    started_at=now.isoformat(timespec="seconds"),
                    scenario=description,
                    objective=objective,
                    max_error_share=allowed.error_share,
                    levels=tuple(sorted(plan.levels)),
                    repeats=plan.repeats,
                    schedule=plan.schedule(max(plan.levels), 0),
                    points=tuple(points),
                    database=facts.database,
                    client=facts.client,
                    tables=tables,
                    capacity=capacity,
                    refusal=refusal,
                    partial=interrupted,
                )
                (directory / DOCUMENTS["sweep"]).write_text(documents.dump(sweep), "utf-8")
    return sweep, results_dir / sweep_id


def _point(record: RunRecord, level: int, repeat: int, place: int, objective: Objective) -> SweepPoint:
    result = record.result
    return SweepPoint(
        level=level,
        repeat=repeat,
        order=place,
        run_id=record.id,
        verdict=record.verdict,
        throughput_tps=result.throughput_tps if result else None,
        error_share=result.error_share if result and result.count else None,
        service=result.service if result else None,
        response=result.response if result else None,
        server_cpu_cores=result.server.cpu_cores.value if result and result.server.cpu_cores else None,
        generator_cpu_cores=result.generator.cpu_cores if result else None,
        wal_bytes_per_txn=result.server.wal_bytes_per_txn if result else None,
    )


def _answer(
    points: Sequence[SweepPoint], objective: Objective, max_error_share: float
) -> tuple[CapacityAnswer | None, Refusal | None]:
    """Capacity from the runs that can be judged, or a refusal with the missing measurement."""
    if points and points[-1].verdict.status == "partial" and not points[-1].verdict.interrupted:
        return None, refusal_of(points[-1].verdict)  # its generator is lost, or the guard ended it
    repeats = judged_repeats(points, objective.percentile)
    answer = capacity_at_objective(repeats, objective.response_ms, max_error_share)
    if isinstance(answer, Refusal):
        return None, answer
    return CapacityAnswer(
        answer.throughput_tps, answer.level, answer.bracketed, answer.met_probability, answer.pool
    ), None
