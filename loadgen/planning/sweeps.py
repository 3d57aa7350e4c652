"""The planner's measurements from recorded sweeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from capacity.formatting import share
from capacity.measurements import MeasuredServer, MeasuredTables, SweptScenario
from capacity.scalability import Capacity, capacity_at_objective
from capacity.values import Refusal
from loadgen.errors import RefusalError, UsageError
from loadgen.planning.partitions.partition_keys import FILLED_BY_TIME
from loadgen.planning.partitions.pruning import statement_uses
from loadgen.runs import documents, store
from loadgen.runs.format.latency import Objective
from loadgen.runs.format.machines import DatabaseFacts
from loadgen.runs.format.sweep import CapacityAnswer, SweepPoint, SweepRecord
from loadgen.runs.repeats import judged_repeats, repeat_of


def find_sweeps(results_dir: Path, names: Sequence[str], scenarios: Sequence[str]) -> tuple[SweepRecord, ...]:
    """Read the sweeps ``names``; without names, the newest complete one of each of ``scenarios`` that has one.

    Raises UsageError for a name that is not a sweep, a scenario given twice or not in ``scenarios``, and sweeps with
    different data or servers; RefusalError if there is none.
    """
    if names:
        sweeps = [read_sweep(store.resolve(results_dir, name)) for name in names]
    else:
        found = (newest_complete(results_dir, scenario) for scenario in scenarios)
        sweeps = [sweep for sweep in found if sweep is not None]
    if not sweeps:
        missing = f"a sweep of any scenario of the workload's mix ({', '.join(scenarios)}) in {results_dir}"
        raise RefusalError(Refusal("no_sweep", missing, f"run: loadgen sweep {scenarios[0]}, or give one with --sweep"))
    seen: set[str] = set()
    for sweep in sweeps:
        name = sweep.scenario.name
        if name in seen:
            raise UsageError(f"two sweeps are of scenario {name!r}; give one sweep per scenario")
        if name not in scenarios:
            raise UsageError(
                f"sweep {sweep.id} is of scenario {name!r}, which the workload's mix does not name "
                f"({', '.join(scenarios)}); give it a share with --workload"
            )
        seen.add(name)
    _require_same_ground(sweeps)
    return tuple(sweeps)


def read_sweep(path: Path) -> SweepRecord:
    """Read a sweep's document. Raises UsageError for another kind of record, or a damaged one."""
    if (kind := store.kind_of(path)) != "sweep":
        raise UsageError(f"{path} is a {kind}, not a sweep; give a sweep's directory")
    return documents.read(SweepRecord, path)


def newest_complete(results_dir: Path, scenario: str) -> SweepRecord | None:
    """Read the newest complete sweep of a scenario; None if there is none."""
    for path in store.newest_first(results_dir, "sweep", f"sweep-{scenario}"):
        sweep = read_sweep(path)
        if not sweep.partial:
            return sweep
    return None


def swept_scenario(sweep: SweepRecord, objective: Objective | None = None) -> SweptScenario:
    """Return the sweep's results from its valid runs, for its own objective or another one."""
    aim = objective or sweep.objective
    repeats = tuple(r for p in sweep.points if (r := repeat_of(p, aim.percentile)) is not None)
    capacity: Capacity | Refusal
    if objective is not None:
        judged = judged_repeats(sweep.points, aim.percentile)
        capacity = capacity_at_objective(judged, aim.response_ms, sweep.max_error_share)
    elif sweep.capacity is not None:
        capacity = _capacity(sweep.capacity)
    else:
        capacity = sweep.refusal or Refusal("no_capacity", "a capacity in the sweep's record", "sweep again")
        if sweep.partial:  # the refusal says why it stopped
            capacity = replace(capacity, missing=f"a complete sweep: {capacity.missing}")
    valid = [point for point in sweep.points if point.verdict.status == "valid"]
    return SweptScenario(
        name=sweep.scenario.name,
        capacity=capacity,
        read_share=sweep.scenario.read_share,
        objective=f"{aim}, at most {share(sweep.max_error_share)} errors",
        busy=not sweep.schedule.think,
        repeats=repeats,
        source=f"sweep {sweep.id}",
        p99_ms=_p99_ms(valid),
        round_trips=_round_trips(sweep),
        wal_bytes_per_txn=_mean([p.wal_bytes_per_txn for p in valid]),
        utilisation=_utilisation(sweep, valid, capacity),
    )


def measured_server(sweep: SweepRecord) -> MeasuredServer:
    """Return the swept server, with the connections that its settings allow."""
    settings = sweep.database.settings
    most = settings.get("max_connections", "")
    reserved = [settings.get(name, "") for name in ("superuser_reserved_connections", "reserved_connections")]
    known = sum(int(text) for text in reserved if text.isdigit())
    return MeasuredServer(
        sweep.database.cores,
        sweep.database.ram_bytes,
        f"server of sweep {sweep.id}",
        int(most) if most.isdigit() and int(most) > 0 else None,
        known or 3,
    )


def measured_tables(sweep: SweepRecord, sweeps: Sequence[SweepRecord] = ()) -> MeasuredTables:
    """Return table sizes, the number of users, and the tables that statements of ``sweeps`` use."""
    users = next((table.rows for table in sweep.tables if table.name == "users"), 0)
    return MeasuredTables(
        users,
        sweep.tables,
        f"tables measured by sweep {sweep.id}",
        tuple(use for each in sweeps for use in statement_uses(each.scenario)),
        FILLED_BY_TIME,
    )


def _p99_ms(points: Sequence[SweepPoint]) -> dict[int, float]:
    by_level: dict[int, list[float]] = {}
    for point in points:
        p99 = point.response.p99_ms if point.response else None
        if p99 is not None and p99.value > 0:
            by_level.setdefault(point.level, []).append(math.log(p99.value))
    return {level: math.exp(sum(logs) / len(logs)) for level, logs in by_level.items()}


def _round_trips(sweep: SweepRecord) -> float:
    """Mean round trips of a transaction: begin, commit, and per user the identification and each statement."""
    if sweep.schedule.mode == "pipeline":
        return 2.0
    total = sum(t.weight for t in sweep.scenario.transactions)
    trips = sum(t.weight * (2 + t.repeat * (1 + len(t.statements))) for t in sweep.scenario.transactions)
    return trips / total if total > 0 else 2.0


def _utilisation(sweep: SweepRecord, points: Sequence[SweepPoint], capacity: Capacity | Refusal) -> float | None:
    if isinstance(capacity, Refusal) or not sweep.database.cores:
        return None
    used = _mean([p.server_cpu_cores for p in points if p.level == capacity.level])
    return None if used is None else used / sweep.database.cores


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def is_short(sweep: SweepRecord) -> bool:
    """Return whether any of the sweep's runs was too short for a decision."""
    return any(note.code == "short" for point in sweep.points for note in point.verdict.notes)


def _capacity(answer: CapacityAnswer) -> Capacity:
    return Capacity(answer.throughput_tps, answer.level, answer.bracketed, answer.met_probability, answer.pool)


def _require_same_ground(sweeps: Sequence[SweepRecord]) -> None:
    """Refuse to add up scenarios that were measured on different data or servers."""
    first = sweeps[0]
    for other in sweeps[1:]:
        ours, theirs = _ground(first.database), _ground(other.database)
        for what, value in ours.items():
            if theirs[what] != value:
                raise UsageError(
                    f"sweeps {first.id} and {other.id} differ in {what} ({value}, {theirs[what]}), so they do not add "
                    "up; sweep both on the same data and server, or choose others with --sweep"
                )


def _ground(database: DatabaseFacts) -> dict[str, object]:
    """Facts that must be equal. Row counts may differ, since a write load changes rows."""
    data = database.fingerprint
    return {
        "server version": database.server_version,
        "cores": database.cores,
        "schema version": data.schema_version,
        "model version": data.model_version,
        "seed": data.seed,
        "users": data.users,
        "as-of date": data.as_of,
        "users per chunk": data.chunk_users,
        "ageing": data.ageing,
        "shape": data.shape_sha256,
    }
